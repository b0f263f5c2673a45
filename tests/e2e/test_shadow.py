"""Goal: monitor as a script, Nagios, a terminal's pipe and a newcomer without a journal meet it."""
import subprocess

import pytest

from world import PROGRAM, wait_until


@pytest.fixture
def alone(site, make):
    """A configuration without a daemon."""
    return make(site, site.config(site.group(mode="advise")))


def test_without_journal_and_without_active_it_says_what_it_needs(alone):
    """Goal: it does not guess which cluster is active."""
    assert "--active CLUSTER" in alone.run("monitor", "--once", code=1)


@pytest.mark.parametrize("broken, once, nagios, word", [
    ((), 0, 0, "OK"),
    (("usw2",), 2, 1, "WARNING"),
    (("use1",), 2, 2, "CRITICAL"),
])
def test_exit_codes_of_once_and_nagios_from_the_journal(alone, broken, once, nagios, word):
    """Goal: 0 and 2 for scripts, 0 to 3 for Nagios; the journal says who is active."""
    alone.init()
    for name in broken:
        getattr(alone.site, name).be("refuse")
    alone.run("monitor", "--once", code=once)
    assert alone.run("monitor", "--once", "--nagios", code=nagios).startswith(f"DNSFLIP {word} - prod: ")


def test_no_way_to_look_is_unknown_to_nagios(alone):
    """Goal: never OK, nor a warning, for want of a look."""
    assert alone.cli("monitor", "--once", "--nagios").returncode == 3
    alone.write("version: 1\nnonsense: 1\n")
    done = alone.cli("monitor", "--once", "--nagios")
    assert done.returncode == 3 and done.stdout.startswith("DNSFLIP UNKNOWN - ")


def test_with_a_group_the_endpoints_are_listed(daemon):
    """Goal: from the verdict down to the endpoint that is the cause."""
    said = daemon.run("monitor", "prod", "--once")
    assert "sales.airflow.dr.example.test" in said and "remote-execution" in said
    assert len(daemon.json("monitor", "prod", "--once")["groups"][0]["endpoints"]) == 12


def test_a_pipe_gets_a_table_only_when_something_changed(alone):
    """Goal: a log of changes, not of seconds; it says when it would have flipped."""
    alone.init()
    out = alone.folder / "seen"
    with out.open("w") as file:
        command = subprocess.Popen([PROGRAM, "monitor", "--config", str(alone.path)], stdout=file)
    try:
        wait_until(lambda: "use1 up, usw2 up" in out.read_text(), "both up")
        alone.site.use1.be("refuse")
        wait_until(lambda: "use1 down, usw2 up" in out.read_text(), "use1 down")
        wait_until(lambda: "would move to usw2" in out.read_text(), "when it would have flipped")
    finally:
        command.kill()
        command.wait()
    tables = out.read_text().split("GROUP ")[1:]
    assert all(a != b for a, b in zip(tables, tables[1:]))
    assert not (alone.folder / "s").exists()
