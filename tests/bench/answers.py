#!/usr/bin/env python3
"""Server CPU per UDP query, user and system apart: the face, a bare echo, and other servers on the
same zone, one after the other in several rounds, the server on one core and the load on another.

usage: answers.py [QUERIES_PER_ROUND [ROUNDS]]      (300000 and 5)
Reads DNSFLIP_BUILD (build/release).  A server that cannot be had is a SKIP line with the reason.
Exit code 1 if the face gave a wrong answer or lost one."""
import contextlib
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DNSFLIP_BUILD", TOP / "build/release"))
NAMES = 240
ZONE = "flip.test"
START_S = 20
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
AIM_USER_US, AIM_RATIO = 0.25, 1.05

KNOT = """server:
  rundir: {dir}
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {dir}
zone:
  - domain: {zone}
    file: {dir}/zone
"""
NSD = """server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  username: ""
  rrl-ratelimit: 0
  chroot: ""
  zonesdir: {dir}
  database: ""
  zonelistfile: {dir}/zone.list
  xfrdfile: {dir}/xfrd.state
  xfrdir: {dir}
  pidfile: {dir}/nsd.pid
remote-control:
  control-enable: no
zone:
  name: {zone}
  zonefile: zone
"""
GDNSD = """options => {{
  listen => [ "127.0.0.1:{port}" ]
  udp_threads => 1
  tcp_threads => 1
  run_dir => "{dir}/run"
  state_dir => "{dir}/state"
}}
"""


class Missing(Exception):
    """A server that cannot be measured here, and why."""


def free_port():
    """A port that is free for UDP and TCP on loopback right now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue


def zone_text():
    lines = [f"$ORIGIN {ZONE}.", "$TTL 30",
             f"@ 30 IN SOA ns1 hostmaster.{ZONE}. 1000 30 10 86400 5",
             "@ 3600 IN NS ns1", "ns1 3600 IN A 127.0.0.1"]
    lines += [f"n{i} IN A 192.0.2.1" for i in range(NAMES)]
    return "\n".join(lines) + "\n"


def descendants(pid):
    """pid and everything it started."""
    found = [pid]
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found += descendants(int(stat.parent.name))
    return found


def cpu_ticks(pid):
    """(user, system) of all threads of pid and of what it started."""
    user = system = 0
    for each in descendants(pid):
        for stat in pathlib.Path(f"/proc/{each}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                user, system = user + int(fields[11]), system + int(fields[12])
    return user, system


class Server:
    """A running server: .pid is what is measured."""

    def __init__(self, name, argv, core, directory, pid_line=False):
        self.log = open(directory / f"{name}.log", "wb")
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stderr=self.log,
            stdout=subprocess.PIPE if pid_line else self.log,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.pid = self.process.pid
        if pid_line:
            line = self.process.stdout.readline().decode()
            if not line.startswith("pid="):
                self.stop()
                raise Missing((directory / f"{name}.log").read_text().strip() or "no pid line")
            self.pid = int(line[4:])

    def stop(self):
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def program(package, name):
    """argv in front of which a program of a Debian package runs, unpacked if need be."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found:
        return [found]
    done = subprocess.run([TOP / "tests/support/peers.sh", package], capture_output=True, text=True,
                          check=False)
    unpacked = TOP / "build/peers/root/usr/sbin" / name
    if done.returncode != 0 or not unpacked.exists():
        raise Missing((done.stderr or done.stdout).strip().replace("\n", "; ") or "not unpacked")
    env = shlex.quote(str(TOP / "build/peers/env"))
    return ["sh", "-c", f'. {env} && exec "$0" "$@"', str(unpacked)]


def start_echo(port, core, directory):
    return Server("echo", [BUILD / "tests/bench/echo", str(port)], core, directory)


def start_face(port, core, directory):
    return Server("dnsflip", [BUILD / "tests/bench/serve", BUILD / "dnsflip-face", str(port),
                              str(NAMES)], core, directory, pid_line=True)


def start_peer(package, name, config, options):
    """A start function for a server of somebody else's."""
    def start(port, core, directory):
        argv = program(package, name)
        home = directory / package
        home.mkdir()
        for sub in ("run", "state", "zones"):
            (home / sub).mkdir()
        (home / "zone").write_text(zone_text())
        (home / "zones" / ZONE).write_text(zone_text())
        (home / "config").write_text(config.format(dir=home, port=port, zone=ZONE))
        return Server(package, argv + [o.format(dir=home) for o in options], core, directory)
    return start


SERVERS = {
    "echo": start_echo,
    "dnsflip": start_face,
    "gdnsd": start_peer("gdnsd", "gdnsd", GDNSD, ["-c", "{dir}", "start"]),
    "knot": start_peer("knot", "knotd", KNOT, ["-c", "{dir}/config"]),
    "nsd": start_peer("nsd", "nsd", NSD, ["-d", "-c", "{dir}/config"]),
}


def flood(port, queries, names, core, is_echo):
    """The load's own counts."""
    argv = [BUILD / "tests/bench/flood", str(port), str(queries), names] + ["echo"] * is_echo
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    return {key: float(value) for key, value in (word.split("=") for word in done.stdout.split())}


def await_answers(name, port, names, core):
    """Until a small flood comes back whole."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            counts = flood(port, 64, names, core, name == "echo")
        except ValueError:
            counts = {}
        if counts and counts["wrong"] + counts["lost"] == 0:
            return
        time.sleep(0.1)
    raise Missing(f"no right answers within {START_S} s")


def start_all(stack, directory, names, cores):
    """What could be started: {name: (server, port)}."""
    running = {}
    for name, start in SERVERS.items():
        port = free_port()
        try:
            server = start(port, cores[0], directory)
            stack.callback(server.stop)
            await_answers(name, port, names, cores[1])
            running[name] = (server, port)
        except (Missing, OSError) as why:
            log = directory / f"{name}.log"
            last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
            print(f"SKIP: {name}: {why}", *last)
    return running


def measure(running, queries, rounds, names, cores):
    """Sums of all rounds: {name: {user, system, asked, wrong, lost}}."""
    sums = {name: dict.fromkeys(("user", "system", "queries", "wrong", "lost", "seconds"), 0)
            for name in running}
    for _ in range(rounds):
        for name, (server, port) in running.items():
            before = cpu_ticks(server.pid)
            counts = flood(port, queries, names, cores[1], name == "echo")
            after = cpu_ticks(server.pid)
            total = sums[name]
            total["user"] += (after[0] - before[0]) * TICK_US
            total["system"] += (after[1] - before[1]) * TICK_US
            for key in ("queries", "wrong", "lost", "seconds"):
                total[key] += counts[key]
    return sums


def report(sums):
    """The table; returns what is wrong with the face."""
    floor = sums.get("echo")
    print(f"{'server':10} {'user us':>8} {'system us':>10} {'total us':>9} {'x echo':>7} "
          f"{'queries/s':>10} {'wrong':>6} {'lost':>6}")
    for name, each in sums.items():
        user, system = each["user"] / each["queries"], each["system"] / each["queries"]
        ratio = "-"
        if floor:
            base = (floor["user"] + floor["system"]) / floor["queries"]
            ratio = f"{(user + system) / base:.3f}"
        print(f"{name:10} {user:8.3f} {system:10.3f} {user + system:9.3f} {ratio:>7} "
              f"{each['queries'] / each['seconds']:10.0f} {each['wrong']:6.0f} {each['lost']:6.0f}")
    print(f"aim: dnsflip user <= {AIM_USER_US} us, total <= {AIM_RATIO} x echo; "
          f"resolution of the kernel's clock: {TICK_US:.0f} us")
    face = sums.get("dnsflip")
    return face is None or face["wrong"] + face["lost"] > 0


def main():
    queries = int(sys.argv[1]) if len(sys.argv) > 1 else 300000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("SKIP: answers: one core only; server and load need one each")
        return 0
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        directory = pathlib.Path(temporary)
        names = directory / "names"
        names.write_text("".join(f"n{i}.{ZONE}\n" for i in range(NAMES)))
        running = start_all(stack, directory, names, cores)
        return int(report(measure(running, queries, rounds, names, cores)))


if __name__ == "__main__":
    sys.exit(main())
