"""Goal: a runbook with nothing but Python's standard library drives a failover."""
import pathlib
import subprocess
import sys

from world import hostnames

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "docs/orchestrator.py"
NAMES = hostnames("sales", "risk")


def orchestrate(daemon, *words):
    return subprocess.run([sys.executable, str(SCRIPT), str(daemon.folder / "s"), *words], text=True,
                          capture_output=True, timeout=60, check=False)


def test_the_shipped_orchestrator_moves_a_group_and_may_be_repeated(daemon):
    """Goal: once, however often it is run with the same id."""
    for _ in range(2):
        done = orchestrate(daemon, "prod", "usw2", "run-7")
        assert done.returncode == 0, done.stderr
        assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    assert len(daemon.journal(kind="intent")) == 1


def test_the_shipped_orchestrator_shows_a_refusal(daemon):
    """Goal: the daemon's own words and exit code reach the runbook."""
    daemon.run("hold", "prod", "--reason", "test")
    done = orchestrate(daemon, "prod", "usw2", "run-8")
    assert done.returncode == 3 and "operator-hold" in done.stderr
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}


def test_a_promotion_that_fails_moves_nothing(daemon):
    """Goal: promote before flip, in the runbook too."""
    assert orchestrate(daemon, "prod", "usw2", "run-9", "false").returncode != 0
    assert not daemon.journal(kind="intent")
