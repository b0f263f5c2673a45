"""Goal: an allocation that fails, whichever it is, ends in a clean error or a restart, never in a wrong answer
and never in half a flip.

A preloaded library (tests/support/fail_allocation.c) makes the n-th allocation of our own code fail, in the judge
or in the face.  ALLOCATION_EVERY=1 takes every n (`make allocations`); the default takes a sample of them."""
import mmap
import os
import pathlib
import signal
import struct
import subprocess

import pytest

from exactly_once import FAILOVER, NAMES, check_exactly_once
from world import Asker, wait_until

SAMPLE = 8
SOURCE = pathlib.Path(__file__).resolve().parents[1] / "support/fail_allocation.c"
COUNT = 1 << 40
BUSY = pytest.mark.skipif("san" in os.environ.get("DNSFLIP_BUILD", ""), reason="a sanitizer has an allocator of its own")


class Plan:
    """What the library reads: allocations left until one fails, how many failed, in which process."""

    def __init__(self, folder, monkeypatch):
        library, self.path = folder / "fail.so", folder / "fail.plan"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, SOURCE, "-ldl"], check=True)
        self.path.write_bytes(bytes(32))
        with self.path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), 32)
        monkeypatch.setenv("LD_PRELOAD", str(library))
        monkeypatch.setenv("FAIL_ALLOCATION", str(self.path))

    def arm(self, word, left):
        struct.pack_into("=q16s", self.map, 8, 0, word.encode())
        struct.pack_into("=q", self.map, 0, left)

    def left(self):
        return struct.unpack_from("=q", self.map, 0)[0]

    def has_failed(self):
        return struct.unpack_from("=q", self.map, 8)[0] > 0

    def disarm(self):
        self.arm("", 0)


@pytest.fixture
def plan(site, monkeypatch):
    return Plan(site.folder, monkeypatch)


def sample(n):
    every = int(os.environ.get("ALLOCATION_EVERY", 0)) or max(1, n // SAMPLE)
    return range(max(1, every // 2), n + 1, every)


def count(plan, word, act):
    """How many allocations of that process come with act()."""
    plan.arm(word, COUNT)
    act()
    n = COUNT - plan.left()
    plan.disarm()
    return n


@BUSY
def test_a_start_in_which_an_allocation_fails_ends_with_an_error_and_the_next_one_is_whole(story, plan):
    """Goal: no half-started daemon, and nothing on the disk that the next start minds."""
    daemon = story()
    daemon.stop()
    total = count(plan, "judge-process", lambda: daemon.start(judged=False))
    daemon.stop()
    for n in sample(total):
        plan.arm("judge-process", n)
        process = daemon.launch()
        wait_until(lambda: process.poll() is not None or plan.left() <= 0, f"allocation {n} comes")
        wait_until(lambda: process.poll() is not None or daemon.is_serving(), "it ends, or starts anew")
        assert plan.has_failed()
        plan.disarm()
        if process.poll() is None:
            assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
            daemon.stop()
        else:
            assert process.returncode != 0 and "out of memory" in daemon.log.read_text()
        daemon.start(judged=False)
        assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
        daemon.stop()
    print(f"{total} allocations in a start, {len(sample(total))} of them failed")


@BUSY
def test_a_flip_in_which_an_allocation_fails_happens_once(story, plan):
    """Goal: the judge that has no memory is started again, and goes on with what it had promised."""
    daemon = story()
    total = count(plan, "judge-process", lambda: (
        daemon.run(*FAILOVER, "--wait", "settled"), wait_until(lambda: daemon.journal(kind="outcome"), "its end")))
    daemon.stop()
    failed = 0
    for n in sample(total):
        daemon = story()
        judge = daemon.children()["judge"]
        with Asker(daemon, NAMES, {daemon.site.use1.ip, daemon.site.usw2.ip}, threads=1) as asker:
            plan.arm("judge-process", n)
            first = daemon.cli(*FAILOVER, "--wait", "settled")
            wait_until(lambda: plan.left() <= 0 or daemon.journal(kind="outcome"), f"allocation {n} comes")
            if plan.has_failed():
                failed += 1
                wait_until(lambda: daemon.children().get("judge") not in (None, judge), "another judge")
            plan.disarm()
            wait_until(daemon.is_serving, "it serves")
            if first.returncode != 0:
                daemon.cli(*FAILOVER, "--wait", "settled")
            check_exactly_once(daemon, asker)
        daemon.stop()
    assert failed > 0
    print(f"{total} allocations in a flip, {failed} of them failed")


@BUSY
def test_a_reload_in_which_an_allocation_fails_changes_no_answer(story, plan):
    """Goal: judge or face without memory in the middle of a new pair: the old answers, then the new ones."""
    daemon = story()
    for word in ("judge-process", "dnsflip-face"):
        total = count(plan, word, lambda: daemon.run("reload"))
        for n in sample(total):
            daemon.stop()
            daemon = story()  # anew, since a judge that dies often is started again more and more slowly
            with Asker(daemon, NAMES, {daemon.site.use1.ip}, threads=1) as asker:
                before = daemon.children()
                plan.arm(word, n)
                daemon.cli("reload")
                has_failed = plan.has_failed()
                plan.disarm()
                which = "judge" if word == "judge-process" else "face"
                if has_failed:
                    wait_until(lambda: daemon.children().get(which) not in (None, before[which]), f"another {which}")
                wait_until(daemon.is_serving, "it serves")
                asker.goes_on(len(NAMES))
            assert not asker.wrong, f"{word} {n}"
        print(f"{word}: {total} allocations in a reload, {len(sample(total))} of them failed")
    daemon.run("reload")
    assert daemon.stop(signal.SIGTERM) == 0
