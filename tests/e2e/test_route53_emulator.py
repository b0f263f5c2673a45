"""The emulated Route 53 and its neighbours are themselves held to boto3, to botocore's own credential chain and,
where moto is right, to moto."""
import itertools
import json
import subprocess
import sys
import threading
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import botocore.session
import dns.message
import dns.query
import dns.rcode
import pytest

import route53_emulator
from aws_account import EXAMPLE_KEY, Account
from aws_fakes import ROLE_ARN, Container, Metadata, Sts
from route53_emulator import Route53
from route53_faults import Fault, expired_token, prior_not_complete, server_error, throttled
from route53_zone import RecordSet, Zone
from world import free_port, wait_until

NO_RETRY = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=5, connect_timeout=5)
ZONE = "Z1EXAMPLE"
SECOND = "Z2EXAMPLE"


def client(url, key=EXAMPLE_KEY, token=None, service="route53", region="us-east-1", **more):
    return boto3.client(service, region, endpoint_url=url, aws_access_key_id=key[0], aws_secret_access_key=key[1],
                        aws_session_token=token, config=NO_RETRY, **more)


@pytest.fixture
def emulator():
    with Route53([Zone(ZONE, "example.test"), Zone(SECOND, "other.test"), Zone("Z3", "example.test", private=True)],
                 dns=("127.0.0.1", free_port("127.0.0.1"))) as made:
        yield made


@pytest.fixture
def api(emulator):
    return client(emulator.url)


def simple(name, value, kind="A", ttl=60, **more):
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": v} for v in value.split()], **more}


def change(api, *changes, zone=ZONE, comment=""):
    """changes: (action, record) pairs."""
    batch = {"Comment": comment} if comment else {}
    # boto3 writes elements in the order in which it gets them; the schema has an order of its own.
    batch["Changes"] = [{"Action": action, "ResourceRecordSet": {n: r[n] for n in route53_emulator.xml.SET_ORDER if n in r}}
                        for action, r in changes]
    return api.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]


def refused(code, call, *words, **more):
    """The message of the error that call must end with."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*words, **more)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def records(api, zone=ZONE):
    pages = api.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    return [r for page in pages for r in page["ResourceRecordSets"]]


def test_a_record_is_created_changed_and_deleted_as_boto3_does_it(emulator, api):
    info = change(api, ("CREATE", simple("a.example.test", "192.0.2.1 192.0.2.2")), comment="first")
    assert info["Status"] == "INSYNC" or api.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    assert simple("a.example.test.", "192.0.2.1 192.0.2.2") in records(api)
    change(api, ("UPSERT", simple("A.example.test.", "192.0.2.3", ttl=5)))
    change(api, ("DELETE", simple("a.example.test", "192.0.2.3", ttl=5)))
    assert [r["Type"] for r in records(api)] == ["NS", "SOA"]
    assert [r.comment for r in emulator.commits()] == ["first", "", ""]
    assert [name for name, _ in emulator.emptied] == ["a.example.test."]


def test_zones_are_listed_found_by_name_and_described(emulator, api):
    emulator.zones[ZONE].accelerated = "ENABLED"
    assert [z["Id"] for z in api.list_hosted_zones()["HostedZones"]] == [f"/hostedzone/{z}" for z in (ZONE, SECOND, "Z3")]
    named = api.list_hosted_zones_by_name(DNSName="example.test", MaxItems="2")
    assert [z["Config"]["PrivateZone"] for z in named["HostedZones"]] == [False, True]
    assert (named["IsTruncated"], named["NextDNSName"], named["NextHostedZoneId"]) == (True, "other.test.", SECOND)
    one = api.get_hosted_zone(Id=ZONE)
    assert one["HostedZone"]["Features"]["AcceleratedRecoveryStatus"] == "ENABLED"
    assert len(one["DelegationSet"]["NameServers"]) == 4
    assert api.get_hosted_zone(Id="Z3")["VPCs"]
    refused("NoSuchHostedZone", api.get_hosted_zone, Id="ZNONE")


def test_lists_come_in_pages_in_the_order_of_reversed_labels(emulator, api):
    emulator.page_max = 7
    names = [f"h{n}.{part}example.test" for n in range(20) for part in ("", "b.a.", "a.")]
    for name in names:
        emulator.put(ZONE, RecordSet(name, "A", ["192.0.2.1"], 60))
    emulator.put(ZONE, RecordSet("*.example.test", "TXT", ['"x"'], 60))
    listed = [r["Name"] for r in records(api) if r["Type"] in ("A", "TXT")]
    assert "\\052.example.test." in listed
    plain = [name.replace("\\052", "*") for name in listed]
    assert plain == sorted([n + "." for n in names] + ["*.example.test."], key=lambda n: n.rstrip(".").split(".")[::-1])
    assert len(emulator.requests("ListResourceRecordSets")) == 9


def test_a_list_starts_at_a_name_type_and_identifier(emulator, api):
    for set_id, weight in (("a", 0), ("b", 100)):
        emulator.put(ZONE, RecordSet("w.example.test", "A", ["192.0.2.1"], 60, set_id, weight))
    emulator.put(ZONE, RecordSet("w.example.test", "TXT", ['"x"'], 60))

    def first(**start):
        found = api.list_resource_record_sets(HostedZoneId=ZONE, MaxItems="1", **start)
        one = found["ResourceRecordSets"][0]
        return one["Name"], one["Type"], one.get("SetIdentifier"), found.get("NextRecordIdentifier")

    assert first(StartRecordName="w.example.test") == ("w.example.test.", "A", "a", "b")
    assert first(StartRecordName="W.example.test.", StartRecordType="A",
                 StartRecordIdentifier="b") == ("w.example.test.", "A", "b", None)
    assert first(StartRecordName="v.example.test", StartRecordType="TXT")[:2] == ("w.example.test.", "A")
    refused("InvalidInput", api.list_resource_record_sets, HostedZoneId=ZONE, StartRecordType="A")


@pytest.mark.parametrize("wrong", [
    simple("a.example.test", "192.0.2.1", ttl=61), simple("a.example.test", "192.0.2.9"),
    simple("a.example.test", "192.0.2.1 192.0.2.2"),
    simple("a.example.test", "192.0.2.1", HealthCheckId="00000000-0000-0000-0000-000000000001"),
])
def test_a_delete_must_repeat_the_current_values(emulator, api, wrong):
    emulator.add_check("00000000-0000-0000-0000-000000000001", {"Type": "TCP"})
    emulator.put(ZONE, RecordSet("a.example.test", "A", ["192.0.2.1"], 60))
    message = refused("InvalidChangeBatch", change, api, ("DELETE", wrong),
                      ("CREATE", simple("b.example.test", "192.0.2.1")))
    assert "the values provided do not match the current values" in message
    assert emulator.record("a.example.test", "A") and not emulator.record("b.example.test", "A")


def alias(name, target, zone, health=False, **more):
    return {"Name": name, "Type": "A", **more,
            "AliasTarget": {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": health}}


def test_a_delete_must_repeat_alias_weight_failover_and_identifier(emulator, api):
    emulator.add_check("c1", {"Type": "TCP"})
    sets = [alias("al.example.test.", "lb.elb.example.", "ZELB", True),
            simple("w.example.test.", "192.0.2.1", SetIdentifier="a", Weight=0),
            simple("f.example.test.", "192.0.2.1", SetIdentifier="p", Failover="PRIMARY", HealthCheckId="c1"),
            simple("f.example.test.", "192.0.2.2", SetIdentifier="s", Failover="SECONDARY")]
    change(api, *(("CREATE", one) for one in sets))
    assert all(one in records(api) for one in sets)
    for wrong in (alias("al.example.test.", "lb.elb.example.", "ZELB", False), alias("al.example.test.", "lc.elb.example.", "ZELB", True),
                  sets[1] | {"Weight": 1}, sets[1] | {"SetIdentifier": "b"}, sets[2] | {"Failover": "SECONDARY"}):
        refused("InvalidChangeBatch", change, api, ("DELETE", wrong))
    change(api, *(("DELETE", one) for one in sets))
    assert len(records(api)) == 2


A = ("CREATE", simple("a.example.test", "192.0.2.1"))


BROKEN = {
    "created twice": ("already exists", [A, A]),
    "a CNAME beside other data": ("conflicts with other records", [A, ("CREATE", simple("a.example.test", "b.test.", "CNAME"))]),
    "a CNAME at the apex": ("at apex", [("CREATE", simple("example.test", "b.test.", "CNAME"))]),
    "two CNAMEs in one set": ("one resource record only", [("CREATE", simple("c.example.test", "a. b.", "CNAME"))]),
    "not an address": ("Invalid Resource Record", [("CREATE", simple("a.example.test", "not-an-ip"))]),
    "not an IPv6 address": ("Invalid Resource Record", [("CREATE", simple("a.example.test", "192.0.2.1", "AAAA"))]),
    "a TXT without quotes": ("quotation", [("CREATE", simple("a.example.test", "word", "TXT"))]),
    "a value twice": ("Duplicate", [("CREATE", simple("a.example.test", "192.0.2.1 192.0.2.1"))]),
    "a name outside the zone": ("not permitted in zone", [("CREATE", simple("a.other.test", "192.0.2.1"))]),
    "deleted though absent": ("was not found", [("DELETE", simple("n.example.test", "192.0.2.1"))]),
    "simple beside weighted": ("other RRSets exist", [
        A, ("CREATE", simple("a.example.test", "192.0.2.2", SetIdentifier="x", Weight=1))]),
    "two PRIMARY": ("same failover exists", [
        ("CREATE", simple("f.example.test", f"192.0.2.{n}", SetIdentifier=f"{n}", Failover="PRIMARY", HealthCheckId="c1"))
        for n in (1, 2)]),
    "a PRIMARY without a check": ("must have an associated health check", [
        ("CREATE", simple("f.example.test", "192.0.2.1", SetIdentifier="p", Failover="PRIMARY"))]),
    "weighted with two TTLs": ("different TTLs", [
        ("CREATE", simple("w.example.test", "192.0.2.1", ttl=n, SetIdentifier=f"{n}", Weight=1)) for n in (1, 2)]),
    "weighted with two values": ("one resource record only", [
        ("CREATE", simple("w.example.test", "192.0.2.1 192.0.2.2", SetIdentifier="a", Weight=1))]),
    "an alias to nothing": ("target was not found", [("CREATE", alias("a.example.test", "b.example.test", ZONE))]),
    "1,001 records": ("Number of records limit", [
        ("CREATE", simple(f"h{n}.example.test", "192.0.2.1")) for n in range(1001)]),
    "501 records UPSERTed": ("Number of records limit", [
        ("UPSERT", simple(f"h{n}.example.test", "192.0.2.1")) for n in range(501)]),
    "32,001 characters": ("Value length limit", [
        ("CREATE", simple(f"t{n}.example.test", f'"{"x" * 250}"', "TXT")) for n in range(127)]),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_batch_that_breaks_a_rule_changes_nothing(emulator, api, rule):
    words, changes = BROKEN[rule]
    emulator.add_check("c1", {"Type": "TCP"})
    before = records(api)
    assert words in refused("InvalidChangeBatch", change, api, ("CREATE", simple("z.example.test", "192.0.2.1")), *changes)
    assert records(api) == before


def test_every_wrong_change_of_a_batch_is_named(emulator, api):
    wrong = [("DELETE", simple(f"{n}.example.test", "192.0.2.1")) for n in "ab"]
    said = refused("InvalidChangeBatch", change, api, *wrong)
    assert "name='a.example.test.'" in said and "name='b.example.test.'" in said
    emulator.invalid_form = "messages"
    api.meta.events.register("after-call.route53", lambda http_response, **_: told.append(http_response.text))
    told = []
    with pytest.raises(botocore.exceptions.ClientError):
        change(api, *wrong)
    assert "<InvalidChangeBatch " in told[0] and told[0].count("<Message>Tried to delete") == 2


def test_a_swap_in_one_batch_never_empties_a_name(emulator, api):
    emulator.put(ZONE, RecordSet("a.example.test", "A", ["192.0.2.1"], 60))
    change(api, ("DELETE", simple("a.example.test", "192.0.2.1")), ("CREATE", simple("a.example.test", "x.test.", "CNAME")))
    assert emulator.emptied == [] and emulator.values("a.example.test") == ["x.test."]


@pytest.mark.parametrize("body, code", [
    ("<a/>", "InvalidInput"), ("<a", "InvalidInput"), ("", "InvalidInput"),
    ("<Type>A</Type><Name>a.example.test</Name><TTL>1</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>"
     "</ResourceRecord></ResourceRecords>", "InvalidInput"),
    ("<Name>a.example.test</Name><Type>A</Type><TTL>1</TTL><TTL>1</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1"
     "</Value></ResourceRecord></ResourceRecords>", "InvalidInput"),
    ("<Name>a.example.test</Name><Type>A</Type><TTL>x</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>"
     "</ResourceRecord></ResourceRecords>", "InvalidInput"),
    ("<Name>a.example.test</Name><Type>A</Type><TTL>1</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>"
     "</ResourceRecord></ResourceRecords>", ""),
])
def test_xml_is_read_in_the_order_of_the_schema(emulator, api, body, code):
    if "Name" in body:
        body = (f'<ChangeResourceRecordSetsRequest xmlns="{route53_emulator.xml.NAMESPACE}"><ChangeBatch><Changes><Change>'
                f"<Action>CREATE</Action><ResourceRecordSet>{body}</ResourceRecordSet></Change></Changes></ChangeBatch>"
                "</ChangeResourceRecordSetsRequest>")

    def instead(params, **_):
        params["body"] = body.encode()

    api.meta.events.register("before-call.route53.ChangeResourceRecordSets", instead)
    if code:
        refused(code, change, api, A)
    else:
        change(api, A)


def test_a_comment_has_at_most_256_characters(api):
    change(api, A, comment="x" * 256)
    refused("InvalidInput", change, api, ("DELETE", A[1]), comment="x" * 257)


def test_a_change_is_pending_until_its_time_and_not_served_before(emulator, api):
    emulator.insync_s = 40
    info = change(api, A)
    assert info["Status"] == api.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "PENDING"
    assert emulator.values("a.example.test") == [] and emulator.record("a.example.test", "A")
    emulator.advance(39)
    assert api.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "PENDING"
    emulator.advance(2)
    assert api.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    assert emulator.values("a.example.test") == ["192.0.2.1"]
    refused("NoSuchChange", api.get_change, Id="/change/CNONE")


def ask(emulator, name, kind="A", way=dns.query.udp):
    return way(dns.message.make_query(name, kind), emulator.name_servers.address[0],
               port=emulator.name_servers.address[1], timeout=5)


@pytest.mark.parametrize("way", [dns.query.udp, dns.query.tcp])
def test_name_servers_answer_what_is_in_sync(emulator, way):
    emulator.put(ZONE, RecordSet("a.example.test", "CNAME", ["b.example.test."], 60),
                 RecordSet("b.example.test", "A", ["192.0.2.1"], 30), RecordSet("*.w.example.test", "A", ["192.0.2.2"], 30))
    answer = ask(emulator, "a.example.test", way=way)
    assert [str(s) for s in answer.answer] == ["a.example.test. 60 IN CNAME b.example.test.", "b.example.test. 30 IN A 192.0.2.1"]
    assert ask(emulator, "x.w.example.test", way=way).answer[0][0].address == "192.0.2.2"
    assert ask(emulator, "no.example.test", way=way).rcode() == dns.rcode.NXDOMAIN
    assert ask(emulator, "elsewhere.test", way=way).rcode() == dns.rcode.REFUSED
    assert ask(emulator, "b.example.test", "AAAA", way).authority


def test_failover_and_weights_are_answered_by_health(emulator):
    for check in ("c1", "c2"):
        emulator.add_check(check, {"Type": "TCP"})
    emulator.put(ZONE, RecordSet("f.example.test", "A", ["192.0.2.1"], 60, "p", failover="PRIMARY", health_check="c1"),
                 RecordSet("f.example.test", "A", ["192.0.2.2"], 60, "s", failover="SECONDARY", health_check="c2"),
                 RecordSet("w.example.test", "A", ["192.0.2.3"], 60, "a", weight=0),
                 RecordSet("w.example.test", "A", ["192.0.2.4"], 60, "b", weight=100))
    told = {}
    for health in itertools.product((True, False), repeat=2):
        emulator.health = dict(zip(("c1", "c2"), health))
        told[health] = emulator.values("f.example.test")[0][-1]
    assert told == {(True, True): "1", (True, False): "1", (False, True): "2", (False, False): "1"}
    assert {emulator.values("w.example.test")[0] for _ in range(50)} == {"192.0.2.4"}
    emulator.checks["c1"][1]["Inverted"] = "true"
    emulator.health = {"c1": True, "c2": True}
    assert emulator.values("f.example.test") == ["192.0.2.2"]


def test_health_checks_are_created_listed_and_shown(emulator, api):
    config = {"IPAddress": "192.0.2.1", "Port": 8080, "Type": "HTTP_STR_MATCH", "ResourcePath": "/beacon/prod/use1",
              "SearchString": "dnsflip", "RequestInterval": 10, "FailureThreshold": 1, "Inverted": True}
    made = api.create_health_check(CallerReference="r", HealthCheckConfig=config)["HealthCheck"]
    assert config.items() <= made["HealthCheckConfig"].items()
    assert api.create_health_check(CallerReference="r", HealthCheckConfig=config)["HealthCheck"]["Id"] == made["Id"]
    refused("HealthCheckAlreadyExists", api.create_health_check, CallerReference="r",
            HealthCheckConfig=config | {"Port": 1})
    assert api.get_health_check(HealthCheckId=made["Id"])["HealthCheck"] == made
    assert api.list_health_checks()["HealthChecks"] == [made]
    assert api.get_health_check_status(HealthCheckId=made["Id"])["HealthCheckObservations"]
    refused("NoSuchHealthCheck", api.get_health_check, HealthCheckId="none")
    refused("NoSuchHealthCheck", change, api, ("CREATE", simple("a.example.test", "192.0.2.1", HealthCheckId="none")))


# ---- signatures

def test_a_wrong_secret_scope_or_unknown_key_is_refused(emulator):
    call = lambda **more: client(emulator.url, **more).list_hosted_zones
    refused("SignatureDoesNotMatch", call(key=(EXAMPLE_KEY[0], "wrong")))
    refused("InvalidClientTokenId", call(key=("AKIANONE", "x")))
    refused("SignatureDoesNotMatch", client(emulator.url, region="us-west-2").list_hosted_zones)
    refused("InvalidClientTokenId", call(token="one that was not given"))
    assert call()()["HostedZones"]


def test_a_session_token_is_needed_checked_and_expires(emulator):
    name, key = emulator.account.issue()
    assert client(emulator.url, (name, key.secret), key.token).list_hosted_zones()["HostedZones"]
    refused("InvalidClientTokenId", client(emulator.url, (name, key.secret)).list_hosted_zones)
    emulator.account.expire_all()
    refused("ExpiredToken", client(emulator.url, (name, key.secret), key.token).list_hosted_zones)


@pytest.mark.parametrize("what", ["body", "path", "query", "header", "date", "hash"])
def test_what_was_changed_after_signing_is_refused(emulator, api, what):
    def tamper(request, **_):
        if what == "body":
            request.body = request.body.replace(b"192.0.2.1", b"192.0.2.2")
        elif what == "path":
            request.url = request.url.replace(ZONE, SECOND)
        elif what == "query":
            request.url += "?x=1"
        elif what == "header":
            request.headers["X-Amz-Extra"] = "1"
        elif what == "hash":
            request.headers["X-Amz-Content-SHA256"] = "0" * 64
        else:
            del request.headers["X-Amz-Date"]
            request.headers["X-Amz-Date"] = "20200101T000000Z"

    api.meta.events.register("before-send.route53", tamper)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        change(api, A)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert not emulator.commits()


def test_a_clock_that_is_off_is_refused_and_the_date_header_tells_by_how_much(emulator, api):
    emulator.account.clock_offset_s = 1200
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        api.list_hosted_zones()
    assert caught.value.response["Error"]["Code"] == "RequestTimeTooSkewed"
    emulator.account.clock_offset_s = -290
    assert api.list_hosted_zones()["HostedZones"]


# ---- faults

@pytest.mark.parametrize("fault, code", [
    (throttled(), "Throttling"), (prior_not_complete(), "PriorRequestNotComplete"), (server_error(), "InternalFailure"),
    (server_error(503), "ServiceUnavailable"), (expired_token(), "ExpiredToken"),
])
def test_errors_that_were_ordered_come_once_and_change_nothing(emulator, api, fault, code):
    emulator.faults.add(fault)
    refused(code, change, api, A)
    assert not emulator.commits()
    change(api, A)
    assert [r.code for r in emulator.requests("ChangeResourceRecordSets")] == [code, ""]


@pytest.mark.parametrize("kind, done", [
    ("reset", False), ("reset-after", True), ("truncated", True), ("cut-xml", True), ("error-after", True), ("html", True),
    ("bomb", True), ("external", True),
])
def test_connections_break_before_or_after_the_commit(emulator, api, kind, done):
    emulator.faults.add(Fault(kind, "ChangeResourceRecordSets", after=1))
    change(api, ("CREATE", simple("b.example.test", "192.0.2.1")))
    try:
        change(api, A)
    except (KeyError,  # botocore sees nothing in what is not its XML, and says nothing
            botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError):
        pass
    assert bool(emulator.record("a.example.test", "A")) == done
    change(api, ("UPSERT", A[1]))


def test_a_huge_answer_is_huge_and_still_well_formed(emulator, api):
    emulator.faults.add(Fault("huge", "ListResourceRecordSets", size_bytes=1 << 20))
    assert len(api.list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]) == 2


def test_a_second_writer_comes_between(emulator, api):
    emulator.put(ZONE, RecordSet("a.example.test", "A", ["192.0.2.1"], 60))
    emulator.faults.add(Fault("before", "ChangeResourceRecordSets",
                              act=lambda e: e.put(ZONE, RecordSet("a.example.test", "A", ["192.0.2.7"], 60))))
    refused("InvalidChangeBatch", change, api, ("DELETE", A[1]), ("CREATE", simple("a.example.test", "192.0.2.2")))
    assert emulator.record("a.example.test", "A").values == ("192.0.2.7",)


def test_the_accounts_bucket_throttles_who_asks_too_much(emulator, api):
    emulator.bucket = route53_emulator.Bucket(1, 3)
    for _ in range(3):
        api.list_hosted_zones()
    assert refused("Throttling", api.list_hosted_zones) == "Rate exceeded"
    assert emulator.over_budget(0.001, 3) == 1 and emulator.over_budget(1, 10) == 0


def test_a_zone_is_busy_after_a_change(emulator, api):
    emulator.busy_s = 30
    change(api, A)
    refused("PriorRequestNotComplete", change, api, ("DELETE", A[1]))
    change(api, ("CREATE", simple("a.other.test", "192.0.2.1")), zone=SECOND)
    emulator.advance(31)
    change(api, ("DELETE", A[1]))


def test_an_outage_refuses_connections_and_ends(emulator, api):
    emulator.stop()
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        api.list_hosted_zones()
    emulator.start()
    assert api.list_hosted_zones()["HostedZones"]


def test_it_speaks_https(authority):
    with Route53([Zone(ZONE, "example.test")], context=authority.context("IP:127.0.0.1")) as emulator:
        assert client(emulator.url, verify=str(authority.path)).list_hosted_zones()["HostedZones"]


def test_writers_at_once_lose_nothing(emulator):
    def write(n):
        api = client(emulator.url)
        for i in range(10):
            change(api, ("CREATE", simple(f"h{n}-{i}.example.test", "192.0.2.1")))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(emulator.zones[ZONE].records) == 42 == 2 + len(emulator.commits())


def test_it_runs_as_a_program(folder):
    port = free_port("127.0.0.1")
    process = subprocess.Popen([sys.executable, route53_emulator.__file__, "--port", str(port), "--zone", f"{ZONE}=example.test"],
                               stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == f"{ZONE} example.test.\n" and process.stdout.readline().startswith("ready ")
        api = client(f"http://127.0.0.1:{port}")
        change(api, A)
        fault = json.dumps({"kind": "error", "code": "Throttling"}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/_emulator/fault", fault)).read()
        refused("Throttling", api.list_hosted_zones)
        log = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/_emulator/log").read())
        assert [r["action"] for r in log] == ["ChangeResourceRecordSets", "ListHostedZones"]
    finally:
        process.terminate()
        process.wait(10)
