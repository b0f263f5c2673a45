"""Goal: flips, reloads, upgrades and deaths, all while strangers ask at 80 % of what the face can
answer: no wrong answer, no more loss than without, and NSD, Knot and BIND on the last serial at the end.

SOAK=full (`make soak`) is 100 flips, 20 reloads, 5 upgrades and 5 kill -9 of judge and of face, and then of
the supervisor, after which whatever runs it has to start it again; the default is a short one."""
import os
import re
import shutil
import subprocess
import time

import pytest

from dns_peers import environment, unpack
from documented_secondaries import ADDRESSES, PRIMARY, Bind, Knot, Nsd
from fakes import Network
from followed import FOLLOW_S, NAMES, Story
from namespaces import Pair
from world import Asker, wait_until

FULL = os.environ.get("SOAK") == "full"
FLIPS, RELOADS, UPGRADES, KILLS = (100, 20, 5, 5) if FULL else (6, 2, 1, 1)
SHARE, PEAK_S, QUIET_S, LOST_S = 0.8, 3, 5, 2
# What a face that is killed has in hand: what its threads had read and not yet answered.
IN_HAND = 64
COUNT = re.compile(r"Queries (sent|completed|lost):\s+(\d+)")


class Load:
    """dnsperf, for so many seconds or until it is ended."""

    def __init__(self, daemon, seconds, per_second=0):
        names = daemon.folder / "names"
        names.write_text("".join(f"{n} A\n" for n in NAMES))
        rate = ["-Q", str(per_second)] if per_second else []
        words = ["dnsperf", "-s", daemon.site.dns[0], "-p", str(daemon.site.dns[1]), "-d", str(names), "-T", "1",
                 "-c", "4", "-l", str(seconds), "-t", str(LOST_S), *rate]
        self.process = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)

    def counts(self, now=False):
        """{"sent", "completed", "lost"}, at its end; now: which is now."""
        if now:
            time.sleep(LOST_S + 1)  # only then does it call the last ones lost
            self.process.send_signal(2)
        out = self.process.communicate(timeout=1800)[0]
        return {kind: int(n) for kind, n in COUNT.findall(out)} or pytest.fail(out)


def everything(story):
    """Each kind spread evenly over the flips."""
    turns = ((story.reload, RELOADS), (story.upgrade, UPGRADES), (story.kill_judge, KILLS), (story.kill_face, KILLS))
    for n in range(FLIPS):
        story.flip(n)
        for what, times in turns:
            if n * times // FLIPS != (n + 1) * times // FLIPS:
                what(n)
                wait_until(story.daemon.is_serving, f"it serves after {what.__name__}", 60)


def soak(story):
    daemon, right = story.daemon.start(), {story.site.use1.ip, story.site.usw2.ip}
    wait_until(lambda: not story.lagging(), "the secondaries' first transfer", FOLLOW_S)
    peak = Load(daemon, PEAK_S).counts()["completed"] / PEAK_S
    quiet = Load(daemon, QUIET_S, round(SHARE * peak)).counts()
    load = Load(daemon, 1800, round(SHARE * peak))
    try:
        with Asker(daemon, NAMES, right, threads=1) as asker:
            everything(story)
            asker.goes_on()
            busy = load.counts(now=True)
    finally:
        load.process.kill()  # nothing, if it has ended
    print(f"peak {peak:.0f}/s; quiet {quiet}; {FLIPS} flips, {RELOADS} reloads, {UPGRADES} upgrades, {KILLS} kills "
          f"of judge and of face: {busy}; asked beside it {asker.answered}, lost {len(asker.lost)}")
    assert not asker.wrong
    assert busy["lost"] / busy["sent"] <= quiet["lost"] / quiet["sent"] + KILLS * IN_HAND / busy["sent"]
    wait_until(lambda: not story.lagging(), "every secondary is on the last serial", FOLLOW_S)
    story.kill_supervisor()
    assert daemon.group()["active"] == story.active
    assert daemon.addresses(NAMES) == {story.site.usw2.ip if story.active == "usw2" else story.site.use1.ip}
    wait_until(lambda: not story.lagging(), "every secondary is on the serial after the restart", FOLLOW_S)
    daemon.run("audit", "verify")


def test_flips_reloads_upgrades_and_deaths_under_load(tmp_path):
    """Goal: as above."""
    for package in (*ADDRESSES, "dnsperf"):
        unpack(package)
    pair = Pair([PRIMARY], list(ADDRESSES.values()))
    secondaries = []

    def body():
        network = Network()
        story = Story(tmp_path, network)
        try:
            soak(story)
        finally:
            if story.daemon.process:
                story.daemon.stop()
            print(story.daemon.log.read_text()[-20000:])
            network.close()

    try:
        for kind in (Nsd, Knot, Bind):
            secondaries.append(kind(tmp_path, pair.b))
        pair.a.run(body)
    finally:
        for one in secondaries:
            one.close()
        pair.close()
        shutil.rmtree(tmp_path, ignore_errors=True)
