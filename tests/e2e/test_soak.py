"""Goal: flips, reloads, upgrades and deaths, all while strangers ask at 80 % of what the face can
answer: no wrong answer, no more loss than without, and NSD, Knot and BIND on the last serial at the end.

SOAK=full (`make soak`) is 100 flips, 20 reloads, 5 upgrades and 5 kill -9 of judge and of face, and then of
the supervisor, after which whatever runs it has to start it again; the default is a short one."""
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from dns_peers import environment, unpack
from fakes import Network
from namespaces import Pair
from test_peers_transfer import ADDRESSES, PRIMARY, SECRET, Bind, Knot, Nsd
from world import ZONE, Asker, Daemon, Site, hostnames, wait_until

FULL = os.environ.get("SOAK") == "full"
FLIPS, RELOADS, UPGRADES, KILLS = (100, 20, 5, 5) if FULL else (6, 2, 1, 1)
SHARE, PEAK_S, QUIET_S, LOST_S, FOLLOW_S = 0.8, 3, 5, 2, 180
# What a face that is killed has in hand: what its threads had read and not yet answered.
IN_HAND = 64
NAMES = hostnames("sales", "risk")
COUNT = re.compile(r"Queries (sent|completed|lost):\s+(\d+)")
GUARDS = ("destination-fenced", "destination-unknown", "destination-down", "startup-hold", "tilt", "isolated")
OVERRIDES = [word for rule in GUARDS for word in ("--override", rule)]


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


class Story:
    """One daemon with three secondaries, and what happens to it."""

    def __init__(self, folder, network, address=PRIMARY):
        self.site = Site(folder, network)
        self.site.dns = (address, 53)
        (folder / "keys").write_text(f"dnsflip-transfer:hmac-sha256:{SECRET}\n")
        (folder / "keys").chmod(0o600)
        notify = ", ".join(ADDRESSES.values())
        self.text = self.site.config(self.site.group(mode="observe")).replace(
            "    records: static.zone\n",
            f"    records: static.zone\n    secondaries: {{ notify: [{notify}], transfer_key_file: keys }}\n").replace(
            "  name: test\n", "  name: test\n  dns: { rate_limit: 0 }\n")
        self.daemon = Daemon(self.site, self.text)
        self.active = "use1"

    def flip(self, n):
        self.active = ("usw2", "use1")[n % 2]
        self.daemon.run("failover", "prod", "--to", self.active, "--reason", "soak", *OVERRIDES)
        right = {"usw2": self.site.usw2.ip, "use1": self.site.use1.ip}[self.active]
        assert self.daemon.addresses(NAMES) == {right}, f"after flip {n}"

    def reload(self, n):
        self.daemon.write(self.text.replace("static.zone", f"static{n % 2}.zone"))
        (self.daemon.folder / f"static{n % 2}.zone").write_text(f"note{n} TXT \"{n}\"\n")
        self.daemon.run("reload")

    def upgrade(self, _):
        self.daemon.run("upgrade")

    def kill_judge(self, _):
        self.kill("judge")

    def kill_face(self, _):
        self.kill("face")

    def kill(self, which):
        dead = self.daemon.kill(which)
        wait_until(lambda: self.daemon.children().get(which) not in (None, dead), f"another {which}")

    def kill_supervisor(self):
        self.daemon.kill("supervisor")
        self.daemon.process.wait()
        self.daemon.start(judged=False)

    def go(self):
        """Everything, each kind spread evenly over the flips."""
        turns = ((self.reload, RELOADS), (self.upgrade, UPGRADES), (self.kill_judge, KILLS), (self.kill_face, KILLS))
        for n in range(FLIPS):
            self.flip(n)
            for what, times in turns:
                if n * times // FLIPS != (n + 1) * times // FLIPS:
                    what(n)
                    wait_until(self.daemon.is_serving, f"it serves after {what.__name__}", 60)

    def lagging(self):
        """Secondaries that are not on the last serial."""
        ours = self.daemon.ask(ZONE, "SOA").answer[0][0].serial
        return [name for name, address in ADDRESSES.items() if serial(address) != ours]


def serial(address):
    import dns.exception
    import dns.message
    import dns.query
    try:
        answer = dns.query.udp(dns.message.make_query(ZONE, "SOA", flags=0), address, timeout=2)
    except (OSError, dns.exception.DNSException):
        return None
    return answer.answer[0][0].serial if answer.answer else None


def soak(story):
    daemon, right = story.daemon.start(), {story.site.use1.ip, story.site.usw2.ip}
    wait_until(lambda: not story.lagging(), "the secondaries' first transfer", FOLLOW_S)
    peak = Load(daemon, PEAK_S).counts()["completed"] / PEAK_S
    quiet = Load(daemon, QUIET_S, round(SHARE * peak)).counts()
    load = Load(daemon, 1800, round(SHARE * peak))
    try:
        with Asker(daemon, NAMES, right, threads=1) as asker:
            story.go()
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
