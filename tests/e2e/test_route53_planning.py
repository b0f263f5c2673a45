"""Moves planned by our own code from what a Route 53 lists, and sent to it as they stand: to a strict one of ours,
and to moto behind a front that checks signatures; boto3 reads the lists, signs, and looks at what came out."""
import os
import pathlib
import random
import subprocess

import boto3
import botocore.config
import botocore.exceptions
import pytest

from aws_account import EXAMPLE_KEY
from moto_front import Front, Moto
from route53_emulator import Route53
from route53_zone import RecordSet, Zone

PLAN = pathlib.Path(os.environ.get("DNSFLIP_BUILD", "build/release")).resolve() / "tests/planning/plan"
CONFIG = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=120)
ZONES = {"Z1": "one.test", "Z2": "two.test", "Z3": "three.test"}
USE1, USW2 = "192.0.2.1", "192.0.2.2"


class Service:
    """A Route 53 as a planner's caller uses it.  zones: {id: (name, whether it is private)}."""

    def __init__(self, url, zones):
        self.zones, self.bodies = zones, []
        self.api = boto3.client("route53", "us-east-1", endpoint_url=url, aws_access_key_id=EXAMPLE_KEY[0],
                                aws_secret_access_key=EXAMPLE_KEY[1], config=CONFIG)
        self.api.meta.events.register("before-call.route53.ChangeResourceRecordSets", self.instead)
        self.api.meta.events.register("after-call.route53.ListResourceRecordSets", self.listed)
        self.pages, self.body = [], None

    def instead(self, params, **_):
        if self.body is not None:
            params["body"] = self.body

    def listed(self, http_response, **_):
        self.pages.append(http_response.content)

    def records(self, zone):
        pages = self.api.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        return [r for page in pages for r in page["ResourceRecordSets"]]

    def lists(self):
        """The zones as words for the planner, and the bodies of all pages."""
        for zone, (name, private) in self.zones.items():
            self.pages = []
            self.records(zone)
            yield f"zone {zone} {name} {'private' if private else 'public'}\n".encode()
            for body in self.pages:
                yield f"page {len(body)}\n".encode() + body

    def send(self, zone, body):
        self.body = body
        try:
            # What boto3 is given does not matter: the body is the planner's.
            some = {"Name": "x.test", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "192.0.2.9"}]}
            self.api.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={
                "Changes": [{"Action": "CREATE", "ResourceRecordSet": some}]})
        finally:
            self.body = None

    def values(self, zone):
        """{(name, type, set id): values, or the alias and its health} of what is no NS or SOA."""
        found = {}
        for r in self.records(zone):
            alias = r.get("AliasTarget")
            data = [v["Value"] for v in r.get("ResourceRecords", [])] or [alias["DNSName"], alias["EvaluateTargetHealth"]]
            if r["Type"] not in ("NS", "SOA"):
                found[r["Name"], r["Type"], r.get("SetIdentifier")] = data
        return found


class Planned:
    """What the planner said.  batches: (zone, elements, characters, body)."""

    def __init__(self, out):
        self.batches, self.error = [], None
        line, _, rest = out.partition(b"\n")
        words = line.decode().split(" ", 2)
        if words[0] == "error":
            self.error = int(words[1]), words[2]
            return
        count, self.least, self.moved, self.there = map(int, line.decode().split()[1:])
        for _ in range(count):
            head, _, rest = rest.partition(b"\n")
            _, zone, elements, characters, size = head.decode().split()
            self.batches.append((zone, int(elements), int(characters), rest[:int(size)]))
            rest = rest[int(size):]
        assert not rest


def plan(service, hosts, start=0, to=1, epoch=7, routing="simple", more=""):
    """hosts: {name: (target in use1, target in usw2)}."""
    words = [f"group {routing} 60\n".encode(), *service.lists(),
             *(f"host {name}|{a}|{b}\n".encode() for name, (a, b) in hosts.items()),
             f"move {start} {to} {epoch} {more}\n".encode()]
    done = subprocess.run([PLAN], input=b"".join(words), capture_output=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    return Planned(done.stdout)


def carry(service, hosts, **more):
    """Plans and sends; returns what was planned."""
    planned = plan(service, hosts, **more)
    assert planned.error is None, planned.error
    for zone, _, _, body in planned.batches:
        service.send(zone, body)
    return planned


def spread(n, zones):
    names = list(zones.values())
    return {f"h{i}.{names[i % len(names)]}": (USE1, USW2) for i in range(n)}


def adopted(service, hosts, **more):
    assert carry(service, hosts, start=-1, to=0, epoch=5, more="adopt", **more).batches
    return service


@pytest.fixture
def emulator():
    with Route53([Zone(zone, name) for zone, name in ZONES.items()]) as made:
        yield made


@pytest.fixture
def service(emulator):
    return Service(emulator.url, {zone: (name, False) for zone, name in ZONES.items()})


def zone_of(name):
    return next(zone for zone, end in ZONES.items() if name.endswith(end))


def put(emulator, *records):
    for record in records:
        emulator.put(zone_of(record.name[:-1]), record)


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    made = Moto(tmp_path_factory.mktemp("moto"))
    yield made
    made.close()


def test_240_names_in_three_zones_of_moto_are_moved(moto):
    with Front(moto) as front:
        api = Service(front.url, {}).api
        made = {name: api.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"].split("/")[-1]
                for name in ZONES.values()}
        service = Service(front.url, {zone: (name, False) for name, zone in made.items()})
        hosts = spread(240, ZONES)
        for end, zone in made.items():
            changes = [{"Action": "CREATE", "ResourceRecordSet": {"Name": name, "Type": "A", "TTL": 60,
                        "ResourceRecords": [{"Value": USE1}]}} for name in hosts if name.endswith("." + end)]
            api.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
        adopted(service, hosts)
        planned = carry(service, hosts)
        assert len(planned.batches) == 3 == planned.least
        for end, zone in made.items():
            found = service.values(zone)
            assert {name for name, kind, _ in found if kind == "A"} == {f"{n}." for n in hosts if n.endswith("." + end)}
            assert all(data == [USW2] for (_, kind, _), data in found.items() if kind == "A")
            assert "epoch=7" in found[f"_dnsflip-prod.{end}.", "TXT", None][0]
        assert not plan(service, hosts).batches  # nothing is left
        assert all(code == "" for *_, code in front.seen)


def test_10_000_names_go_in_the_fewest_batches_that_the_limits_allow(emulator, service):
    hosts = spread(10000, ZONES)
    put(emulator, *(RecordSet(name, "A", [USE1], 60) for name in hosts))
    adopted(service, hosts)
    before = len(emulator.commits())
    planned = carry(service, hosts)
    assert planned.moved == 10000 and len(planned.batches) == planned.least
    batches = emulator.commits()[before:]
    assert [b.zone for b in batches] == [zone for zone, *_ in planned.batches]
    # 499 names, DELETE and CREATE each, beside the ownership record.
    assert len(batches) == sum(-(-sum(n.endswith("." + end) for n in hosts) // 499) for end in ZONES.values())
    assert emulator.emptied == []
    assert all(emulator.values(name) == [USW2] for name in hosts)
    assert plan(service, hosts).there == 10000


LB = "alias=ZELB/{}.elb.example health"
KINDS = {
    "addresses": ("simple", (USE1, USW2), [dict(type="A", values=[USE1], ttl=60)],
                  {("A", None): [USW2]}),
    "several addresses of both families": (
        "simple", ("192.0.2.1 192.0.2.3 2001:db8::1", "192.0.2.2 2001:db8::2"),
        [dict(type="A", values=["192.0.2.3", "192.0.2.1"], ttl=60), dict(type="AAAA", values=["2001:db8:0::1"], ttl=60)],
        {("A", None): ["192.0.2.2"], ("AAAA", None): ["2001:db8::2"]}),
    "a family that is lost": (
        "simple", ("192.0.2.1 2001:db8::1", "192.0.2.2"),
        [dict(type="A", values=["192.0.2.1"], ttl=60), dict(type="AAAA", values=["2001:db8::1"], ttl=60)],
        {("A", None): ["192.0.2.2"]}),
    "a CNAME": ("simple", ("cname=lb.use1.example", "cname=lb.usw2.example"),
                [dict(type="CNAME", values=["lb.use1.example"], ttl=60)], {("CNAME", None): ["lb.usw2.example"]}),
    "a TTL of its own": ("simple", (f"{USE1} ttl=30", f"{USW2} ttl=30"), [dict(type="A", values=[USE1], ttl=30)],
                         {("A", None): [USW2]}),
    "an alias": ("simple", (LB.format("use1"), LB.format("usw2")),
                 [dict(type="A", alias=("ZELB", "use1.elb.example", True))], {("A", None): ["usw2.elb.example.", True]}),
    "a weighted pair": (
        "weighted", (USE1, USW2),
        [dict(type="A", values=[USE1], ttl=60, set_id="use1", weight=100),
         dict(type="A", values=[USW2], ttl=60, set_id="usw2", weight=0)],
        {("A", "use1"): [USE1], ("A", "usw2"): [USW2]}),
    "a weighted pair of aliases": (
        "weighted", (LB.format("use1"), LB.format("usw2")),
        [dict(type="A", alias=("ZELB", f"{c}.elb.example", True), set_id=c, weight=w) for c, w in (("use1", 100), ("usw2", 0))],
        {("A", c): [f"{c}.elb.example.", True] for c in ("use1", "usw2")}),
    "a failover pair": (
        "failover", (USE1, USW2),
        [dict(type="A", values=[USE1], ttl=60, set_id="use1", failover="PRIMARY", health_check="c1"),
         dict(type="A", values=[USW2], ttl=60, set_id="usw2", failover="SECONDARY", health_check="c2")],
        {("A", "use1"): [USE1], ("A", "usw2"): [USW2]}),
}
AFTER = {"weighted": lambda r: r.weight, "failover": lambda r: r.failover}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_record_is_moved(emulator, service, kind):
    routing, targets, live, wanted = KINDS[kind]
    name = "*.af.one.test"
    for check in ("c1", "c2"):
        emulator.add_check(check, {"Type": "TCP"})
    put(emulator, *(RecordSet(name, **record) for record in live), RecordSet(name, "TXT", ['"stays"'], 60)
        if live[0]["type"] != "CNAME" else RecordSet("txt.one.test", "TXT", ['"stays"'], 60))
    others = {"plain.two.test": (USE1, USW2)}
    put(emulator, *(RecordSet(other, "A", [USE1], 60) for other in others) if routing == "simple" else ())
    hosts = {name: targets} | (others if routing == "simple" else {})
    adopted(service, hosts, routing=routing)
    carry(service, hosts, routing=routing)
    found = service.values("Z1")
    assert {key[1:]: data for key, data in found.items() if key[0] == "\\052.af.one.test." and key[1] != "TXT"} == wanted
    assert ['"stays"'] in found.values()
    assert emulator.emptied == []
    if routing in AFTER:
        told = {c: AFTER[routing](emulator.record(name, "A", c)) for c in ("use1", "usw2")}
        assert told == {"weighted": {"use1": 0, "usw2": 100}, "failover": {"use1": "SECONDARY", "usw2": "PRIMARY"}}[routing]
    # and back, and it is as it was
    carry(service, hosts, start=1, to=0, epoch=9, routing=routing)
    for record in live:
        now = emulator.record(name, record["type"], record.get("set_id"))
        assert (sorted(now.values) == sorted(record.get("values", ())) or now.type == "AAAA") and now.ttl == record.get("ttl")


def test_a_second_writer_makes_the_batch_fail_and_the_next_plan_says_what_is_there(emulator, service):
    hosts = spread(30, ZONES)
    put(emulator, *(RecordSet(name, "A", [USE1], 60) for name in hosts))
    adopted(service, hosts)
    planned = plan(service, hosts)
    put(emulator, RecordSet("h0.one.test", "A", ["192.0.2.77"], 60))
    before = {name: emulator.values(name) for name in hosts}
    with pytest.raises(botocore.exceptions.ClientError, match="do not match the current values"):
        service.send(planned.batches[0][0], planned.batches[0][3])
    assert {name: emulator.values(name) for name in hosts} == before
    again = plan(service, hosts)
    assert again.error and "h0.one.test" in again.error[1] and "192.0.2.77" in again.error[1] and USE1 in again.error[1]


def test_a_batch_sent_twice_fails_and_a_new_plan_has_what_is_left(emulator, service):
    """Goal: an answer that was lost may be followed by the same request, or by a new plan: nothing is done twice."""
    hosts = spread(900, ZONES)
    put(emulator, *(RecordSet(name, "A", [USE1], 60) for name in hosts))
    adopted(service, hosts)
    planned = plan(service, hosts)
    service.send(planned.batches[0][0], planned.batches[0][3])
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidChangeBatch"):
        service.send(planned.batches[0][0], planned.batches[0][3])
    left = carry(service, hosts)
    assert len(left.batches) == len(planned.batches) - 1 and left.moved == 600 and left.there == 300
    assert all(emulator.values(name) == [USW2] for name in hosts) and emulator.emptied == []


def test_what_may_not_become_primary_is_refused_before_anything_is_sent(emulator, service):
    """Goal: Route 53 takes no PRIMARY without a health check; the plan says so, not the service in the middle."""
    emulator.add_check("c1", {"Type": "TCP"})
    put(emulator, RecordSet("a.one.test", "A", [USE1], 60, "use1", failover="PRIMARY", health_check="c1"),
        RecordSet("a.one.test", "A", [USW2], 60, "usw2", failover="SECONDARY"))
    hosts = {"a.one.test": (USE1, USW2)}
    adopted(service, hosts, routing="failover")
    refused = plan(service, hosts, routing="failover")
    assert refused.error and "a.one.test" in refused.error[1] and "health check" in refused.error[1]


@pytest.mark.parametrize("claim", ["h0.one.test", "a-h0.one.test", "cname-h0.one.test"])
def test_a_name_of_externaldns_is_refused_unless_a_person_says_otherwise(emulator, service, claim):
    hosts = spread(3, ZONES)
    put(emulator, *(RecordSet(name, "A", [USE1], 60) for name in hosts))
    adopted(service, hosts)
    text = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/airflow/web"'
    put(emulator, RecordSet(claim, "TXT", [text], 300))
    refused = plan(service, hosts)
    assert refused.error and "h0.one.test" in refused.error[1] and "ExternalDNS" in refused.error[1]
    carry(service, hosts, more="foreign")
    assert emulator.values("h0.one.test") == [USW2]


def test_public_and_private_twins_of_a_name_both_move(emulator):
    emulator.zones["Z4"] = Zone("Z4", "one.test", private=True)
    service = Service(emulator.url, {"Z1": ("one.test", False), "Z4": ("one.test", True)})
    for zone in ("Z1", "Z4"):
        emulator.put(zone, RecordSet("a.one.test", "A", [USE1], 60))
    hosts = {"a.one.test": (USE1, USW2)}
    adopted(service, hosts)
    carry(service, hosts)
    assert emulator.values("a.one.test") == emulator.values("a.one.test", private=True) == [USW2]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_zones_hold_every_batch_is_taken_and_no_name_is_empty(emulator, service, seed):
    """Goal: random targets and records beside them; forth, back and forth; the strict service takes each batch."""
    chance = random.Random(seed)
    routing = chance.choice(["simple", "simple", "weighted", "failover"])
    hosts = {}
    for n in range(chance.randrange(1, 700)):
        name = f"{chance.choice(['', '*.', '_x.', 'A.'])}h{n}.{chance.choice(list(ZONES.values()))}".lower()
        shape = chance.randrange(4) if routing == "simple" else 0
        hosts[name] = tuple(target(chance, shape, cluster) for cluster in (1, 2))
    for check in ("c1", "c2"):
        emulator.add_check(check, {"Type": "TCP"})
    for name, targets in hosts.items():
        put(emulator, *records(name, targets, routing))
    for n in range(50):
        put(emulator, RecordSet(f"other{n}.one.test", "TXT", [f'"{n}"'], 5))
    # Whoever has the records now is the first of the pair in all routings.
    adopted(service, hosts, routing=routing)
    for turn, (start, to) in enumerate(((0, 1), (1, 0), (0, 1))):
        planned = carry(service, hosts, start=start, to=to, epoch=10 + turn, routing=routing)
        assert planned.moved + planned.there == len(hosts)
        assert all(elements <= 1000 and characters <= 32000 for _, elements, characters, _ in planned.batches)
        assert len(planned.batches) <= planned.least + len(ZONES)
        assert not plan(service, hosts, start=start, to=to, epoch=10 + turn, routing=routing).batches
    assert emulator.emptied == []
    assert sum(r.type == "TXT" and r.name.startswith("other") for r in emulator.zones["Z1"].records.values()) == 50


def target(chance, shape, cluster):
    if shape == 1:
        return f"cname=lb{chance.randrange(9)}.c{cluster}.example"
    if shape == 2:
        return f"alias=ZELB/lb{chance.randrange(9)}.c{cluster}.example"
    if shape == 3:
        return " ".join(f"192.0.{cluster}.{n}" for n in range(1, chance.randrange(2, 9))) + f" 2001:db8:{cluster}::1"
    return f"192.0.{cluster}.{chance.randrange(250)}"


def records(name, targets, routing):
    """What is live while the first target's cluster has the name."""
    if routing == "simple":
        text = targets[0]
        if text.startswith("cname="):
            return [RecordSet(name, "CNAME", [text[6:]], 60)]
        if text.startswith("alias="):
            zone, _, lb = text[6:].partition("/")
            return [RecordSet(name, "A", alias=(zone, lb, False))]
        four, six = [a for a in text.split() if "." in a], [a for a in text.split() if ":" in a]
        return [RecordSet(name, "A", four, 60)] + ([RecordSet(name, "AAAA", six, 60)] if six else [])
    how = {"weighted": [{"weight": 100}, {"weight": 0}],
           "failover": [{"failover": "PRIMARY", "health_check": "c1"}, {"failover": "SECONDARY", "health_check": "c2"}]}[routing]
    return [RecordSet(name, "A", [text], 60, cluster, **more)
            for text, cluster, more in zip(targets, ("use1", "usw2"), how)]
