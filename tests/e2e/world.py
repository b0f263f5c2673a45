"""The daemon as its users meet it: files, the command line, DNS questions, signals, processes."""
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode

BUILD = pathlib.Path(os.environ.get("DNSFLIP_BUILD", "build/release")).resolve()
PROGRAM = str(BUILD / "dnsflip")
ZONE = "dr.example.test"
WAIT_S = 20
LOOK_S = 0.02


def wait_until(condition, what, limit_s=WAIT_S):
    """Returns the first true value of condition()."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {limit_s} s: {what}"
        time.sleep(LOOK_S)


def free_port(ip):
    """A port that is free for TCP and UDP now, and that no outgoing connection is given later."""
    first_given = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(1024, first_given)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((ip, port))
                udp.bind((ip, port))
                return port
            except OSError:
                continue


def hostnames(*deployments):
    ends = ("", "-api", "-remote")
    return [f"{d}{end}.airflow.{ZONE}" for d in deployments for end in ends]


class Site:
    """Addresses of one test and the configuration that goes with them."""
    numbers = itertools.count()

    def __init__(self, folder, network, tls=lambda: None):
        """tls: makes a server's context, for each cluster its own."""
        n = next(Site.numbers)
        self.net = f"127.{16 + os.getpid() % 200}.{n % 250}"
        self.folder, self.network = folder, network
        self.use1 = network.cluster(f"{self.net}.11", 0, tls=tls(), primary=True)
        self.usw2 = network.cluster(f"{self.net}.12", self.use1.port, tls=tls())
        self.elsewhere = [network.cluster(f"{self.net}.{i}", 0) for i in (13, 14)]
        self.dns = (f"{self.net}.53", free_port(f"{self.net}.53"))
        self.http = f"127.0.0.1:{free_port('127.0.0.1')}"
        self.scheme = "https" if self.use1.tls else "http"

    def group(self, name="prod", deployments=("sales", "risk"), mode="auto",
              promotion="not-needed", policy="fast", ttl="30s"):
        return f"""
  {name}:
    clusters: [use1, usw2]
    mode: {mode}
    single_vantage: accepted
    policy: {policy}
    provider: dns
    ttl: {ttl}
    promotion: {promotion}
    deployments: [{", ".join(deployments)}]
    endpoints:
      - {{ hostname: "{{deployment}}.airflow.{ZONE}", class: ui, probe: {{ kind: airflow }} }}
      - {{ hostname: "{{deployment}}-api.airflow.{ZONE}", class: api, probe: {{ kind: airflow }} }}
      - hostname: "{{deployment}}-remote.airflow.{ZONE}"
        class: remote-execution
        probe: {{ kind: http, path: /execution/health, json: {{ /status: healthy }} }}
"""

    def config(self, *groups, usw2=None, static="", min_outage="0s", probe="", extra=""):
        """The YAML text; static: lines of the zone's static records."""
        (self.folder / "static.zone").write_text(static)
        references = ", ".join(f'"tcp://{e.ip}:{e.port}"' for e in self.elsewhere)
        return f"""version: 1
node:
  name: test
  state_dir: {self.folder}/state
  control_socket: {self.folder}/s
  access: {{ admin: ["uid:{os.getuid()}"] }}
  http: {self.http}
references: [{references}]
clusters:
  use1: {{ region: us-east-1, target: {{ A: [{self.use1.ip}] }} }}
  usw2: {{ region: us-west-2, target: {{ A: [{usw2 or self.usw2.ip}] }} }}
providers:
  dns:
    kind: local
    listen: ["{self.dns[0]}:{self.dns[1]}"]
    zone: {ZONE}
    nameservers: {{ ns1.{ZONE}: [192.0.2.53] }}
    records: static.zone
policies:
  fast:
    interval: 1s
    fast_interval: 100ms
    timeout: 1s
    fall: 3
    rise: 2
    min_outage: {min_outage}
    startup_rounds: 1
    probe: {{ scheme: {self.scheme}, port: {self.use1.port}{probe} }}
{extra}groups:{"".join(groups or [self.group()])}"""


class Daemon:
    """`dnsflip run` on a configuration, and the command line beside it."""

    program = PROGRAM  # that is run; the command line is ours

    def __init__(self, site, text=None):
        self.site, self.folder = site, site.folder
        self.path = self.folder / "dnsflip.yaml"
        self.log = self.folder / "daemon.log"
        self.process = None
        self.write(text or site.config())

    def write(self, text):
        self.path.write_text(text)

    # ---- command line

    def cli(self, *words, timeout=60):
        return subprocess.run([PROGRAM, *words, "--config", str(self.path)], text=True,
                              capture_output=True, timeout=timeout, check=False)

    def run(self, *words, code=0):
        """Runs a command that must end with this exit code; returns what it printed."""
        done = self.cli(*words)
        said = done.stdout + done.stderr
        assert done.returncode == code, f"dnsflip {words}: exit {done.returncode}: {said}"
        return said

    def json(self, *words, code=0):
        done = self.cli(*words, "--json")
        assert done.returncode == code, f"dnsflip {words}: {done.returncode}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def status(self):
        return self.json("status")

    def call(self, method, **params):
        """The answer of the control socket to one call."""
        with socket.socket(socket.AF_UNIX) as link, link.makefile("rw") as lines:
            link.settimeout(WAIT_S)
            link.connect(str(self.folder / "s"))
            print(json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}),
                  file=lines, flush=True)
            return json.loads(lines.readline())

    def group(self, name="prod"):
        return next(g for g in self.status()["groups"] if g["name"] == name)

    def verdict(self, cluster, role="as_active", group="prod"):
        clusters = self.group(group)["clusters"]
        return next(c for c in clusters if c["name"] == cluster)[role]["verdict"]

    def journal_path(self):
        return self.folder / "state/journal.jsonl"

    def journal(self, **like):
        """Entries of the journal whose members have these values."""
        lines = self.journal_path().read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return [e for e in entries if all(e.get(k) == v for k, v in like.items())]

    # ---- processes

    def init(self, *words):
        self.run("init", *(words or ("--active", "use1")))

    def launch(self, *words):
        # Its own session: what a test kills is what it means to kill.
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self.program, "run", "--single-user", "--config", str(self.path), *words],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.process

    def start(self, *active, judged=True):
        """init, run, and wait until it answers and (judged) has seen both clusters well."""
        if not self.journal_path().exists():
            self.init(*active)
        self.launch()
        wait_until(self.is_serving, f"the daemon serves: {self.log}")
        if judged:
            wait_until(self.is_judged, "both clusters judged up, nothing in the way of a move")
        return self

    def is_serving(self):
        assert self.process.poll() is None, self.log.read_text()
        done = self.cli("status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["face"]["ready"]

    def is_judged(self):
        group = self.group()
        active = 0 if group["active"] == "use1" else 1
        clusters = group["clusters"]
        return (clusters[active]["as_active"]["verdict"] == "up" and not group["conditions"]
                and clusters[1 - active]["as_standby"]["verdict"] == "up")

    def children(self):
        """{"judge": pid, "face": pid} of those that run."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == self.process.pid and words:
                found["face" if b"dnsflip-face" in words.split(b"\0")[0] else "judge"] = int(entry.name)
        return found

    def kill(self, which):
        """kill -9; returns the pid that died."""
        pid = self.process.pid if which == "supervisor" else self.children()[which]
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self, number=signal.SIGTERM):
        """Ends it as a service manager would; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    # ---- answers

    def ask(self, name, kind="A", tcp=False, timeout=3):
        query = dns.message.make_query(name, kind, flags=0)
        way = dns.query.tcp if tcp else dns.query.udp
        return way(query, self.site.dns[0], port=self.site.dns[1], timeout=timeout)

    def address(self, name):
        """The address that name has, or the word of the rcode."""
        answer = self.ask(name)
        if answer.rcode() != dns.rcode.NOERROR:
            return dns.rcode.to_text(answer.rcode())
        return answer.answer[0][0].address if answer.answer else "NODATA"

    def addresses(self, names):
        return {self.address(name) for name in names}


class Asker:
    """Outside resolvers that ask for all names, over and over, from threads of their own."""

    def __init__(self, daemon, names, right, threads=3):
        self.right, self.wrong, self.lost, self.answered = set(right), [], [], 0
        self.last, self.changes = {}, {}  # by thread and name: what one asker saw, in order
        self.stopping = threading.Event()
        self.server, self.names = daemon.site.dns, names
        self.threads = [threading.Thread(target=self.go, args=(i,), daemon=True)
                        for i in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: self.answered > 50, "the asker's first answers")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(10)

    def go(self, seed):
        names = itertools.cycle(self.names[seed % len(self.names):] + self.names[:seed % len(self.names)])
        while not self.stopping.is_set():
            name = next(names)
            query = dns.message.make_query(name, "A", flags=0)
            try:
                answer = dns.query.udp(query, self.server[0], port=self.server[1], timeout=2)
            except (dns.exception.Timeout, OSError) as error:
                self.lost.append((name, repr(error)))
                continue
            address = answer.answer[0][0].address if answer.answer else dns.rcode.to_text(answer.rcode())
            self.answered += 1
            if address not in self.right or not answer.flags & dns.flags.AA:
                self.wrong.append((name, address))
            if self.last.get((seed, name)) != address:
                self.last[seed, name] = address
                self.changes.setdefault((seed, name), []).append(address)

    def goes_on(self, answers=200):
        """Waits for so many further answers."""
        target = self.answered + answers
        wait_until(lambda: self.answered >= target, "further answers")
