"""Goal: the installed unit works with every one of its restrictions, under a real systemd that runs in
namespaces of its own and starts nothing else."""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from test_service import ROOT, installed  # noqa: F401 (a fixture)
from world import wait_until

DNS = "127.0.0.1"
CONFIG = f"""version: 1
node:
  name: unit
  http: 127.0.0.1:9353
references: ["tcp://127.0.0.3:1", "tcp://127.0.0.4:1"]
clusters:
  use1: {{ target: {{ A: 127.0.0.11 }} }}
  usw2: {{ target: {{ A: 127.0.0.12 }} }}
providers:
  dns: {{ kind: local, listen: "{DNS}:53", zone: unit.test, nameservers: {{ ns1.unit.test: 192.0.2.53 }} }}
policies:
  quick: {{ interval: 2s, timeout: 1s, fall: 3 }}
groups:
  all:
    clusters: [use1, usw2]
    mode: advise
    promotion: {{ command: [/etc/dnsflip/promote.sh], timeout: 10s, scope: cluster,
                 proof: {{ kind: http, url: "http://127.0.0.1:9353/healthz" }} }}
    policy: quick
    probe: {{ kind: http, scheme: http, port: 1, path: / }}
    deployments: [sales]
    endpoints:
      - {{ hostname: "{{deployment}}.unit.test", class: ui }}
"""
CAPABILITIES = 0x4e0  # KILL, SETGID, SETUID, NET_BIND_SERVICE


def cgroup():
    """A cgroup of the test's own, below where version 2 is mounted."""
    found = re.search(r"^\S+ (\S+) cgroup2 ", pathlib.Path("/proc/mounts").read_text(), re.M)
    if not found:
        pytest.skip("no cgroup2 is mounted")
    made = pathlib.Path(found[1]) / f"dnsflip-test-{os.getpid()}"
    try:
        made.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made: {error}")
    return made


class Machine:
    """What runs under that systemd."""

    def __init__(self, installed_root, folder, group):
        config = folder / "dnsflip.yaml"
        config.write_text(CONFIG)
        self.log, self.group = folder / "boot.log", group
        flags = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup", "--kill-child"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", *flags, str(ROOT / "tests/support/systemd.sh"), str(installed_root), str(folder),
                 str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=self.enter)

    def enter(self):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        (self.group / "cgroup.procs").write_text("0")

    def init(self):
        """The pid of its process 1 as this side sees it."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children or pathlib.Path(f"/proc/{children[0]}/comm").read_text() != "systemd\n":
            return None
        return children[0]

    def run(self, *words):
        enter = ["nsenter", "-t", self.init(), "-m", "-p", "-u", "-i", "-n", "-C", "--root", "--wd=/"]
        return subprocess.run([*enter, *words], text=True, capture_output=True, timeout=60, check=False)

    def show(self, name):
        return self.run("systemctl", "show", "dnsflip", "-p", name, "--value").stdout.strip()

    def is_up(self):
        if self.process.poll() is not None:
            assert "mounted" not in self.log.read_text(), self.log.read_text()
            pytest.skip(f"no systemd can be started here: {self.log.read_text().strip()[-300:]}")
        return self.init() and self.run("systemctl", "list-jobs").returncode == 0

    def processes(self):
        """{comm: {key: value of /proc/PID/status}}"""
        pids = self.run("systemctl", "show", "dnsflip", "-p", "ControlGroup", "--value").stdout.strip()
        listed = (self.group / pids.strip("/") / "cgroup.procs").read_text().split()
        found = {}
        for pid in listed:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            name = "face" if b"dnsflip-face" in words else "judge" if b"judge-process" in words else "supervisor"
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            found[name] = dict(re.findall(r"^(\w+):\s+(\S+)", status, re.M))
        return found

    def stop(self):
        self.process.kill()
        self.process.wait()
        wait_until(lambda: "populated 0" in (self.group / "cgroup.events").read_text(), "all of it is gone")
        for path, _, _ in os.walk(self.group, topdown=False):
            os.rmdir(path)


@pytest.fixture
def machine(installed, folder):  # noqa: F811
    if os.geteuid() != 0:
        pytest.skip("not root: no systemd can be started")
    for program in ("unshare", "nsenter", "systemctl", "ip"):
        if not shutil.which(program):
            pytest.skip(f"no {program}")
    made = Machine(installed, folder, cgroup())
    try:
        wait_until(made.is_up, "systemd answers", limit_s=60)
        yield made
    finally:
        made.stop()


def log_of(machine):
    return machine.run("journalctl", "--no-pager", "-u", "dnsflip").stdout


def test_the_unit_works_with_all_its_restrictions(machine):
    """Goal: users, capabilities and filters as promised; reload, upgrade, watchdog and stop work under it."""
    wait_until(lambda: machine.show("SubState") == "running" or machine.show("Result") != "success",
               "the service is ready", limit_s=60)
    assert machine.show("SubState") == "running", log_of(machine)
    assert machine.show("StatusText") == "answering; judging"
    main = machine.show("MainPID")

    found = machine.processes()
    assert found["supervisor"]["Uid"] == found["judge"]["Uid"] != found["face"]["Uid"]
    assert int(found["supervisor"]["CapEff"], 16) == CAPABILITIES
    for name in ("judge", "face"):
        assert int(found[name]["CapEff"], 16) == 0
    for each in found.values():
        assert each["NoNewPrivs"] == "1" and each["Seccomp"] == "2" and each["Uid"] != "0"
    assert int(found["face"]["Seccomp_filters"]) == int(found["judge"]["Seccomp_filters"]) + 1

    assert machine.run("systemctl", "reload", "dnsflip").returncode == 0, log_of(machine)
    machine.run("sed", "-i", "s/fall: 3/fal: 3/", "/etc/dnsflip/dnsflip.yaml")
    assert machine.run("systemctl", "reload", "dnsflip").returncode != 0
    assert "fal" in machine.show("StatusText")
    machine.run("sed", "-i", "s/fal: 3/fall: 3/", "/etc/dnsflip/dnsflip.yaml")
    assert machine.run("systemctl", "kill", "--kill-whom=main", "-s", "HUP", "dnsflip").returncode == 0
    wait_until(lambda: machine.show("StatusText") == "answering; judging", "the reload by SIGHUP")

    moved = machine.run("dnsflip", "failover", "all", "--to", "usw2", "--reason", "test")
    assert moved.returncode == 0, moved.stderr + log_of(machine)
    hook = machine.run("cat", "/var/lib/dnsflip/promoted").stdout
    assert re.search(rf"^Uid:\t{found['judge']['Uid']}\t", hook, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", hook, re.M) and re.search(r"^CapEff:\t0+$", hook, re.M)

    upgraded = machine.run("dnsflip", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr + log_of(machine)
    wait_until(lambda: machine.show("StatusText") == "answering; judging", "the new program")
    assert machine.show("MainPID") == main
    assert int(machine.processes()["supervisor"]["CapEff"], 16) == CAPABILITIES

    assert machine.run("systemctl", "stop", "dnsflip").returncode == 0
    assert (machine.show("SubState"), machine.show("Result")) == ("dead", "success")
    assert "SIGSYS" not in log_of(machine)


def test_a_hung_supervisor_is_restarted_by_the_watchdog(machine):
    """Goal: what cannot feed its watchdog is started again, and serves."""
    wait_until(lambda: machine.show("SubState") == "running", "the service is ready", limit_s=60)
    machine.run("mkdir", "-p", "/run/systemd/system/dnsflip.service.d")
    machine.run("sh", "-c", "printf '[Service]\\nWatchdogSec=3\\n' >/run/systemd/system/dnsflip.service.d/short.conf")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "dnsflip")
    wait_until(lambda: machine.show("SubState") == "running", "the service is ready again")
    main = machine.show("MainPID")
    machine.run("kill", "-STOP", main)
    wait_until(lambda: machine.show("MainPID") not in ("0", main) and machine.show("SubState") == "running",
               "another supervisor", limit_s=60)
    assert machine.show("NRestarts") == "1"
