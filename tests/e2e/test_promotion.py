"""Goal: no record changes before the data was promoted and the proof has passed."""
import os
import stat

import pytest

from world import hostnames, wait_until

DEPLOYMENTS = {"prod": ("sales", "risk"), "lab": ("ml",), "edge": ("iot",)}
NAMES = hostnames(*DEPLOYMENTS["prod"])
OVERRIDE = ("--override", "promotion", "--reason", "the database is ours already")


@pytest.fixture
def promoting(site, make):
    """promoting(script): a daemon whose promotion hook is this shell script."""
    def one(script, timeout="5s", fence="exit 0", mode="observe", is_early=False, scope="group", groups=("prod",)):
        site.usw2.primary = is_early
        for name, text in (("promote", script), ("fence", fence)):
            path = site.folder / name
            path.write_text(f"#!/bin/sh\nexec >>{site.folder}/hook.log\n"
                            f"echo {name} $DNSFLIP_FROM $DNSFLIP_TO $DNSFLIP_OPERATION\n{text}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        proof = f"http://{site.usw2.ip}:{site.usw2.port}/writable"
        promotion = (f"{{ fence: [{site.folder}/fence], command: [{site.folder}/promote], timeout: {timeout}, scope: {scope}, "
                     f"proof: {{ kind: http, url: \"{proof}\", json: {{ /writable: true }} }} }}")
        texts = [site.group(g, mode=mode, promotion=promotion, deployments=DEPLOYMENTS[g]) for g in groups]
        return make(site, site.config(*texts)).start(judged=not is_early)
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


# The hook of a killed judge goes on, says nothing to anybody, and waits here.
GATE = "cd $(dirname $0); while [ ! -e open ]; do sleep 0.05; done"


def kill_in_the_hook(daemon):
    """kill -9 of the judge while the promote hook runs; another one serves when this returns."""
    wait_until(lambda: "promote" in [r[0] for r in hook_runs(daemon)], "the hook runs")
    dead = daemon.kill("judge")
    wait_until(lambda: daemon.children().get("judge") not in (None, dead), "another judge")
    wait_until(daemon.is_serving, "it serves")


def test_a_hook_that_fails_unseen_is_run_again_with_the_same_operation(promoting):
    """Goal: nobody heard how the first run ended, so the proof is asked, and only then the hook again."""
    daemon = promoting(f"{GATE}; [ -e second ] || {{ touch second; exit 3; }}", timeout="20s")
    daemon.run("failover", "prod", "--reason", "test", "--wait", "accepted")
    kill_in_the_hook(daemon)
    (daemon.folder / "open").touch()
    wait_until(lambda: [r[0] for r in hook_runs(daemon)] == ["fence", "promote", "promote"], "a second run")
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    daemon.site.usw2.primary = True
    wait_until(lambda: daemon.addresses(NAMES) == {daemon.site.usw2.ip}, "all names moved")
    assert {r[3] for r in hook_runs(daemon)} == {daemon.journal(kind="intent")[0]["operation"]}


def test_a_hook_of_cluster_scope_runs_once_for_all_groups_though_the_judge_dies(promoting):
    """Goal: an evacuation promotes the database once, whoever is killed meanwhile."""
    daemon = promoting(GATE, timeout="20s", scope="cluster", groups=tuple(DEPLOYMENTS))
    daemon.run("evacuate", "use1", "--reason", "test", "--wait", "accepted")
    kill_in_the_hook(daemon)
    everything = hostnames(*[d for ds in DEPLOYMENTS.values() for d in ds])
    assert daemon.addresses(everything) == {daemon.site.use1.ip}
    daemon.site.usw2.primary = True
    (daemon.folder / "open").touch()
    wait_until(lambda: daemon.addresses(everything) == {daemon.site.usw2.ip}, "all names of all groups moved")
    assert [r[0] for r in hook_runs(daemon)] == ["fence", "promote"]
    wait_until(lambda: len(daemon.journal(kind="outcome", state="done")) == len(DEPLOYMENTS), "three outcomes")
    assert len(daemon.journal(kind="intent")) == len(DEPLOYMENTS)
