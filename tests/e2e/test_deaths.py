"""Goal: kill -9 of any process, at any moment, never makes an answer wrong; state survives."""
import json
import os
import signal

import pytest

from world import Asker, hostnames, wait_until

NAMES = hostnames("sales", "risk")


def restarted(daemon, which, dead):
    return wait_until(lambda: daemon.children().get(which) not in (None, dead), f"another {which}")


def test_killing_the_judge_loses_no_answer(daemon):
    """Goal: the face goes on alone; the next judge takes up where the last one was."""
    daemon.run("switch", "prod", "--to", "usw2", "--override", "destination-unknown", "--reason", "t")
    right = {daemon.site.usw2.ip}
    with Asker(daemon, NAMES, right) as asker:
        for _ in range(2):
            dead = daemon.kill("judge")
            asker.goes_on()
            restarted(daemon, "judge", dead)
            wait_until(daemon.is_serving, "the next judge serves")
            asker.goes_on()
    assert not asker.wrong and not asker.lost
    assert daemon.group()["active"] == "usw2"
    assert len(daemon.journal(kind="intent")) == 1


def test_a_judge_killed_in_an_outage_still_moves_the_names(daemon):
    """Goal: the outage is seen anew by the next judge, and acted on once."""
    daemon.site.use1.be("hang")
    restarted(daemon, "judge", daemon.kill("judge"))
    wait_until(lambda: daemon.addresses(NAMES) == {daemon.site.usw2.ip}, "all names moved")
    assert len(daemon.journal(kind="intent")) == 1


def test_killing_the_face_gives_no_wrong_answer(daemon):
    """Goal: a new face answers from the kept pair within moments."""
    with Asker(daemon, NAMES, {daemon.site.use1.ip}) as asker:
        for _ in range(3):
            dead = daemon.kill("face")
            restarted(daemon, "face", dead)
            asker.goes_on()
    assert not asker.wrong
    # At most the questions that the dead face had in hand.
    assert len(asker.lost) <= 3 * len(asker.threads)


def test_a_flip_after_the_death_of_the_face_moves_its_answers(daemon):
    """Goal: the new face reads the same page as the judge writes."""
    restarted(daemon, "face", daemon.kill("face"))
    daemon.site.use1.be("refuse")
    wait_until(lambda: daemon.addresses(NAMES) == {daemon.site.usw2.ip}, "all names moved")


def test_killing_the_supervisor_ends_all_and_a_restart_answers_the_same(daemon):
    """Goal: nothing is left behind, and what was flipped stays flipped."""
    daemon.run("failover", "prod", "--reason", "test")
    children = daemon.children()
    daemon.kill("supervisor")
    daemon.process.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/fd/0") for pid in children.values()),
               "judge and face have ended")
    daemon.start(judged=False)
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    group = daemon.group()
    assert group["active"] == "usw2"
    assert next(c for c in group["clusters"] if c["name"] == "use1")["fenced"]


def test_holds_survive_the_death_of_the_judge(daemon):
    """Goal: a frozen group stays frozen."""
    daemon.run("hold", "prod", "--reason", "database maintenance")
    restarted(daemon, "judge", daemon.kill("judge"))
    wait_until(daemon.is_serving, "the next judge serves")
    assert daemon.group()["hold"]["reason"] == "database maintenance"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_it_cleanly(daemon, number):
    """Goal: exit 0, nothing left, the stop in the journal, the chain whole."""
    children = daemon.children()
    assert daemon.stop(number) == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in children.values())
    assert daemon.journal()[-1]["kind"] == "stop"
    daemon.run("audit", "verify")


def test_without_a_journal_it_asks_and_does_not_start(site, make):
    """Goal: run never invents state."""
    daemon = make(site)
    assert daemon.launch().wait(20) == 1
    said = daemon.log.read_text()
    assert "was this node ever failed over?" in said and "dnsflip init --active" in said


def test_init_refuses_a_second_journal(site, make):
    """Goal: what is known is not overwritten."""
    daemon = make(site)
    daemon.init()
    assert "journal" in daemon.run("init", "--active", "usw2", code=6)
    assert daemon.journal(kind="adopt")[0]["to"] == "use1"


def test_a_torn_last_line_is_cut(daemon):
    """Goal: a crash in the middle of a write costs that line and nothing else."""
    daemon.run("failover", "prod", "--reason", "test")
    daemon.stop()
    path = daemon.folder / "state/journal.jsonl"
    with path.open("ab") as journal:
        journal.write(path.read_bytes().splitlines()[-1][:40])
    daemon.start(judged=False)
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    daemon.run("audit", "verify")


def test_a_bad_middle_line_stops_the_start_and_is_named(daemon):
    """Goal: an edited journal is not believed."""
    daemon.stop()
    path = daemon.folder / "state/journal.jsonl"
    lines = path.read_text().splitlines()
    entry = json.loads(lines[1])
    lines[1] = lines[1].replace(f'"to":"{entry["to"]}"', '"to":"usw2"')
    path.write_text("\n".join(lines) + "\n")
    before = len(daemon.log.read_text())
    assert daemon.launch().wait(20) == 1
    assert "journal.jsonl:2" in daemon.log.read_text()[before:] or "line 2" in daemon.log.read_text()[before:]
    said = daemon.run("audit", "verify", code=1)
    assert "2" in said
