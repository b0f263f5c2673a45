"""Names moved in Route 53, against a Route 53 that is strict and breaks: after every fault nothing is lost, nothing
is half moved and not told, no name was ever empty, and the budget of requests was kept."""
import json
import random
import re
import subprocess

import pytest

from aws_fakes import Container
from route53_emulator import Bucket
from route53_faults import Fault, expired_token, prior_not_complete, server_error, throttled
from route53_site import ZONES, Flipping, Route53Site, credentials, emulated
from route53_zone import RecordSet
from world import PROGRAM, free_port, wait_until

# Reading is kept to two requests a second: zones cost time.
TWO = dict(list(ZONES.items())[:2])
CHANGE, LIST, GET = "ChangeResourceRecordSets", "ListResourceRecordSets", "GetChange"


@pytest.fixture
def emulator():
    with emulated(TWO) as made:
        yield made


@pytest.fixture
def flipping(folder, network, emulator, make, monkeypatch):
    """All names at use1, the daemon runs and has adopted them."""
    site = Route53Site(folder, network, emulator.url, TWO)
    credentials(monkeypatch, folder)
    for zone_id, name in site.in_zones():
        emulator.put(zone_id, site.record(name))
    return Flipping(site, emulator, make).start()


def test_a_flip_moves_every_name_in_one_batch_per_zone(flipping, emulator):
    before = len(emulator.commits())
    done = flipping.failover()
    assert done.returncode == 0, done
    assert flipping.is_moved()
    batches = emulator.commits()[before:]
    assert sorted(b.zone for b in batches) == sorted(flipping.site.zones)
    for batch in batches:
        assert {action for action, _ in batch.changes} == {"DELETE", "CREATE"}  # compare-and-swap, never a blind write
        assert "prod" in batch.comment and len(batch.comment) <= 256
    epoch = flipping.daemon.journal(kind="intent")[-1]["epoch"]
    assert all(f"epoch={epoch}" in owner.values[0] for owner in flipping.owners())
    flipping.check_sound()


FAULTS = {
    "throttling storm": [throttled(times=8)],
    "throttled changes": [throttled(action=CHANGE, times=5)],
    "prior request not complete": [prior_not_complete(times=3)],
    "a 500 to a list": [server_error(action=LIST)],
    "a 503 to a list": [server_error(503, action=LIST)],
    "a 500 to a change": [server_error(action=CHANGE)],
    "a change done, a 500 told": [Fault("error-after", CHANGE, status=500, code="InternalFailure")],
    "500s to GetChange": [server_error(action=GET, times=3)],
    "a reset before the commit": [Fault("reset", CHANGE)],
    "a reset after the commit": [Fault("reset-after", CHANGE)],
    "a reset in the second zone, after the commit": [Fault("reset-after", CHANGE, after=1)],
    "a change's answer cut off": [Fault("truncated", CHANGE)],
    "a change's XML cut off": [Fault("cut-xml", CHANGE)],
    "a list's XML cut off": [Fault("cut-xml", LIST)],
    "a list cut off": [Fault("truncated", LIST)],
    "a huge list": [Fault("huge", LIST)],
    "an entity bomb for a list": [Fault("bomb", LIST)],
    "an entity bomb for a change": [Fault("bomb", CHANGE)],
    "an external entity": [Fault("external", GET)],
    "a proxy's page": [Fault("html", LIST)],
    "a proxy's page for a change": [Fault("html", CHANGE)],
    "nothing in an answer": [Fault("empty", CHANGE)],
    "an expired token": [expired_token(action=CHANGE)],
    "an expired token for GetChange": [expired_token(action=GET)],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_flip_ends_well_after(flipping, emulator, fault):
    before = len(emulator.commits())
    for one in FAULTS[fault]:
        one.done, one.after = 0, one.after
        emulator.faults.add(Fault(**vars(one)))
    done = flipping.failover()
    wait_until(lambda: flipping.outcome() == "done" and flipping.is_moved(), f"the flip ends: {done}", 120)
    # What may have been done was read and compared before anything was sent again.
    assert len(emulator.commits()) - before == len(flipping.site.zones)
    flipping.check_sound()


def test_a_change_that_is_pending_is_waited_for(flipping, emulator):
    emulator.insync_s = 40
    flipping.daemon.run(*flipping.FAILOVER, "--wait", "accepted")
    wait_until(flipping.is_moved, "the batches are in")
    wait_until(lambda: emulator.requests(GET), "it asks how far they are")
    assert flipping.outcome() is None
    emulator.advance(41)
    wait_until(lambda: flipping.outcome() == "done", "settled", 60)
    flipping.check_sound()


def other_writer(flipping, emulator, zone_id):
    """Somebody else changes a name of the zone right after it was read; returns the name."""
    name = next(name for zone, name in flipping.site.in_zones() if zone == zone_id)
    emulator.faults.add(Fault("before", CHANGE, zone=zone_id,
                              act=lambda e: e.put(zone_id, RecordSet(name, "A", ["192.0.2.77"], 60))))
    return name


def test_a_second_writer_between_read_and_apply_is_a_conflict(flipping, emulator):
    """Goal: exit 6; the record, what was expected and what is there; nothing is changed."""
    before = len(emulator.commits())
    name = other_writer(flipping, emulator, list(flipping.site.zones)[0])
    done = flipping.failover()
    assert done.returncode == 6 and flipping.outcome() == "conflict", done
    assert all(word in done.stdout + done.stderr for word in (name, "192.0.2.77", flipping.site.use1.ip)), done
    assert len(emulator.commits()) == before and flipping.where().pop(name) == ("192.0.2.77",)
    assert {cluster for other, cluster in flipping.where().items() if other != name} == {"use1"}


def test_a_second_writer_after_a_zone_was_moved_leaves_a_partial_flip_that_is_told_and_carried_on(flipping, emulator):
    zones = list(flipping.site.zones)
    name = other_writer(flipping, emulator, zones[1])
    flipping.daemon.run(*flipping.FAILOVER, "--wait", "accepted")

    def told():
        said = [e.get("reason", "") for e in flipping.daemon.journal() if e["kind"] in ("step", "alarm")]
        return any(all(word in text for word in (name, "192.0.2.77", flipping.site.use1.ip)) for text in said)

    wait_until(told, "the partial flip is told, and why", 60)
    assert "partial" in flipping.daemon.run("operation", "list")
    assert flipping.where()[name] == ("192.0.2.77",) and emulator.emptied == []
    # Set right by hand, it is carried forward to its end.
    emulator.put(zones[1], flipping.site.record(name))
    wait_until(lambda: flipping.outcome() == "done", "the rest is moved", 120)
    flipping.check_sound()


def test_a_batch_without_an_answer_that_was_done_is_told_though_the_next_look_finds_a_conflict(flipping, emulator):
    """Goal: "none was changed" is never said of a zone that was moved."""
    zones = list(flipping.site.zones)
    name = next(name for zone, name in flipping.site.in_zones() if zone == zones[1])

    def write_elsewhere(e):
        e.put(zones[1], RecordSet(name, "A", ["192.0.2.77"], 60))

    emulator.faults.add(Fault("reset-after", CHANGE, zone=zones[0]))
    emulator.faults.add(Fault("before", LIST, zone=zones[1], after=1, act=write_elsewhere))
    flipping.daemon.run(*flipping.FAILOVER, "--wait", "accepted")
    wait_until(lambda: "partial" in flipping.daemon.run("operation", "list"), "it is told as partial", 60)
    assert "usw2" in {cluster for other, cluster in flipping.where().items() if other != name}
    assert flipping.daemon.group()["active"] == "usw2"
    emulator.put(zones[1], flipping.site.record(name))
    wait_until(lambda: flipping.outcome() == "done", "the rest is moved", 120)
    flipping.check_sound()


def test_a_name_of_externaldns_is_refused_unless_the_rule_is_overridden_by_name(flipping, emulator):
    zone_id, name = flipping.site.in_zones()[0]
    claim = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/airflow/web"'
    emulator.put(zone_id, RecordSet(f"a-{name}", "TXT", [claim], 300))
    before = len(emulator.commits())
    done = flipping.failover()
    said = done.stdout + done.stderr
    assert done.returncode in (1, 3) and name in said and "ExternalDNS" in said, done
    assert len(emulator.commits()) == before and set(flipping.where().values()) == {"use1"}
    again = flipping.daemon.cli("failover", "prod", "--to", "usw2", "--reason", "ours now", "--override", "foreign-owner")
    assert again.returncode == 0 and flipping.is_moved(), again


def test_somebody_who_sets_a_record_back_is_told_of(flipping, emulator):
    """Goal: Terraform, ExternalDNS or a person undoes a flip: an event with the name, old and new value."""
    assert flipping.failover().returncode == 0
    zone_id, name = flipping.site.in_zones()[0]
    emulator.put(zone_id, flipping.site.record(name, "use1"))
    before = len(emulator.commits())

    def told():
        events = flipping.daemon.run("events", "--json")
        values = flipping.site.use1.ip, flipping.site.usw2.ip
        return [e for e in events.splitlines() if name in e and all(value in e for value in values)]

    wait_until(told, "the event", 60)
    assert len(emulator.commits()) == before  # told, not set again


def test_an_outage_of_the_api_ends_in_a_flip_or_a_clean_refusal_and_the_next_flip_goes_through(flipping, emulator):
    emulator.stop()
    flipping.daemon.run(*flipping.FAILOVER, "--wait", "accepted")
    wait_until(lambda: "ALARM" in flipping.daemon.run("status").upper() or flipping.outcome(), "it is told", 120)
    emulator.start()
    wait_until(lambda: flipping.outcome(), "the operation ends", 120)
    flipping.check_sound()
    flipping.daemon.run("failover", "prod", "--to", "usw2", "--reason", "the API is back")
    assert flipping.is_moved()


def test_a_clock_that_is_off_by_20_minutes_is_learnt_from_the_service(flipping, emulator):
    emulator.account.clock_offset_s = 1200
    done = flipping.failover()
    assert done.returncode == 0 and flipping.is_moved(), done
    assert emulator.requests(code="RequestTimeTooSkewed")
    flipping.check_sound()


def test_credentials_that_expire_in_the_middle_are_taken_anew(folder, network, emulator, make, monkeypatch):
    site = Route53Site(folder, network, emulator.url, TWO)
    for zone_id, name in site.in_zones():
        emulator.put(zone_id, site.record(name))
    with Container(emulator.account) as source:
        credentials(monkeypatch, folder, AWS_CONTAINER_CREDENTIALS_FULL_URI=source.url + source.path)
        flipping = Flipping(site, emulator, make).start()
        emulator.faults.add(Fault("before", CHANGE, after=1, act=lambda e: e.account.expire_all()))
        done = flipping.failover()
        assert done.returncode == 0 and flipping.is_moved(), done
        assert len(source.given) > 1 and emulator.requests(code="ExpiredToken")
        log = flipping.daemon.log.read_text() + flipping.daemon.journal_path().read_text()
        assert not any(key.secret in log or (key.token and key.token in log) for key in emulator.account.keys.values())
        flipping.check_sound()


KILLED_AT = {
    "before the first list": ("before", LIST, 0), "after a list": ("after", LIST, 0),
    "before the first commit": ("before", CHANGE, 0), "after the first commit": ("after", CHANGE, 0),
    "before the last commit": ("before", CHANGE, 1), "after the last commit": ("after", CHANGE, 1),
    "before GetChange": ("before", GET, 0), "after GetChange": ("after", GET, 0),
    "after the last GetChange": ("after", GET, 1),
}


@pytest.mark.parametrize("point", KILLED_AT)
def test_a_judge_killed_there_ends_the_flip_exactly_once(flipping, emulator, point):
    kind, action, after = KILLED_AT[point]
    before = len(emulator.commits())
    emulator.faults.add(Fault(kind, action, after=after, act=lambda _: flipping.daemon.kill("judge")))
    first = flipping.failover()
    if first.returncode != 0:
        wait_until(flipping.daemon.is_serving, "another judge", 60)
        again = flipping.failover()  # as an orchestrator does, with the same request id
        assert again.returncode == 0, (first, again)
    wait_until(lambda: flipping.outcome() == "done", "the operation ends", 60)
    assert len(flipping.daemon.journal(kind="intent")) == 1
    assert [o["state"] for o in flipping.daemon.journal(kind="outcome")] == ["done"]
    assert len(emulator.commits()) - before == len(flipping.site.zones)
    assert flipping.is_moved()
    flipping.check_sound(lives=2)


def test_a_plan_tells_what_is_there_and_what_will_be(flipping, emulator):
    before = len(emulator.commits())
    plan = flipping.daemon.json("plan", "prod", "--to", "usw2")
    said = json.dumps(plan)
    assert all(name in said for name in flipping.site.names()) and flipping.site.usw2.ip in said
    assert len(emulator.commits()) == before


LB = '{{ zone: ZELB, name: {}.elb.example, evaluate_target_health: true }}'
KINDS = {
    "CNAMEs": ("simple", {c: f"CNAME: lb.{c}.example" for c in ("use1", "usw2")},
               [{"type": "CNAME", "values": ["lb.use1.example"], "ttl": 60}],
               lambda e, n: e.record(n, "CNAME").values == ("lb.usw2.example",)),
    "aliases": ("simple", {c: f"alias: {LB.format(c)}" for c in ("use1", "usw2")},
                [{"type": "A", "alias": ("ZELB", "use1.elb.example", True)}],
                lambda e, n: e.record(n, "A").alias == ("ZELB", "usw2.elb.example.", True)),
    "weighted pairs": ("weighted", {"use1": "A: [192.0.2.1]", "usw2": "A: [192.0.2.2]"},
                       [{"type": "A", "values": [f"192.0.2.{n}"], "ttl": 60, "set_id": c, "weight": w}
                        for n, c, w in ((1, "use1", 100), (2, "usw2", 0))],
                       lambda e, n: [e.record(n, "A", c).weight for c in ("use1", "usw2")] == [0, 100]),
    "failover pairs": ("failover", {"use1": "A: [192.0.2.1]", "usw2": "A: [192.0.2.2]"},
                       [{"type": "A", "values": [f"192.0.2.{n}"], "ttl": 60, "set_id": c, "failover": role,
                         "health_check": f"c{n}"} for n, c, role in ((1, "use1", "PRIMARY"), (2, "usw2", "SECONDARY"))],
                       lambda e, n: e.record(n, "A", "usw2").failover == "PRIMARY" and
                       e.record(n, "A", "use1").failover == "SECONDARY"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_record_flips_and_comes_back(folder, network, emulator, make, monkeypatch, kind):
    routing, targets, live, is_moved = KINDS[kind]
    site = Route53Site(folder, network, emulator.url, TWO, deployments=2)
    site.targets, site.more = targets, f"    routing: {routing}\n"
    credentials(monkeypatch, folder)
    for check in ("c1", "c2"):
        emulator.add_check(check, {"Type": "TCP"})
    before = {}
    for zone_id, name in site.in_zones():
        for record in live:
            emulator.put(zone_id, RecordSet(name, **record))
            before[zone_id, name, record["type"], record.get("set_id")] = RecordSet(name, **record).facts()
    flipping = Flipping(site, emulator, make).start()
    done = flipping.failover()
    assert done.returncode == 0 and all(is_moved(emulator, name) for name in site.names()), done
    back = flipping.daemon.cli("failover", "prod", "--to", "use1", "--reason", "back", "--override", "destination-fenced")
    assert back.returncode == 0, back
    after = {key: emulator.record(key[1], key[2], key[3], zone=key[0]).facts() for key in before}
    assert after == before and emulator.emptied == []


def test_a_flip_is_done_when_the_name_servers_answer_it(folder, network, make, monkeypatch):
    """Goal: in sync and answered are two things; the report counts what was asked."""
    address = ("127.0.0.1", free_port("127.0.0.1"))
    with emulated(TWO, dns=address) as emulator:
        site = Route53Site(folder, network, emulator.url, TWO, deployments=2)
        site.more = f'    verify: ["{address[0]}:{address[1]}"]\n'
        credentials(monkeypatch, folder)
        for zone_id, name in site.in_zones():
            emulator.put(zone_id, site.record(name))
        flipping = Flipping(site, emulator, make).start()
        done = flipping.daemon.cli(*flipping.FAILOVER, "--wait", "converged", timeout=120)
        assert done.returncode == 0, done
        assert {tuple(emulator.values(name)) for name in site.names()} == {(site.usw2.ip,)}
        wait_until(flipping.outcome, "the outcome")
        found = re.match(r"(\d+) of (\d+) answers are the plan's", flipping.daemon.journal(kind="outcome")[-1]["detail"])
        assert found and int(found[1]) == int(found[2]) >= len(site.names())


def test_a_judge_killed_while_changes_are_pending_asks_for_the_same_changes_again(flipping, emulator):
    """Goal: their ids are in the journal; nothing is sent a second time."""
    emulator.insync_s = 3600
    before = len(emulator.commits())
    flipping.daemon.run(*flipping.FAILOVER, "--wait", "accepted")
    wait_until(lambda: emulator.requests(GET), "it waits for its changes")
    flipping.daemon.kill("judge")
    dead = len(emulator.requests(GET))
    wait_until(lambda: len(emulator.requests(GET)) > dead, "the next judge asks", 60)
    made = {r.change_id for r in emulator.commits()[before:]}
    assert emulator.requests(GET)[-1].target.rsplit("/", 1)[1] in made and flipping.outcome() is None
    emulator.advance(3601)
    wait_until(lambda: flipping.outcome() == "done", "settled", 60)
    assert len(emulator.commits()) - before == len(flipping.site.zones) == len(made)
    flipping.check_sound(lives=2)


@pytest.mark.parametrize("seed", range(4))
def test_all_killed_at_a_random_moment_and_started_again_end_the_flip_exactly_once(flipping, emulator, seed):
    """Goal: whichever request is the last one, before or after it had its effect."""
    chance = random.Random(seed)
    before, kind, after = len(emulator.commits()), chance.choice(["before", "after"]), chance.randrange(8)
    daemon = flipping.daemon
    emulator.faults.add(Fault(kind, after=after, act=lambda _: daemon.kill("supervisor")))
    first = subprocess.Popen([PROGRAM, *flipping.FAILOVER, "--config", str(daemon.path)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    wait_until(lambda: daemon.process.poll() is not None or flipping.outcome(), "it is dead, or done")
    first.terminate()  # it would go on asking
    first.wait()
    if daemon.process.poll() is not None:
        daemon.start(judged=False)
        assert daemon.cli(*flipping.FAILOVER, "--wait", "settled").returncode == 0
    wait_until(lambda: flipping.outcome() == "done", "the operation ends", 60)
    assert len(daemon.journal(kind="intent")) == 1
    assert len(emulator.commits()) - before == len(flipping.site.zones)
    flipping.check_sound(lives=2)


def test_neighbours_that_use_up_the_accounts_requests_slow_a_flip_down_and_no_more(flipping, emulator):
    """Goal: ExternalDNS and others share the account's budget in the worst hour."""
    emulator.bucket = Bucket(5, 1)
    done = flipping.failover()
    assert done.returncode == 0 and flipping.is_moved(), done
    flipping.check_sound()


@pytest.mark.parametrize("claim", ["heritage=dnsflip,group=other,epoch=1,batch=1/1",
                                   "heritage=dnsflip,group=prod,epoch=4294967295,batch=1/1"])
def test_records_of_another_dnsflip_are_refused(flipping, emulator, claim):
    """Goal: another group's name on the ownership record, or a newer epoch than ours: nothing is changed."""
    zone_id, zone = list(flipping.site.zones.items())[0]
    emulator.put(zone_id, RecordSet(f"_dnsflip-prod.{zone}", "TXT", [f'"{claim}"'], 60))
    before = len(emulator.commits())
    done = flipping.failover()
    assert done.returncode != 0 and f"_dnsflip-prod.{zone}" in done.stdout + done.stderr, done
    assert len(emulator.commits()) == before and set(flipping.where().values()) == {"use1"}


def test_a_storm_of_throttling_that_does_not_end_fails_the_flip_with_nothing_changed(flipping, emulator):
    """Goal: told with the service's word; when it is over the next flip goes through."""
    before = len(emulator.commits())
    emulator.faults.add(throttled(times=0))
    done = flipping.failover()
    assert done.returncode != 0 and "Throttling" in done.stdout + done.stderr, done
    assert len(emulator.commits()) == before and flipping.outcome() == "failed"
    flipping.check_sound()
    emulator.faults.clear()
    flipping.daemon.run("failover", "prod", "--to", "usw2", "--reason", "the storm is over")
    assert flipping.is_moved()
