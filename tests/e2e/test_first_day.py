"""Goal: what somebody who meets dnsflip for the first time tries works, or says what to do."""
import json
import os
import shutil
import subprocess

import pytest

from world import PROGRAM, hostnames, wait_until

NAMES = hostnames("sales", "risk")
BY_MOUNT = (shutil.which("unshare") and os.getuid() == 0 and
            subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0)


def test_a_failback_at_home_has_nothing_to_do(daemon):
    """Goal: exit 0, as every verb whose destination is active already."""
    assert "nothing to do" in daemon.run("failback", "prod")
    assert "already on use1" in daemon.run("plan", "prod", "--verb", "failback", code=1)


def test_what_is_not_paused_has_nothing_to_resume(daemon):
    """Goal: the answer tells an operator who typed it twice, and the journal has it once."""
    daemon.run("pause", "--reason", "test")
    assert "goes on" in daemon.run("resume")
    assert "nothing to do" in daemon.run("resume")
    assert len(daemon.journal(kind="resume")) == 1


def test_an_empty_journal_is_no_journal(site, make):
    """Goal: neither run nor audit takes a cut-off file for a beginning; nothing is written to it."""
    daemon = make(site)
    daemon.init()
    journal = daemon.folder / "state/journal.jsonl"
    journal.write_text("")
    assert daemon.launch().wait(20) == 1
    assert "dnsflip init" in daemon.log.read_text()
    assert "dnsflip init" in daemon.run("audit", "verify", code=1)
    assert journal.read_text() == ""


def test_usage_errors_are_json_too(daemon):
    """Goal: a program that asks for JSON gets it whatever it did wrong."""
    for words in (["frob"], ["status", "--frob"], ["explain"]):
        assert daemon.json(*words, code=64)["error"]["exit"] == 64


def test_a_follower_ends_when_its_reader_leaves(daemon):
    """Goal: `dnsflip events --follow | head -1` comes back though nothing happens."""
    with subprocess.Popen([PROGRAM, "events", "--follow", "--json", "--config", str(daemon.path)],
                          stdout=subprocess.PIPE) as follower:
        assert json.loads(follower.stdout.readline())["seq"] > 0
        follower.stdout.close()
        assert follower.wait(10) is not None


@pytest.mark.skipif(not BY_MOUNT, reason="needs root and a mount namespace")
def test_what_root_begins_the_judge_goes_on_with(site, make):
    """Goal: init gives journal and lock to the user of the judge, where there is one."""
    daemon = make(site)
    users = daemon.folder / "passwd"
    users.write_text("root:x:0:0::/:/bin/sh\ndnsflip:x:4711:4711::/:/bin/false\n")
    subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/passwd && shift && exec "$@"', "sh",
                    str(users), PROGRAM, "init", "--active", "use1", "--config", str(daemon.path)], check=True)
    state = daemon.folder / "state"
    assert {state.stat().st_uid} | {file.stat().st_uid for file in state.iterdir()} == {4711}


def test_a_refused_reload_says_what_can_be_done(daemon):
    """Goal: the difference does not stand alone, in the answer or in the log."""
    site = daemon.site
    daemon.write(site.config().replace(f"A: [{site.use1.ip}]", f"A: [{site.net}.99]"))
    said = daemon.run("reload", code=3)
    assert "dnsflip reload --accept" in said and NAMES[0] in said
    wait_until(lambda: "reload refused" in daemon.log.read_text(), "the log tells it")
    assert "\\x0a" not in daemon.log.read_text()
