"""What `dnsflip plan` says of names in Route 53: the live records, batches, quotas, times, and what may be down."""
import pytest

from route53_site import Flipping, Route53Site, credentials, emulated
from route53_zone import RecordSet
from world import wait_until


@pytest.fixture
def emulator():
    with emulated() as made:
        yield made


@pytest.fixture
def flipping(folder, network, emulator, make, monkeypatch):
    site = Route53Site(folder, network, emulator.url)
    credentials(monkeypatch, folder)
    for zone_id, name in site.in_zones():
        emulator.put(zone_id, site.record(name))
    return Flipping(site, emulator, make).start()


def live(flipping):
    return flipping.daemon.json("plan", "prod", "--to", "usw2")["steps"][0]["live"]


def test_a_plan_shows_the_live_records_batches_quotas_and_times(flipping, emulator):
    before = len(emulator.commits())
    wait_until(lambda: live(flipping)["batches"] == 3, "the adopted zones were read", 60)
    said = flipping.daemon.run("plan", "prod", "--to", "usw2")
    names = live(flipping)["names"]
    assert [(n["zone"], n["name"]) for n in names] == flipping.site.in_zones()
    assert all(n["records"] == f"A {flipping.site.use1.ip} TTL 60" for n in names)
    assert "12 to move, 0 there already" in said and "3 batch(es)" in said
    assert "in sync on all name servers about 1m later, gone from the last honest cache 1m after that" in said
    assert said.count("while the control plane in us-east-1 is down no record of it can be changed") == 3
    assert "the Route 53 control plane, which is in us-east-1 only" in said
    assert len(emulator.commits()) == before


def test_a_plan_says_what_would_refuse_it(flipping, emulator):
    zone_id, name = flipping.site.in_zones()[0]
    emulator.put(zone_id, RecordSet(name, "A", ["192.0.2.77"], 60))
    wait_until(lambda: "192.0.2.77" in (live(flipping)["refusal"] or ""), "it was read", 60)
    said = flipping.daemon.run("plan", "prod", "--to", "usw2")
    assert "it would be REFUSED" in said and name in said and "192.0.2.77" in said


def test_a_plan_without_a_daemon_says_that_it_did_not_look(flipping):
    flipping.daemon.stop()
    said = flipping.daemon.run("plan", "prod", "--to", "usw2")
    assert "live: not looked at, that takes a daemon that runs" in said


def test_a_name_that_externaldns_claims_is_moved_only_by_who_says_so_by_name(flipping, emulator):
    zone_id, name = flipping.site.in_zones()[0]
    claim = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/airflow/web"'
    emulator.put(zone_id, RecordSet(f"a-{name}", "TXT", [claim], 300))
    wait_until(lambda: flipping.daemon.journal(kind="alarm", detail="foreign-owner"), "it was read", 60)
    before = len(emulator.commits())
    refused = flipping.failover()
    assert refused.returncode == 3 and "foreign-owner" in refused.stdout + refused.stderr, refused
    assert not flipping.daemon.journal(kind="intent") and len(emulator.commits()) == before
    taken = flipping.daemon.cli("failover", "prod", "--to", "usw2", "--reason", "it is ours", "--override", "foreign-owner",
                                "--wait", "settled", timeout=120)
    assert taken.returncode == 0 and flipping.is_moved(), taken
