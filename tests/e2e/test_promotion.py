"""Goal: no record changes before the data was promoted and the proof has passed."""
import os
import stat

import pytest

from world import hostnames, wait_until

NAMES = hostnames("sales", "risk")
OVERRIDE = ("--override", "promotion", "--reason", "the database is ours already")


@pytest.fixture
def promoting(site, make):
    """promoting(script): a daemon whose promotion hook is this shell script."""
    def one(script, timeout="5s", fence="exit 0", mode="observe", is_early=False):
        site.usw2.primary = is_early
        for name, text in (("promote", script), ("fence", fence)):
            path = site.folder / name
            path.write_text(f"#!/bin/sh\nexec >>{site.folder}/hook.log\n"
                            f"echo {name} $DNSFLIP_FROM $DNSFLIP_TO $DNSFLIP_OPERATION\n{text}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        proof = f"http://{site.usw2.ip}:{site.usw2.port}/writable"
        promotion = (f"{{ fence: [{site.folder}/fence], command: [{site.folder}/promote], timeout: {timeout}, "
                     f"proof: {{ kind: http, url: \"{proof}\", json: {{ /writable: true }} }} }}")
        return make(site, site.config(site.group(mode=mode, promotion=promotion))).start(judged=not is_early)
    return one


def hook_runs(daemon):
    path = daemon.folder / "hook.log"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_fence_promote_proof_and_then_the_flip(promoting):
    """Goal: the order of rule 6, with the facts in the environment of the hooks."""
    daemon = promoting("exit 0", mode="auto")
    site = daemon.site
    site.use1.be("refuse")
    wait_until(lambda: [r[0] for r in hook_runs(daemon)] == ["fence", "promote"], "both hooks ran")
    # The hook has run, the proof does not pass yet: nothing moves.
    wait_until(lambda: "/writable" in site.usw2.asked, "the proof was asked")
    assert daemon.addresses(NAMES) == {site.use1.ip}
    site.usw2.primary = True
    wait_until(lambda: daemon.addresses(NAMES) == {site.usw2.ip}, "all names moved")
    operation = daemon.journal(kind="intent")[0]["operation"]
    assert hook_runs(daemon) == [[name, "use1", "usw2", operation] for name in ("fence", "promote")]


@pytest.mark.parametrize("script", ["exit 3", "exec sleep 30"])
def test_a_hook_that_fails_or_hangs_moves_nothing(promoting, script):
    """Goal: failure or timeout of the promotion is no flip, an alarm, and lifted only by name."""
    daemon = promoting(script, timeout="1s")
    site = daemon.site
    site.usw2.primary = True
    daemon.run("failover", "prod", "--reason", "test", code=1)
    assert daemon.addresses(NAMES) == {site.use1.ip}
    assert daemon.journal(kind="alarm") and not daemon.journal(kind="moved")
    daemon.run("failover", "prod", *OVERRIDE)
    assert daemon.addresses(NAMES) == {site.usw2.ip}


def test_a_proof_that_does_not_pass_moves_nothing(promoting):
    """Goal: a hook that says yes is not believed."""
    daemon = promoting("exit 0", timeout="1s")
    said = daemon.run("failover", "prod", "--reason", "test", code=1)
    assert "proof" in said
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}


def test_promoted_skips_the_hooks_but_never_the_proof(promoting):
    """Goal: an orchestrator that promoted says so, and is still checked."""
    daemon = promoting("exit 0", timeout="1s")
    daemon.run("failover", "prod", "--promoted", "--reason", "test", code=1)
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    daemon.site.usw2.primary = True
    daemon.run("failover", "prod", "--promoted", "--reason", "test")
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    assert hook_runs(daemon) == []


def test_a_fence_that_fails_is_a_warning(promoting):
    """Goal: a dead source cannot be fenced, and must not stop its own failover."""
    daemon = promoting("exit 0", fence="exit 1")
    daemon.site.usw2.primary = True
    daemon.run("failover", "prod", "--reason", "test")
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    outcome = wait_until(lambda: daemon.journal(kind="outcome"), "the outcome")[0]
    assert "the fence hook failed" in outcome["detail"]


def test_a_proof_that_passes_too_early_is_an_alarm_and_vetoes_auto(promoting):
    """Goal: promoted without a flip, or a proof that proves nothing: people must look."""
    daemon = promoting("exit 0", mode="auto", is_early=True)
    wait_until(lambda: daemon.journal(kind="alarm", detail="early-proof"), "the alarm")
    daemon.site.use1.be("refuse")
    wait_until(lambda: daemon.verdict("use1") == "down", "use1 is down")
    assert "early-proof" in daemon.run("explain", "prod")
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}


def test_a_judge_killed_while_the_hook_runs_waits_for_it_and_then_asks_the_proof(promoting):
    """Goal: kill -9 between intent and apply; the hook runs once, the flip is completed."""
    gate = "while [ ! -e open ]; do sleep 0.05; done"
    daemon = promoting(f"cd {{folder}}; {gate}".replace("{folder}", "$(dirname $0)"), timeout="20s")
    daemon.run("failover", "prod", "--reason", "test", "--wait", "accepted")
    wait_until(lambda: [r[0] for r in hook_runs(daemon)] == ["fence", "promote"], "the hook runs")
    dead = daemon.kill("judge")
    wait_until(lambda: daemon.children().get("judge") not in (None, dead), "another judge")
    wait_until(daemon.is_serving, "it serves")
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    daemon.site.usw2.primary = True
    (daemon.folder / "open").touch()
    wait_until(lambda: daemon.addresses(NAMES) == {daemon.site.usw2.ip}, "all names moved")
    assert [r[0] for r in hook_runs(daemon)] == ["fence", "promote"]
    assert len(daemon.journal(kind="intent")) == 1
    assert os.path.exists(f"/proc/{daemon.process.pid}")
