"""Goal: when the primary is lost, and only then, every name moves."""
import pytest

from world import ZONE, Asker, Site, hostnames, wait_until

NAMES = hostnames("sales", "risk")


def test_outage_moves_every_name_after_a_durable_intent(daemon):
    """Goal: the primary refuses connections; all names move; the journal has the intent first."""
    use1, usw2 = daemon.site.use1, daemon.site.usw2
    assert daemon.addresses(NAMES) == {use1.ip}
    with Asker(daemon, NAMES, {use1.ip, usw2.ip}) as asker:
        use1.be("refuse")
        wait_until(lambda: daemon.addresses(NAMES) == {usw2.ip}, "all names moved")
        wait_until(lambda: daemon.journal(kind="outcome"), "the operation's outcome")
        asker.goes_on()
    assert not asker.lost and not asker.wrong
    # Once moved, no name was ever seen back.
    assert {name for _, name in asker.changes} == set(NAMES)
    assert all(seen == [use1.ip, usw2.ip] for seen in asker.changes.values())
    kinds = [e["kind"] for e in daemon.journal() if e["kind"] in ("intent", "moved", "settled", "outcome")]
    assert kinds == ["intent", "moved", "settled", "outcome"]
    assert daemon.journal(kind="fence")[0]["to"] == "use1"
    assert daemon.group()["active"] == "usw2"
    assert "the chain is whole" in daemon.run("audit", "verify")


@pytest.mark.parametrize("mode", ["hang", "html", "error"])
def test_a_primary_that_answers_no_more_as_airflow_does_is_lost(daemon, mode):
    """Goal: hung servers, 200 HTML for every path, 503: each is an outage."""
    daemon.site.use1.be(mode)
    wait_until(lambda: daemon.addresses(NAMES) == {daemon.site.usw2.ip}, "all names moved")


def test_broken_json_proves_nothing_and_raises_an_alarm(daemon):
    """Goal: what cannot be read is unknown, not down: no move, but people are told."""
    daemon.site.use1.be("bad-json")
    wait_until(lambda: daemon.journal(kind="alarm", detail="mute-probe"), "the alarm")
    wait_until(lambda: daemon.verdict("use1") == "unknown", "use1 is unknown")
    assert "use1 may be up or down" in daemon.run("explain", "prod")
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    assert not daemon.journal(kind="intent")


def test_an_unhealthy_database_is_an_outage_although_the_status_is_200(daemon):
    """Goal: Airflow's HTTP status proves nothing, its JSON does."""
    daemon.site.use1.be("unhealthy")
    wait_until(lambda: daemon.addresses(NAMES) == {daemon.site.usw2.ip}, "all names moved")


@pytest.mark.parametrize("mode", ["advise", "observe"])
def test_without_mode_auto_nothing_moves_by_itself(site, make, mode):
    """Goal: shadow mode: it says what it would do, and leaves it to people."""
    daemon = make(site, site.config(site.group(mode=mode))).start(judged=False)
    wait_until(lambda: daemon.verdict("usw2", "as_standby") == "up", "usw2 is up")
    site.use1.be("refuse")
    wait_until(lambda: daemon.group()["decision"]["would_move"] or mode == "observe", "the advice")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert daemon.addresses(NAMES) == {site.use1.ip}
    assert not daemon.journal(kind="intent")
    daemon.run("failover", "prod", "--reason", "as advised")
    assert daemon.addresses(NAMES) == {site.usw2.ip}


def test_both_clusters_lost_moves_nothing(daemon):
    """Goal: with nowhere to go the names stay, and explain says why."""
    # With no minimum outage the move would be made as soon as use1 is lost: usw2 has to be seen lost first.
    daemon.site.usw2.be("refuse")
    wait_until(lambda: daemon.verdict("usw2", "as_standby") == "down", "usw2 is down")
    daemon.site.use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    assert "usw2 is passed over: down as a standby" in daemon.run("explain", "prod")
    assert not daemon.journal(kind="intent")


def test_min_outage_is_waited_for_and_a_recovery_clears_it(site, make):
    """Goal: an outage shorter than min_outage moves nothing."""
    daemon = make(site, site.config(min_outage="1h")).start()
    site.use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert "min_outage" in daemon.run("explain", "prod")
    site.use1.be("up")
    wait_until(lambda: daemon.verdict("use1") == "up", "use1 is up again")
    assert "use1 is up" in daemon.run("explain", "prod")
    assert not daemon.journal(kind="intent")


def test_a_lost_uplink_moves_nothing_until_it_is_back(daemon):
    """Goal: when the references are lost as well, it is our own network: that proves nothing."""
    use1, usw2 = daemon.site.use1, daemon.site.usw2
    for elsewhere in daemon.site.elsewhere:
        elsewhere.be("refuse")
    wait_until(lambda: daemon.status()["node"]["isolated"], "the references are down")
    use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "unknown", "use1 is unknown, not down")
    assert "isolated" in daemon.group()["conditions"]
    assert daemon.addresses(NAMES) == {use1.ip}
    assert not daemon.journal(kind="intent")
    for elsewhere in daemon.site.elsewhere:
        elsewhere.be("up")
    wait_until(lambda: daemon.addresses(NAMES) == {usw2.ip}, "the outage is believed, all names moved")


def test_a_wrong_certificate_is_an_outage(folder, network, authority, make):
    """Goal: the certificate is checked against the production hostname, at each cluster."""
    site = Site(folder, network, tls=lambda: authority.context(f"DNS:*.airflow.{ZONE}"))
    daemon = make(site, site.config(probe=f", ca_file: {authority.path}")).start()
    authority.load(site.use1.tls, "DNS:another.example.test")
    network.run(site.use1.hang_up())
    wait_until(lambda: daemon.addresses(NAMES) == {site.usw2.ip}, "all names moved")
    endpoints = daemon.call("monitor")["result"]["groups"][0]["endpoints"]
    reasons = {e["active"]["reason"] for e in endpoints if e["cluster"] == "use1"}
    assert reasons == {"certificate-name"}
