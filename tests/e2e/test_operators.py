"""Goal: what operators say is done, or refused with the rule's name and the documented exit code."""
from world import ZONE, hostnames, wait_until

NAMES = hostnames("sales", "risk")


def promoted(daemon, cluster):
    """Data lives there now, as after a real promotion."""
    for one in (daemon.site.use1, daemon.site.usw2):
        one.primary = one is cluster


def test_switch_failback_and_rejoin_as_in_a_planned_move(daemon):
    """Goal: there and back, each with exit code 0; a planned move fences nothing."""
    use1, usw2 = daemon.site.use1, daemon.site.usw2
    daemon.run("switch", "prod", "--to", "usw2")
    assert daemon.addresses(NAMES) == {usw2.ip}
    promoted(daemon, usw2)
    wait_until(lambda: daemon.verdict("usw2") == "up", "usw2 is up as active")
    daemon.run("failback", "prod")
    assert daemon.addresses(NAMES) == {use1.ip}
    assert [e["verb"] for e in daemon.journal(kind="intent")] == ["switch", "failback"]


def test_switch_to_the_active_cluster_is_nothing_to_do(daemon):
    """Goal: repeating what is done already is no mistake."""
    daemon.run("switch", "prod", "--to", "use1")
    assert not daemon.journal(kind="intent")


def test_a_failover_fences_until_rejoin(daemon):
    """Goal: the lost side is no destination until an operator says so."""
    use1, usw2 = daemon.site.use1, daemon.site.usw2
    daemon.run("failover", "prod", "--reason", "region lost")
    assert daemon.addresses(NAMES) == {usw2.ip}
    promoted(daemon, usw2)
    wait_until(lambda: daemon.verdict("usw2") == "up", "usw2 is up as active")
    wait_until(lambda: daemon.verdict("use1", "as_standby") == "up", "use1 is up as standby")
    assert "destination-fenced" in daemon.run("failback", "prod", code=3)
    assert daemon.addresses(NAMES) == {usw2.ip}
    daemon.run("rejoin", "use1")
    daemon.run("failback", "prod")
    assert daemon.addresses(NAMES) == {use1.ip}


def test_a_failover_needs_a_reason(daemon):
    """Goal: 64 for a request that is not one; nothing happens."""
    daemon.run("failover", "prod", code=64)
    assert not daemon.journal(kind="intent")


def test_an_unknown_group_or_cluster_is_an_error_that_names_it(daemon):
    """Goal: the wrong word is in the message."""
    assert "nosuch" in daemon.run("status", "nosuch", code=1)
    assert "mars" in daemon.run("switch", "prod", "--to", "mars", code=1)


def test_a_destination_that_is_down_is_refused(daemon):
    """Goal: exit 3 with the guard and the way to override it."""
    daemon.site.usw2.be("refuse")
    wait_until(lambda: daemon.verdict("usw2", "as_standby") == "down", "usw2 is down")
    move = ("failover", "prod", "--to", "usw2", "--reason", "I know better")
    said = daemon.run(*move, code=3)
    assert "destination-down" in said and "--override" in said
    daemon.run(*move, "--override", "destination-down")
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    assert daemon.journal(kind="intent")[0]["overrides"] == ["destination-down"]


def test_a_source_that_is_down_refuses_a_switch(daemon):
    """Goal: a planned move wants both sides healthy."""
    daemon.run("pause", "--reason", "no automatic move in this test")
    daemon.site.use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert "source-down" in daemon.run("switch", "prod", "--to", "usw2", code=3)


def test_hold_refuses_everybody_until_release(daemon):
    """Goal: a frozen group moves for no one, and says who froze it."""
    daemon.run("hold", "prod", "--reason", "database maintenance")
    said = daemon.run("switch", "prod", "--to", "usw2", code=3)
    assert "operator-hold" in said
    daemon.site.use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert "operator-hold" in daemon.run("explain", "prod")
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    daemon.run("release", "prod")
    wait_until(lambda: daemon.addresses(NAMES) == {daemon.site.usw2.ip}, "the automatic move")


def test_pause_stops_automatic_moves_alone(daemon):
    """Goal: operators' verbs work all the same."""
    daemon.run("pause", "--reason", "change freeze")
    daemon.site.use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert "paused" in daemon.run("explain", "prod")
    assert not daemon.journal(kind="intent")
    daemon.run("failover", "prod", "--reason", "test")
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}


def test_a_repeated_request_id_does_nothing_twice(daemon):
    """Goal: a runbook may be run again; the same id with other words is an error."""
    words = ("failover", "prod", "--reason", "test", "--request-id", "run-1")
    first = daemon.json(*words)
    again = daemon.json(*words)
    assert first["operation"] == again["operation"]
    assert len(daemon.journal(kind="intent")) == 1
    daemon.run("failback", "prod", "--request-id", "run-1", code=1)
    assert len(daemon.journal(kind="intent")) == 1


def test_evacuate_moves_every_group_that_is_active_there(site, make):
    """Goal: one word for the loss of a region."""
    text = site.config(site.group("a", ["sales"], mode="observe"), site.group("b", ["risk"], mode="observe"))
    daemon = make(site, text).start(judged=False)
    wait_until(lambda: all(daemon.verdict("usw2", "as_standby", g) == "up" for g in "ab"), "usw2 is up")
    daemon.run("evacuate", "use1", "--reason", "region lost")
    assert daemon.addresses(NAMES) == {site.usw2.ip}


def test_each_cluster_has_its_own_names(daemon):
    """Goal: use1.HOST always answers with that cluster, before and after a flip."""
    for _ in range(2):
        assert daemon.address("use1." + NAMES[0]) == daemon.site.use1.ip
        assert daemon.address("usw2." + NAMES[0]) == daemon.site.usw2.ip
        daemon.run("failover", "prod", "--to", "usw2", "--reason", "test")


def test_plan_says_the_same_with_and_without_the_daemon_and_writes_nothing(daemon):
    """Goal: the review before the event."""
    before = (daemon.folder / "state/journal.jsonl").read_bytes()
    online = daemon.json("plan", "prod", "--to", "usw2")
    daemon.run("plan", "prod", "--to", "usw2", "--detailed-exitcode", code=2)
    assert (daemon.folder / "state/journal.jsonl").read_bytes() == before
    daemon.stop()
    before = (daemon.folder / "state/journal.jsonl").read_bytes()
    offline = daemon.json("plan", "prod", "--to", "usw2")
    assert (daemon.folder / "state/journal.jsonl").read_bytes() == before
    for plan in (online, offline):
        assert plan["from"] == "use1" and plan["to"] == "usw2"
    names = [{c["name"] for c in plan["changes"]} for plan in (online, offline)]
    assert names[0] == names[1] == set(NAMES)


def test_an_unadopted_group_is_shown_but_not_served_until_adopt(daemon):
    """Goal: a group the journal does not know has no answers, whatever health says."""
    site = daemon.site
    daemon.write(site.config(site.group(), site.group("new", ["billing"])))
    daemon.run("reload")
    name = hostnames("billing")[0]
    assert daemon.address(name) == "SERVFAIL"
    assert daemon.address(NAMES[0]) == site.use1.ip
    assert not daemon.group("new")["adopted"]
    wait_until(lambda: daemon.verdict("usw2", "as_standby", "new") == "up", "usw2 is up")
    assert "adopt" in daemon.run("switch", "new", "--to", "usw2", code=3)
    daemon.run("adopt", "new", "--active", "usw2")
    assert daemon.address(name) == site.usw2.ip
    assert daemon.address("use1." + name) == site.use1.ip


def test_the_rest_of_the_zone_is_answered(site, make):
    """Goal: static records, the apex, names that are not there."""
    static = "www A 192.0.2.80\ndocs CNAME www\n*.preview TXT \"a preview\"\n"
    daemon = make(site, site.config(static=static)).start(judged=False)
    assert daemon.address("www." + ZONE) == "192.0.2.80"
    assert daemon.ask("x.preview." + ZONE, "TXT").answer
    assert daemon.ask(ZONE, "SOA").answer and daemon.ask(ZONE, "NS").answer
    assert daemon.address("nosuch." + ZONE) == "NXDOMAIN"
    assert daemon.address("example.org") == "REFUSED"
    assert daemon.ask(NAMES[0], "A", tcp=True).answer[0][0].address == site.use1.ip


def test_the_serial_rises_with_a_flip(daemon):
    """Goal: secondaries can tell that something changed."""
    def serial():
        return daemon.ask(ZONE, "SOA").answer[0][0].serial
    before = serial()
    daemon.run("failover", "prod", "--reason", "test")
    assert serial() > before
