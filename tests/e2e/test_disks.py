"""Goal: whatever the disk under state_dir does, answers go on, and nothing moves that is not recorded."""
import json

import pytest

from disks import DiskDaemon, Fault, need
from world import Asker, hostnames, wait_until

NAMES = hostnames("sales", "risk")


def with_node(site, lines):
    """The ordinary configuration with further keys of node."""
    return site.config().replace("node:\n", f"node:\n  {lines}\n", 1)


def files(daemon):
    return sorted(path.name for path in (daemon.folder / "state").glob("journal*.jsonl"))


def test_a_journal_that_has_grown_goes_on_in_a_new_file(site, make):
    """Goal: a start reads the last file and knows all; audit sees one chain over all of them."""
    daemon = make(site, with_node(site, "journal_file_size: 64KiB")).start()
    daemon.run("failover", "prod", "--reason", "test", "--request-id", "the-one")
    operation = daemon.group()["operation"]["operation"]
    while len(files(daemon)) < 3:
        reply = daemon.call("hold", group="prod", reason="x" * 250)
        assert "result" in reply, reply
        daemon.call("release", group="prod")
    assert files(daemon)[0] == "journal-000000000001.jsonl" and files(daemon)[-1] == "journal.jsonl"
    daemon.run("hold", "prod", "--reason", "the last word")
    daemon.kill("judge")
    wait_until(daemon.is_serving, "the next judge serves")
    group = daemon.group()
    assert group["active"] == "usw2" and group["hold"]["reason"] == "the last word"
    assert next(c for c in group["clusters"] if c["name"] == "use1")["fenced"]
    assert daemon.addresses(NAMES) == {site.usw2.ip}
    assert operation in daemon.run("operation", "list")
    assert "done before" in daemon.run("failover", "prod", "--reason", "test", "--request-id", "the-one")
    found = daemon.json("audit", "verify")
    assert found["files"] >= 3 and found["first_seq"] == 1 and found["last_seq"] == found["entries"]
    shown = [json.loads(line) for line in daemon.cli("audit", "show", "--json").stdout.splitlines()]
    kinds = [entry["kind"] for entry in shown]
    assert kinds[0] == "init" and kinds.count("rotated") == found["files"] - 1
    assert not any(kind.startswith("kept") for kind in kinds)
    daemon.stop()


@pytest.fixture
def hostile(site, request):
    """hostile(): a daemon that runs, its state_dir a disk of its own."""
    made = []

    def one(text=None):
        made.append(DiskDaemon(site, text))
        return made[-1].start()

    yield one
    for daemon in made:
        daemon.keeps_disk = False
        if daemon.process:
            daemon.stop()
        daemon.disk.close()
        print(daemon.log.read_text())


class Watched:
    """Answers are asked for all the time, and none is lost or of a third kind."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.asker = Asker(daemon, NAMES, {daemon.site.use1.ip, daemon.site.usw2.ip})

    def __enter__(self):
        self.asker.__enter__()
        return self

    def __exit__(self, *error):
        self.asker.__exit__()
        if error[0] is not None:
            return
        assert not self.asker.wrong and not self.asker.lost
        # Nothing flaps: each name moved once or not at all.
        assert all(len(seen) <= 2 for seen in self.asker.changes.values())
        # A judge that sat in the kernel with the disk would have missed seconds.
        assert all(ms < 1500 for ms in self.daemon.tilts_ms()), self.daemon.tilts_ms()

    def goes_on(self):
        self.asker.goes_on()

    def moved(self):
        wait_until(lambda: self.daemon.addresses(NAMES) == {self.daemon.site.usw2.ip}, "all names moved")


def refuses_by_itself(daemon, watched):
    """The active cluster is lost: the automatic move is refused, with an alarm."""
    daemon.site.use1.be("refuse")
    wait_until(lambda: "alarm refused group=prod" in daemon.log.read_text(), "the automatic move is refused")
    watched.goes_on()
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    assert "journal:" in daemon.alarm()


def override_moves(daemon, watched):
    """An operator is refused too, until he says by name that it cannot wait."""
    said = daemon.run("failover", "prod", "--reason", "region lost", code=1)
    assert "--override durability" in said
    said = daemon.run("failover", "prod", "--reason", "region lost", "--override", "durability",
                      "--request-id", "forced")
    assert "without the journal" in said
    watched.moved()
    assert daemon.overflow.exists()


def is_merged(daemon):
    """All that was done is in the journal, once, and the overflow file is gone."""
    wait_until(lambda: not daemon.overflow.exists(), "the overflow file is merged")
    intents = daemon.journal(kind="intent", request_id="forced")
    assert len(intents) == 1 and intents[0]["overrides"] == ["durability"]
    operation = intents[0]["operation"]
    for kind in ("moved", "settled"):
        assert len(daemon.journal(kind=kind, operation=operation)) == 1
    wait_until(lambda: daemon.journal(kind="outcome", operation=operation), "its outcome too")
    assert "chain is whole" in daemon.run("audit", "verify")


def is_known_after_a_restart(daemon):
    daemon.keeps_disk = True
    daemon.stop()
    daemon.start(judged=False)
    group = daemon.group()
    assert group["active"] == "usw2"
    assert next(c for c in group["clusters"] if c["name"] == "use1")["fenced"]
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    assert "done before" in daemon.run("failover", "prod", "--reason", "region lost", "--override",
                                       "durability", "--request-id", "forced")


def until_refused(daemon):
    """Some entries may still find room."""
    wait_until(lambda: "error" in daemon.call("ack"), "the journal is full")


def test_a_full_disk_stops_no_answer_and_no_operator(hostile):
    """Goal: nothing moves by itself, an operator can; a judge that dies meanwhile knows it all."""
    daemon = hostile()
    with Watched(daemon) as watched:
        daemon.disk.fill()
        until_refused(daemon)
        refuses_by_itself(daemon, watched)
        override_moves(daemon, watched)
        dead = daemon.kill("judge")
        wait_until(lambda: daemon.children().get("judge") not in (None, dead), "another judge")
        wait_until(daemon.is_serving, "it serves")
        assert daemon.group()["active"] == "usw2" and daemon.overflow.exists()
        daemon.disk.empty()
        is_merged(daemon)
    is_known_after_a_restart(daemon)


def test_a_disk_that_breaks_down_read_only(hostile):
    """Goal: the same when the device fails, and the next start merges."""
    daemon = hostile()
    with Watched(daemon) as watched:
        daemon.disk.break_down()
        refuses_by_itself(daemon, watched)
        override_moves(daemon, watched)
    daemon.keeps_disk = True
    daemon.stop()
    daemon.disk.repair()
    daemon.start(judged=False)
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    is_merged(daemon)
    is_known_after_a_restart(daemon)


def test_a_start_on_a_read_only_disk_answers(hostile):
    """Goal: answers need no disk; when it can be written, what was done meanwhile is recorded."""
    daemon = hostile()
    daemon.keeps_disk = True
    daemon.stop()
    daemon.disk.remount("ro")
    daemon.start()
    with Watched(daemon) as watched:
        refuses_by_itself(daemon, watched)
        override_moves(daemon, watched)
        daemon.disk.remount("rw")
        is_merged(daemon)
    is_known_after_a_restart(daemon)


def test_a_disk_that_hangs_stops_no_answer_and_no_operator(hostile):
    """Goal: a hung disk is no frozen process; what lands late was refused, and never runs."""
    need("fsfreeze")
    daemon = hostile()
    with Watched(daemon) as watched:
        daemon.disk.freeze()
        refuses_by_itself(daemon, watched)
        assert "nothing has become durable" in daemon.alarm()
        refused = daemon.group()["operation"]["operation"]
        daemon.run("failover", "prod", "--reason", "region lost", code=3)
        said = daemon.run("failover", "prod", "--reason", "region lost", "--override", "durability",
                          "--request-id", "forced")
        assert "without the journal" in said
        watched.moved()
        assert daemon.overflow.exists()
        daemon.disk.thaw()
        is_merged(daemon)
        assert [e["kind"] for e in daemon.journal(operation=refused)][:2] == ["intent", "refused"]
        watched.goes_on()
    assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    is_known_after_a_restart(daemon)


def test_a_refused_move_that_lands_late_does_not_run(hostile):
    """Goal: neither when the disk comes back nor at the next start."""
    need("fsfreeze")
    daemon = hostile()
    with Watched(daemon) as watched:
        daemon.disk.freeze()
        daemon.run("switch", "prod", "--to", "usw2", code=1)
        daemon.disk.thaw()
        wait_until(lambda: daemon.journal(kind="refused"), "the refusal is recorded")
        watched.goes_on()
        assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    assert [e["kind"] for e in daemon.journal(operation=daemon.journal(kind="intent")[0]["operation"])][:2] == \
        ["intent", "refused"]
    daemon.keeps_disk = True
    daemon.stop()
    daemon.start()
    assert daemon.group()["active"] == "use1" and not daemon.journal(kind="moved")
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}


def test_a_disk_that_cannot_sync(hostile):
    """Goal: what the kernel says it lost is lost: refused, or kept elsewhere; no flip is recorded that was none."""
    daemon = hostile()
    with Watched(daemon) as watched:
        fault = Fault(daemon, "error=EIO")
        refuses_by_itself(daemon, watched)
        override_moves(daemon, watched)
        fault.end()
        is_merged(daemon)
    is_known_after_a_restart(daemon)


def test_a_slow_disk_delays_and_a_slower_one_refuses(hostile):
    """Goal: within two seconds a move waits for its record, beyond that it is refused."""
    daemon = hostile()
    with Watched(daemon) as watched:
        fault = Fault(daemon, "delay_enter=300000")
        daemon.run("switch", "prod", "--to", "usw2")
        fault.end()
        watched.moved()
        wait_until(lambda: daemon.journal(kind="outcome"), "its outcome")
        wait_until(lambda: daemon.verdict("use1", "as_standby") == "up", "the way back is clear")
        fault = Fault(daemon, "delay_enter=4000000")
        said = daemon.run("switch", "prod", "--to", "use1", "--override", "block", "--reason", "t", code=1)
        assert "durable in time" in said
        fault.end()
        wait_until(lambda: daemon.journal(kind="refused"), "the refusal is recorded")
        assert daemon.addresses(NAMES) == {daemon.site.usw2.ip}
    assert daemon.group()["active"] == "usw2"
