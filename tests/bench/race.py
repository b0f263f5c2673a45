#!/usr/bin/env python3
"""Who moves 240 hostnames away from a dead primary first: dnsflip, gdnsd (http_status, simplefo) and
PowerDNS (Lua records, ifurlup), one after the other on the same two web servers.  Every hostname
has checks of its own, every 2 s with a timeout of 1 s.  The primary gets SIGKILL, connections to it
are refused from then on, and an outside resolver that asks for all names all the time notes when
each answer changed.

usage: race.py [ROUNDS]      (3)
Reads DNSFLIP_BUILD (build/release).  A server that cannot be had is a SKIP line with the reason.
Exit code 1 if dnsflip did not move every name or gave a wrong answer."""
import contextlib
import json
import os
import pathlib
import select
import shlex
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DNSFLIP_BUILD", TOP / "build/release"))
DEPLOYMENTS, ZONE = 80, "race.test"
NAMES = [f"d{i}{end}.{ZONE}" for i in range(DEPLOYMENTS) for end in ("", "-api", "-remote")]
PRIMARY, SECONDARY, REFERENCES = "127.0.9.1", "127.0.9.2", ("127.0.9.3", "127.0.9.4")
SERVER = "127.0.9.53"
ROUND_S = 0.005   # between two questions for the same name
JUDGED_S = 60     # for a server to be ready
WARM_S = 7        # of questions before the kill: three rounds of checks
KILL_STEP_S = 0.7  # so that no round kills at the same moment of an interval as another
MOVED_S = 30
AIM_LAST_S, AIM_SPREAD_S = 1.2, 0.010

NGINX = """daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{ access_log off; client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
  uwsgi_temp_path {dir}; scgi_temp_path {dir}; keepalive_timeout 120s; keepalive_requests 1000000;
  server {{ {listen} location / {{ default_type text/plain; return 200 "ok\\n"; }} }} }}
"""
DNSFLIP = """version: 1
node:
  name: race
  state_dir: {dir}/state
  control_socket: {dir}/s
  max_checks_per_second: 2000
references: ["tcp://{references[0]}:{web}", "tcp://{references[1]}:{web}"]
clusters:
  primary: {{ target: {{ A: {primary} }} }}
  secondary: {{ target: {{ A: {secondary} }} }}
providers:
  dns: {{ kind: local, listen: "{server}:{port}", zone: {zone}, nameservers: {{ ns1.{zone}: 192.0.2.53 }} }}
policies:
  race: {{ interval: 2s, fast_interval: 250ms, timeout: 1s, fall: 3, min_outage: 0s }}
groups:
  all:
    clusters: [primary, secondary]
    mode: auto
    single_vantage: accepted
    promotion: not-needed
    policy: race
    probe: {{ kind: http, scheme: http, port: {web}, path: / }}
    deployments: [{deployments}]
    endpoints:
      - {{ hostname: "{{deployment}}.{zone}", class: ui }}
      - {{ hostname: "{{deployment}}-api.{zone}", class: api }}
      - {{ hostname: "{{deployment}}-remote.{zone}", class: remote-execution }}
"""


class Missing(Exception):
    """A server that cannot be measured here, and why."""


def peer(package, name):
    """argv in front of which a program of a Debian package runs, unpacked if need be."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found and package != "pdns-backend-bind":
        return [found]
    for each in {package, "pdns-server" if package.startswith("pdns") else package}:
        done = subprocess.run([TOP / "tests/support/peers.sh", each], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise Missing((done.stderr or done.stdout).strip().replace("\n", "; "))
    unpacked = TOP / "build/peers/root/usr/sbin" / name
    if not unpacked.exists() and not found:
        raise Missing(f"{package} holds no {name}")
    env = shlex.quote(str(TOP / "build/peers/env"))
    return ["sh", "-c", f'. {env} && exec "$0" "$@"', str(unpacked if unpacked.exists() else found)]


def free_port():
    """A port that is free at all addresses of the race."""
    while True:
        with contextlib.ExitStack() as stack:
            port = 0
            try:
                for ip in (SERVER, PRIMARY, SECONDARY, *REFERENCES):
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        bound = stack.enter_context(socket.socket(type=kind))
                        bound.bind((ip, port))
                        port = bound.getsockname()[1]
                return port
            except OSError:
                continue


class Program:
    """A child with a log of its own."""

    def __init__(self, argv, log, env=None):
        with open(log, "ab") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env=env)
        self.log = pathlib.Path(log)

    def check(self):
        if self.process.poll() is not None:
            lines = self.log.read_text(errors="replace").strip().splitlines()
            raise Missing(f"ended with {self.process.returncode}: {' '.join(lines[-2:])}")

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Web:
    """The two clusters (and the references), one nginx each."""

    def __init__(self, directory, port):
        self.argv, self.directory, self.port, self.running = peer("nginx-light", "nginx"), directory, port, {}

    def start(self, name, *ips):
        home = self.directory / name
        home.mkdir(exist_ok=True)
        listen = " ".join(f"listen {ip}:{self.port} backlog=4096;" for ip in ips)
        (home / "conf").write_text(NGINX.format(dir=home, listen=listen))
        self.running[name] = Program(self.argv + ["-p", str(home), "-c", str(home / "conf")], home / "log")
        end = time.monotonic() + 10
        while True:
            self.running[name].check()
            with contextlib.suppress(OSError), socket.create_connection((ips[0], self.port), 1):
                return
            if time.monotonic() > end:
                raise Missing("nginx does not listen")
            time.sleep(0.05)

    def stop(self):
        for each in self.running.values():
            each.stop()


# ---- the three servers: each returns (Program, is_ready)

def start_dnsflip(directory, port, web):
    path, program = directory / "dnsflip.yaml", str(BUILD / "dnsflip")
    path.write_text(DNSFLIP.format(dir=directory, references=REFERENCES, web=web, primary=PRIMARY,
                                   secondary=SECONDARY, server=SERVER, port=port, zone=ZONE,
                                   deployments=", ".join(f"d{i}" for i in range(DEPLOYMENTS))))
    done = subprocess.run([program, "init", "--active", "primary", "--config", path], text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise Missing(done.stderr.strip())
    running = Program([program, "run", "--single-user", "--config", str(path)], directory / "log")

    def is_ready():
        done = subprocess.run([program, "status", "--json", "--config", path], text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            return False
        group = json.loads(done.stdout)["groups"][0]
        up = [c["as_active" if c["role"] == "active" else "as_standby"]["verdict"] for c in group["clusters"]]
        return up == ["up", "up"] and not group["conditions"]
    return running, is_ready


def start_gdnsd(directory, port, web):
    argv = peer("gdnsd", "gdnsd")
    for sub in ("run", "state", "zones"):
        (directory / sub).mkdir()
    kinds = "\n".join(f"  s{i} => {{ plugin => http_status, vhost => {name}, url_path => /, port => {web}, "
                      f"interval => 2, timeout => 1, up_thresh => 2, ok_thresh => 2, down_thresh => 3 }}"
                      for i, name in enumerate(NAMES))
    names = "\n".join(f"   r{i} => {{ service_types => s{i}, primary => {PRIMARY}, secondary => {SECONDARY} }}"
                      for i in range(len(NAMES)))
    (directory / "config").write_text(
        f"options => {{ listen => {SERVER}, dns_port => {port}, run_dir => {directory}/run, "
        f"state_dir => {directory}/state, zones_default_ttl => 30 }}\n"
        f"service_types => {{\n{kinds}\n}}\nplugins => {{ simplefo => {{\n{names}\n}} }}\n")
    zone = "".join(f"{name}. 30 DYNA simplefo!r{i}\n" for i, name in enumerate(NAMES))
    (directory / "zones" / ZONE).write_text(
        f"@ SOA ns1 hostmaster 1 7200 1800 259200 900\n@ NS ns1\nns1 A {SERVER}\n{zone}")
    return Program(argv + ["-c", str(directory), "start"], directory / "log"), lambda: True


def start_powerdns(directory, port, web):
    argv = peer("pdns-backend-bind", "pdns_server")
    zone = "".join(
        f"{name}. 30 IN LUA A \"ifurlup('http://{name}:{web}/', {{{{'{PRIMARY}'}},{{'{SECONDARY}'}}}}, "
        f"{{timeout=1}})\"\n" for name in NAMES)
    (directory / "zone").write_text(f"$TTL 30\n@ IN SOA ns1 hostmaster 1 7200 1800 259200 900\n"
                                    f"@ IN NS ns1\nns1 IN A {SERVER}\n{zone}")
    (directory / "named.conf").write_text(f'zone "{ZONE}" {{ type native; file "{directory}/zone"; }};\n')
    modules = next(iter((TOP / "build/peers/root/usr/lib").glob("*/pdns")), None)
    options = {"launch": "bind", "bind-config": directory / "named.conf", "local-address": SERVER,
               "local-port": port, "socket-dir": directory, "config-dir": directory, "daemon": "no",
               "guardian": "no", "enable-lua-records": "yes", "lua-health-checks-interval": 2,
               "cache-ttl": 0, "query-cache-ttl": 0, "negquery-cache-ttl": 0, "loglevel": 3,
               "receiver-threads": 1, "distributor-threads": 1}
    if modules:
        options["module-dir"] = modules
    words = [f"--{key}={value}" for key, value in options.items()]
    return Program(argv + words, directory / "log"), lambda: True


SERVERS = {"dnsflip": start_dnsflip, "gdnsd": start_gdnsd, "powerdns": start_powerdns}


# ---- the outside resolver

class Observer:
    """Asks for every name, takes what came, notes when each answer became the secondary's."""

    def __init__(self, port):
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.connect((SERVER, port))
        self.socket.setblocking(False)
        self.queries = [self.query(i, name) for i, name in enumerate(NAMES)]
        self.good = {socket.inet_aton(PRIMARY): "before", socket.inet_aton(SECONDARY): "after"}
        self.moved, self.wrong, self.seen = {}, 0, set()

    @staticmethod
    def query(number, name):
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        return struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"

    def take(self, bytes_):
        number = bytes_[0] << 8 | bytes_[1]
        at = len(self.queries[number])
        # The first record: a pointer, A, IN, TTL, length 4, the address.
        is_good = bytes_[3] & 15 == 0 and bytes_[6:8] != b"\0\0" and bytes_[at + 2:at + 4] == b"\0\1"
        what = self.good.get(bytes_[at + 12:at + 16]) if is_good else None
        self.seen.add(number)
        if what == "after":
            self.moved.setdefault(number, time.monotonic())
        elif what is None or number in self.moved:
            self.wrong += 1

    def round(self):
        """One question for each name, and what comes back in ROUND_S."""
        end = time.monotonic() + ROUND_S
        for query in self.queries:
            with contextlib.suppress(OSError):
                self.socket.send(query)
        while True:
            with contextlib.suppress(OSError):
                while True:
                    self.take(self.socket.recv(2048))
            left = end - time.monotonic()
            if left <= 0:
                return
            select.select([self.socket], [], [], left)

    def go(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.round()


def race_once(name, directory, web, number):
    """Seconds from the kill to the first, median and last move; and wrong answers."""
    port = free_port()
    web.start("primary", PRIMARY)
    running, is_ready = SERVERS[name](directory, port, web.port)
    observer = Observer(port)
    try:
        end = time.monotonic() + JUDGED_S
        while len(observer.seen) < len(NAMES) or not is_ready():
            observer.go(0.2)
            running.check()
            if time.monotonic() > end:
                raise Missing(f"not ready within {JUDGED_S} s")
        observer.go(WARM_S + number * KILL_STEP_S)
        # What was answered before the first checks were over does not count.
        observer.moved.clear()
        observer.go(0.5)
        if observer.moved:
            raise Missing(f"{len(observer.moved)} names moved before the kill")
        observer.wrong = 0
        killed = time.monotonic()
        web.running["primary"].stop(signal.SIGKILL)
        while len(observer.moved) < len(NAMES) and time.monotonic() < killed + MOVED_S:
            observer.round()
        observer.go(0.5)
        times = sorted(at - killed for at in observer.moved.values())
        return times, observer.wrong
    finally:
        observer.socket.close()
        running.stop()
        web.running["primary"].stop(signal.SIGKILL)


def race(name, directory, web, rounds):
    """Medians over the rounds: first, median, last, spread; and the sums of wrong and unmoved."""
    results, wrong, unmoved = [], 0, 0
    for number in range(rounds):
        home = directory / f"{name}-{number}"
        home.mkdir()
        times, bad = race_once(name, home, web, number)
        wrong, unmoved = wrong + bad, unmoved + len(NAMES) - len(times)
        if times:
            results.append((times[0], statistics.median(times), times[-1], times[-1] - times[0]))
    if not results:
        raise Missing("no name moved")
    return [statistics.median(column) for column in zip(*results)], wrong, unmoved


def report(results):
    """The table; the exit code."""
    base = results.get("dnsflip")
    print(f"{'server':10} {'first s':>8} {'median s':>9} {'last s':>8} {'spread ms':>10} {'last / dnsflip':>15} "
          f"{'wrong':>6} {'unmoved':>8}")
    for name, ((first, median, last, spread), wrong, unmoved) in results.items():
        ratio = f"{last / base[0][2]:.1f}" if base else "-"
        print(f"{name:10} {first:8.3f} {median:9.3f} {last:8.3f} {spread * 1000:10.1f} {ratio:>15} "
              f"{wrong:6} {unmoved:8}")
    print(f"aim: dnsflip's last <= {AIM_LAST_S} s, spread <= {AIM_SPREAD_S * 1000:.0f} ms; every name is asked "
          f"every {ROUND_S * 1000:.0f} ms; PowerDNS acts on one failure, the others on three")
    return 0 if base and base[1] == 0 and base[2] == 0 else 1


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    results = {}
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        try:
            web = Web(directory, free_port())
            web.start("secondary", SECONDARY)
            web.start("references", *REFERENCES)
        except Missing as why:
            print(f"SKIP: race: {why}")
            return 0
        try:
            for name in SERVERS:
                try:
                    results[name] = race(name, directory, web, rounds)
                except Missing as why:
                    print(f"SKIP: {name}: {why}")
        finally:
            web.stop()
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
