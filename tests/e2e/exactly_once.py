"""One failover, asked for as an orchestrator does, and what must be true of it whatever died meanwhile."""
from world import hostnames, wait_until

NAMES = hostnames("sales")
FAILOVER = ("failover", "prod", "--to", "usw2", "--reason", "drill", "--request-id", "drill-1")


def check_exactly_once(daemon, asker):
    wait_until(lambda: daemon.journal(kind="outcome"), "the operation ends")
    intents, moved = daemon.journal(kind="intent"), daemon.journal(kind="moved")
    assert len(intents) == 1 and len(moved) <= 1, (intents, moved)
    assert [o["state"] for o in daemon.journal(kind="outcome")] == ["done"]
    assert daemon.group()["active"] == "usw2" and daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    # Run once; once more only by a judge that could not know how the first run ended.
    assert set(daemon.hook_runs()) == {intents[0]["operation"]} and len(daemon.hook_runs()) <= 2
    asker.goes_on(len(NAMES) * 2)
    assert not asker.wrong
    # There, and never back.
    assert all(seen in (["use1", "usw2"], ["usw2"]) for seen in named(daemon, asker)), asker.changes
    daemon.run("audit", "verify")


def named(daemon, asker):
    names = {daemon.site.use1.ip: "use1", daemon.site.usw2.ip: "usw2"}
    return [[names[a] for a in seen] for seen in asker.changes.values()]
