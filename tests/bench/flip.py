#!/usr/bin/env python3
"""How fast a flip is, and what it costs those who ask.

  names   a group of so many names is flipped to and fro while an observer asks for all of them in
          turn: the time from the moment the intent was durable (fdatasync returned, seen by strace)
          to the last answer with the old address, and to the moment all names had been asked again
  load    100 flips in a minute at 80 % of the load that the server can carry: queries lost with the
          flips and without

usage: flip.py [NAMES [ROUNDS [FLIPS]]]      (100000, 10 and 100)
Reads DNSFLIP_BUILD (build/release).  strace missing: the time counts from the moment the intent was
handed to the journal, which is longer.  Exit code 1 if an answer was wrong or one of the aims was
missed."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from answers import BUILD, flood, free_port

ZONE = "flip.test"
CLUSTERS = {"use1": "192.0.2.1", "usw2": "192.0.2.2"}
START_S, FLIP_S, LOAD_S = 120, 30, 60
PEAK_QUERIES, LOAD_SHARE, LOADED_NAMES = 300000, 0.8, 240
AIM_MS = 5.0

CONFIG = """version: 1
node: {{ name: flip, state_dir: {dir}/state, control_socket: {dir}/s }}
clusters:
  use1: {{ target: {{ A: {use1} }} }}
  usw2: {{ target: {{ A: {usw2} }} }}
providers:
  dns: {{ kind: local, listen: "127.0.0.1:{port}", zone: {zone}, nameservers: {{ ns1.{zone}: 192.0.2.53 }} }}
policies:
  slow: {{ interval: 5m, fast_interval: 5m, timeout: 1s, startup_rounds: 1 }}
groups:
  all:
    clusters: [use1, usw2]
    mode: observe
    policy: slow
    promotion: not-needed
    probe: {{ kind: tcp, port: 9 }}
    deployments: {{ file: deployments }}
    endpoints: [ {{ hostname: "{{deployment}}.{zone}", class: ui }} ]
"""


class Daemon:
    """`dnsflip run` with so many names; nothing that it probes answers, and nothing it sees moves."""

    def __init__(self, directory, names):
        self.directory, self.port = directory, free_port()
        (directory / "deployments").write_text("".join(f"n{i}\n" for i in range(names)))
        self.config = directory / "dnsflip.yaml"
        self.config.write_text(CONFIG.format(dir=directory, port=self.port, zone=ZONE, **CLUSTERS))
        self.cli("init", "--active", "use1")
        self.log = open(directory / "log", "wb")
        self.process = subprocess.Popen([BUILD / "dnsflip", "run", "--single-user", "--config", self.config],
                                        stdout=self.log, stderr=self.log)
        end = time.monotonic() + START_S
        while not self.is_ready():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError((directory / "log").read_text())
            time.sleep(0.1)
        self.active = "use1"

    def cli(self, *words):
        done = subprocess.run([BUILD / "dnsflip", *words, "--config", self.config], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"dnsflip {words[0]}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def is_ready(self):
        try:
            return json.loads(self.cli("status", "--json"))["face"]["ready"]
        except RuntimeError:
            return False

    def flip(self):
        """To the other cluster, which may have been fenced by the flip before."""
        to = "usw2" if self.active == "use1" else "use1"
        self.cli("failover", "all", "--to", to, "--reason", "bench", "--override", "destination-fenced",
                 "--override", "destination-unknown", "--override", "startup-hold", "--wait", "settled")
        self.active = to

    def writer(self):
        """(judge, thread that writes the journal)."""
        for comm in pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*/comm"):
            with contextlib.suppress(OSError):
                parent = (comm.parents[2] / "stat").read_text().rpartition(")")[2].split()[1]
                if comm.read_text().strip() == "journal" and int(parent) == self.process.pid:
                    return int(comm.parent.name)
        raise RuntimeError("no journal thread")

    def intents(self):
        """Times (us) at which intents were handed to the journal."""
        lines = (self.directory / "state/journal.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines if '"intent"' in line]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


class Syncs:
    """When the journal's thread came back from fdatasync, in microseconds of the wall clock."""

    def __init__(self, daemon):
        self.path = daemon.directory / "strace"
        self.process = None
        if shutil.which("strace"):
            self.process = subprocess.Popen(
                ["strace", "-qq", "-ttt", "-T", "-e", "trace=fdatasync", "-o", self.path, "-p",
                 str(daemon.writer())], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def attach(self, daemon):
        """Waits until a sync that is asked for is seen."""
        end = time.monotonic() + FLIP_S
        while self.process and not self.times():
            daemon.flip()
            if time.monotonic() > end or self.process.poll() is not None:
                print("strace may not attach here")
                self.process = None

    def times(self):
        if not self.path.exists():
            return []
        lines = [line for line in self.path.read_text().splitlines() if line.endswith(">")]
        return [round((float(line.split()[0]) + float(line.rpartition("<")[2][:-1])) * 1e6) for line in lines]

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


def iso_us(text):
    import datetime
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e6)


def watch_flip(daemon, names, syncs):
    """One flip: (ms from the durable intent to the last old answer, ms to all names asked again)."""
    old = CLUSTERS[daemon.active]
    new = next(a for a in CLUSTERS.values() if a != old)
    watch = subprocess.Popen([BUILD / "tests/bench/watch", str(daemon.port), ZONE, str(names), old, new],
                             stdout=subprocess.PIPE, text=True)
    assert watch.stdout.readline() == "watching\n", "no answers to watch"
    daemon.flip()
    out, _ = watch.communicate(timeout=FLIP_S)
    seen = dict(word.split("=") for word in out.split())
    handed = iso_us(daemon.intents()[-1]["time"])
    after = [t for t in syncs.times() if t >= handed] if syncs.process else []
    durable = after[0] if after else handed
    assert watch.returncode == 0, f"watch: {out}"
    return (int(seen["last_old"]) - durable) / 1e3, (int(seen["last_name"]) - durable) / 1e3, bool(after)


def bench_names(directory, names, rounds):
    daemon = Daemon(directory, names)
    syncs = Syncs(daemon)
    try:
        syncs.attach(daemon)
        seen = [watch_flip(daemon, names, syncs) for _ in range(rounds)]
    finally:
        syncs.stop()
        daemon.stop()
    last, every = sorted(s[0] for s in seen), sorted(s[1] for s in seen)
    since = "durable (fdatasync returned)" if all(s[2] for s in seen) else "handed to the journal"
    print(f"{names} names, {rounds} flips, ms from the intent being {since}")
    print(f"  last answer with the old address: median {statistics.median(last):.2f}, worst {last[-1]:.2f}"
          f"   (aim: {AIM_MS:.0f})")
    print(f"  every name asked again and moved: median {statistics.median(every):.0f}, worst {every[-1]:.0f}")
    return statistics.median(last) > AIM_MS


def loaded(daemon, names, rate, queries, cores, flips):
    """The flood's counts with so many flips spread over it."""
    stopping = threading.Event()

    def go():
        for i in range(flips):
            if stopping.wait(max(0.0, begin + i * LOAD_S / flips - time.monotonic())):
                return
            daemon.flip()
            done.append(i)

    begin, done = time.monotonic(), []
    flipper = threading.Thread(target=go)
    flipper.start()
    argv = [BUILD / "tests/bench/flood", str(daemon.port), str(queries), names, f"{rate:.0f}"]
    out = subprocess.run(argv, stdout=subprocess.PIPE, check=False, text=True,
                         preexec_fn=lambda: os.sched_setaffinity(0, {cores[-1]})).stdout
    stopping.set()
    flipper.join()
    counts = {key: float(value) for key, value in (word.split("=") for word in out.split())}
    print(f"  {len(done):3} flips: {counts['queries']:.0f} queries, {counts['per_second']:.0f}/s, "
          f"{counts['lost']:.0f} lost, {counts['wrong']:.0f} wrong")
    return counts


def bench_load(directory, flips):
    cores = sorted(os.sched_getaffinity(0))
    daemon = Daemon(directory, LOADED_NAMES)
    names = directory / "names"
    names.write_text("".join(f"n{i}.{ZONE}\n" for i in range(LOADED_NAMES)))
    try:
        peak = max(flood(daemon.port, PEAK_QUERIES, names, cores[-1], False)["per_second"] for _ in range(3))
        rate = LOAD_SHARE * peak
        print(f"{LOADED_NAMES} names, peak {peak:.0f} queries/s, load {rate:.0f}/s for {LOAD_S} s")
        quiet = loaded(daemon, names, rate, round(rate * LOAD_S), cores, 0)
        moved = loaded(daemon, names, rate, round(rate * LOAD_S), cores, flips)
    finally:
        daemon.stop()
    return moved["wrong"] > 0 or moved["lost"] > quiet["lost"]


def main():
    names, rounds, flips = [int(w) for w in sys.argv[1:]] + [100000, 10, 100][len(sys.argv) - 1:]
    bad = False
    for bench, words in ((bench_names, (names, rounds)), (bench_load, (flips,))):
        with tempfile.TemporaryDirectory() as temporary:
            bad |= bench(pathlib.Path(temporary), *words)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
