"""The secondaries: told of every change, read back, shown; one that is away is unknown."""
import urllib.request

import dns.rcode

from secondaries import NAMES, is_followed, seen, serial_of, with_secondaries
from world import ZONE, wait_until

ANYWAY = ("--reason", "test", "--override", "source-down", "--override", "block", "--override", "destination-unknown")


def test_every_flip_is_told_and_every_secondary_ends_on_the_last_serial(site, make, secondary):
    servers = [secondary(n) for n in range(3)]
    daemon = make(site, with_secondaries(site, *servers)).start()
    wait_until(lambda: is_followed(daemon, *servers), "all follow the first pair")
    for to, address in (("usw2", site.usw2.ip), ("use1", site.use1.ip)):
        daemon.run("failover", "prod", "--to", to, "--reason", "test", "--override", "destination-fenced",
                   "--override", "block")
        assert daemon.addresses(NAMES) == {address}
        wait_until(lambda: is_followed(daemon, *servers), "all follow the flip")
        assert {s.serial for s in servers} == {serial_of(daemon)}
        assert {a for s in servers for a in s.addresses.values()} == {address}


def test_notify_comes_from_the_address_that_the_secondary_knows(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start(judged=False)
    wait_until(lambda: is_followed(daemon, server), "it follows")
    assert {source for source, _ in server.notifies} == {site.dns[0]}


def test_a_reload_is_told_too(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start(judged=False)
    wait_until(lambda: is_followed(daemon, server), "it follows")
    told = len(server.notifies)
    daemon.write(with_secondaries(site, server, static=f"www.{ZONE}. 30 IN A 192.0.2.80\n"))
    daemon.run("reload")
    wait_until(lambda: len(server.notifies) > told, "it is told of the reload")
    wait_until(lambda: is_followed(daemon, server) and server.serial == serial_of(daemon), "it follows")


def test_a_lost_notify_is_sent_again(site, make, secondary):
    server = secondary(0)
    server.lost = 1
    daemon = make(site, with_secondaries(site, server)).start(judged=False)
    wait_until(lambda: is_followed(daemon, server), "it follows after the second try")
    assert seen(daemon, server)["notify"] == {
        "under_way": False, "series": 1, "tries": 2, "failures": 0, "detail": None}


def test_who_does_not_take_the_zone_lags_and_catches_up_when_told_again(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start()
    wait_until(lambda: is_followed(daemon, server), "it follows")
    server.follows = False
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY)
    lagging = wait_until(lambda: seen(daemon, server)["state"] == "lags" and seen(daemon, server), "it lags")
    assert lagging["ours"] == serial_of(daemon)
    assert lagging["behind"] == lagging["ours"] - lagging["serial"] > 0
    assert "lags" in daemon.run("status")
    server.follows = True
    daemon.run("failback", "prod", *ANYWAY)
    wait_until(lambda: is_followed(daemon, server), "it follows the next flip")


def test_a_stopped_secondary_is_unknown_never_lagging_and_is_told_when_it_is_back(site, make, secondary):
    away, here = secondary(0), secondary(1)
    daemon = make(site, with_secondaries(site, away, here)).start()
    wait_until(lambda: is_followed(daemon, away, here), "both follow")
    away.close()
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY)
    wait_until(lambda: is_followed(daemon, here), "the other one follows")
    unknown = wait_until(lambda: seen(daemon, away)["state"] == "unknown" and seen(daemon, away),
                         "the stopped one is unknown")
    assert unknown["behind"] == 0 and unknown["serial"] == away.serial and unknown["heard"]
    assert unknown["detail"]
    away.open()
    wait_until(lambda: is_followed(daemon, away), "it follows again", 60)
    assert away.serial == serial_of(daemon)


def test_a_secondary_that_refuses_notify_is_a_failure_with_words(site, make, secondary):
    server = secondary(0)
    server.rcode = dns.rcode.REFUSED
    daemon = make(site, with_secondaries(site, server)).start(judged=False)
    refused = wait_until(lambda: seen(daemon, server)["notify"]["failures"] and seen(daemon, server),
                         "the refusal is counted")
    assert "REFUSED" in refused["notify"]["detail"]
    assert "SERVFAIL" in refused["detail"]
    assert "REFUSED" in daemon.run("status")


def test_metrics_tell_of_every_secondary(site, make, secondary):
    server = secondary(0)
    daemon = make(site, with_secondaries(site, server)).start(judged=False)
    wait_until(lambda: is_followed(daemon, server), "it follows")
    with urllib.request.urlopen(f"http://{site.http}/metrics") as page:
        text = page.read().decode()
    labels = f'zone="{ZONE}",secondary="{server.text()}"'
    assert f'dnsflip_secondary_state{{{labels},state="follows"}} 1' in text
    assert f"dnsflip_secondary_serial{{{labels}}} {serial_of(daemon)}" in text
    assert f"dnsflip_secondary_lag_seconds{{{labels}}} 0" in text
    assert f"dnsflip_secondary_notify_tries_total{{{labels}}} 1" in text
