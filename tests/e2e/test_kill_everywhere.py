"""Goal: whichever system call of an operation is the judge's last one, the flip happens exactly once.

Each round starts a daemon, lets strace kill one thread of its judge as it enters the n-th call of one
kind (-e inject=CALL:signal=SIGKILL:when=N), and asks for a failover with a promotion hook, as an
orchestrator does: with a request id, and once more with the same one if no answer came.

KILL_EVERY=1 takes every call (`make kill-everywhere`: some ten minutes); the default takes a
sample that is spread over all of them."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from exactly_once import FAILOVER, NAMES, check_exactly_once
from world import Asker, wait_until

SAMPLE = 14
CALL = re.compile(r"^(\w+)\(")


def threads(daemon):
    """{"main": tid, "journal": tid} of the judge."""
    pid = daemon.children()["judge"]
    found = {"main": pid}
    for comm in pathlib.Path(f"/proc/{pid}/task").glob("*/comm"):
        if comm.read_text().strip() == "journal":
            found["journal"] = int(comm.parent.name)
    return found


def tracer(tid):
    try:
        status = pathlib.Path(f"/proc/{tid}/status").read_text()
    except OSError:
        return 0
    return int(re.search(r"TracerPid:\s+(\d+)", status).group(1))


class Strace:
    """strace on one thread, attached."""

    def __init__(self, tid, *words):
        self.process = subprocess.Popen(["strace", "-qq", "-p", str(tid), *words], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: tracer(tid) or self.process.poll() is not None, "strace is attached")
        if self.process.poll() is not None and "ermitted" in self.process.stderr.read():
            pytest.skip("strace may not attach here")

    def stop(self):
        self.process.terminate()
        self.process.communicate()


def count_calls(daemon, name):
    """How often that thread makes each system call in one undisturbed operation."""
    path = daemon.folder / "calls"
    traced = Strace(threads(daemon)[name], "-o", str(path))
    daemon.run(*FAILOVER, "--wait", "settled")
    wait_until(lambda: daemon.journal(kind="outcome"), "the operation ends")
    traced.stop()
    return collections.Counter(m.group(1) for m in map(CALL.match, path.read_text().splitlines()) if m)


def kill_at(daemon, name, call, n):
    """One round; False if the operation was over before that call came."""
    judge = daemon.children()["judge"]
    with Asker(daemon, NAMES, {daemon.site.use1.ip, daemon.site.usw2.ip}, threads=1) as asker:
        traced = Strace(threads(daemon)[name], "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={n}",
                        "-o", "/dev/null")
        first = daemon.cli(*FAILOVER, "--wait", "settled")
        if first.returncode == 0:
            wait_until(lambda: daemon.journal(kind="outcome") or judge != daemon.children().get("judge"),
                       "the operation ends, or the judge")
        else:
            wait_until(lambda: judge != daemon.children().get("judge"), f"the judge is dead: {first}")
        traced.stop()
        is_dead = judge != daemon.children().get("judge")
        if is_dead:
            wait_until(lambda: daemon.children().get("judge"), "another judge")
            wait_until(daemon.is_serving, "it serves")
        if first.returncode != 0:
            again = json.loads(daemon.cli(*FAILOVER, "--wait", "settled", "--json").stdout)
            assert again, first
        check_exactly_once(daemon, asker)
    return is_dead


def test_whatever_call_is_the_last_the_flip_happens_once(story):
    """Goal: 0 double and 0 lost flips."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    points = []
    for name in ("main", "journal"):
        daemon = story()
        for call, n in sorted(count_calls(daemon, name).items()):
            points += [(name, call, i + 1) for i in range(n)]
        daemon.stop()
    every = int(os.environ.get("KILL_EVERY", 0)) or max(1, len(points) // SAMPLE)
    killed = 0
    for name, call, n in points[every // 2::every]:
        daemon = story()
        try:
            killed += kill_at(daemon, name, call, n)
        except AssertionError as wrong:
            raise AssertionError(f"{name} thread, {call} number {n}") from wrong
        daemon.stop()
    print(f"{len(points)} calls, {len(points[every // 2::every])} rounds, {killed} judges killed")
    assert killed > 0
