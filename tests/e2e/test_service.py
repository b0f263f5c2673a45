"""Goal: a service manager hears what sd_notify(3) promises, and the installed files are whole."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import dns.exception
import dns.rcode
import pytest

from world import BUILD, ZONE, hostnames, wait_until

NAMES = hostnames("sales", "risk")
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Manager:
    """The end of NOTIFY_SOCKET that a service manager has."""

    def __init__(self, name):
        self.name, self.heard = name, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0", 1))

    def await_line(self, start):
        """The first line from now on that starts so."""
        end = time.monotonic() + 60
        while True:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            lines = self.socket.recv(4096).decode().splitlines()
            self.heard += lines
            for line in lines:
                if line.startswith(start):
                    return line


@pytest.fixture(params=["path", "abstract"])
def manager(request, folder, monkeypatch):
    made = Manager(str(folder / "notify") if request.param == "path" else f"@dnsflip-{os.getpid()}-{folder.name}")
    monkeypatch.setenv("NOTIFY_SOCKET", made.name)
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    yield made
    made.socket.close()


def environment(pid):
    return pathlib.Path(f"/proc/{pid}/environ").read_bytes()


def test_start_reload_and_stop_are_told(manager, site, make):
    """Goal: READY when names answer and after an upgrade, RELOADING with its end, a refusal in words, STOPPING."""
    daemon = make(site)
    daemon.init()
    daemon.launch()
    manager.await_line("READY=1")
    assert daemon.addresses(NAMES) == {site.use1.ip}
    manager.await_line("WATCHDOG=1")
    manager.await_line("WATCHDOG=1")
    assert all(b"NOTIFY_SOCKET" not in environment(pid) for pid in daemon.children().values())

    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.process.send_signal(signal.SIGHUP)
    manager.await_line("RELOADING=1")
    usec = int(next(line for line in manager.heard if line.startswith("MONOTONIC_USEC=")).partition("=")[2])
    assert before <= usec <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.await_line("READY=1")

    daemon.process.send_signal(signal.SIGUSR2)
    manager.await_line("READY=1")
    manager.await_line("STATUS=answering; judging")
    manager.await_line("WATCHDOG=1")

    daemon.write(site.config().replace("fall: 3", "fal: 3"))
    daemon.process.send_signal(signal.SIGHUP)
    manager.await_line("RELOADING=1")
    manager.await_line("READY=1")
    assert "fal" in next(line for line in reversed(manager.heard) if line.startswith("STATUS="))

    assert daemon.stop() == 0
    manager.await_line("STOPPING=1")


def test_a_dead_judge_starves_no_watchdog(manager, site, make):
    """Goal: a watchdog that would end the answers is fed whatever the judge does."""
    daemon = make(site).start(judged=False)
    manager.await_line("READY=1")
    os.kill(daemon.children()["judge"], signal.SIGSTOP)
    for _ in range(4):
        manager.await_line("WATCHDOG=1")
    daemon.kill("judge")
    manager.await_line("STATUS=answering; no judge")
    for _ in range(4):
        manager.await_line("WATCHDOG=1")
    assert daemon.addresses(NAMES) == {site.use1.ip}


def test_a_face_that_hangs_is_replaced(daemon):
    """Goal: a stopped face is noticed and the next answers, with no judge in it."""
    stopped = daemon.children()["face"]
    os.kill(stopped, signal.SIGSTOP)
    wait_until(lambda: daemon.children().get("face") not in (None, stopped), "another face", limit_s=60)
    assert daemon.addresses(NAMES) == {daemon.site.use1.ip}
    assert "no sign of life" in daemon.log.read_text()


def answers(daemon):
    try:
        return daemon.address(NAMES[0])
    except (OSError, dns.exception.Timeout):
        return None


def test_threads_start_anew_under_the_filter(daemon):
    """Goal: a judge that wants other listen addresses needs no new face."""
    site, face = daemon.site, daemon.children()["face"]
    second = f"{site.net}.54"
    listen = f'["{site.dns[0]}:{site.dns[1]}"'
    daemon.write(site.config().replace(listen, f'{listen}, "{second}:{site.dns[1]}"'))
    daemon.kill("judge")
    site.dns = (second, site.dns[1])
    wait_until(lambda: answers(daemon), "the second address answers")
    assert daemon.address(NAMES[0]) == site.use1.ip
    assert daemon.ask(f"x.{ZONE}", tcp=True).rcode() == dns.rcode.NXDOMAIN
    assert daemon.children()["face"] == face
    assert re.search(r"^Seccomp:\s*2$", pathlib.Path(f"/proc/{face}/status").read_text(), re.M)


# ------------------------------------------------------------------ what is installed

@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A DESTDIR with what `make install` puts there."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "install", f"BUILD={BUILD}", f"DESTDIR={root}", "PREFIX=/usr"], cwd=ROOT,
                   env=os.environ | {"DEPS": "no"}, check=True, capture_output=True, text=True)
    return root


def need(program):
    if not shutil.which(program):
        pytest.skip(f"no {program}")


def test_the_installed_program_runs_and_finds_its_face(installed, site, make):
    """Goal: a package that unpacks this tree works."""
    program = installed / "usr/sbin/dnsflip"
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "VERSION").read_text().strip() in said
    daemon = make(site)
    daemon.program = str(program)
    daemon.start(judged=False)
    face = daemon.children()["face"]
    assert daemon.addresses(NAMES) == {site.use1.ip}
    assert os.readlink(f"/proc/{face}/exe") == str(installed / "usr/sbin/dnsflip-face")


def test_the_unit_is_hardened(installed):
    """Goal: what systemd-analyze calls its exposure is at most 2.0."""
    need("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--root={installed}", "--no-pager",
                           "dnsflip.service"], capture_output=True, text=True, check=False)
    if "Overall exposure" not in done.stdout:
        pytest.skip(f"this systemd-analyze cannot look at a unit offline: {done.stderr.strip()}")
    found = re.search(r"Overall exposure level for dnsflip.service: ([\d.]+)", done.stdout)
    assert float(found[1]) <= 2.0, done.stdout


def test_the_unit_has_no_word_that_systemd_does_not_know(installed):
    """Goal: no warning, and every program that it starts is there."""
    need("systemd-analyze")
    unit = (installed / "usr/lib/systemd/system/dnsflip.service").read_text()
    assert "@PREFIX@" not in unit
    for path in re.findall(r"^Exec\w+=\+?(\S+)", unit, re.M):
        assert os.access(f"{installed}{path}", os.X_OK)
    done = subprocess.run(["systemd-analyze", "verify", f"--root={installed}", "dnsflip.service"],
                          capture_output=True, text=True, check=False)
    known = ("sysinit.target not found", "Command 'man ")
    said = [line for line in done.stderr.splitlines() if not any(word in line for word in known)]
    assert not said


def test_users_and_directories_are_made(installed):
    """Goal: a judge that owns its state, and a face that owns nothing."""
    for program in ("systemd-sysusers", "systemd-tmpfiles"):
        need(program)
    if os.geteuid() != 0:
        pytest.skip("not root: users cannot be made")
    (installed / "etc").mkdir(exist_ok=True)
    for program, *words in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        subprocess.run([program, f"--root={installed}", *words], check=True, capture_output=True, text=True)
    users = dict(re.findall(r"^(dnsflip[\w-]*):x:(\d+)", (installed / "etc/passwd").read_text(), re.M))
    groups = dict(re.findall(r"^(dnsflip[\w-]*):x:(\d+)", (installed / "etc/group").read_text(), re.M))
    assert set(users) == {"dnsflip", "dnsflip-face"}
    for path, owner, mode in (("etc/dnsflip", 0, 0o750), ("var/lib/dnsflip", int(users["dnsflip"]), 0o750),
                              ("run/dnsflip", 0, 0o775)):
        found = (installed / path).stat()
        assert (found.st_uid, found.st_gid) == (owner, int(groups["dnsflip"]))
        assert found.st_mode & 0o7777 == mode


def test_what_was_installed_can_be_removed(installed, tmp_path):
    """Goal: nothing of ours is left."""
    root = tmp_path / "copy"
    shutil.copytree(installed, root, ignore=shutil.ignore_patterns("etc", "var", "run"))
    subprocess.run(["make", "-s", "uninstall", f"BUILD={BUILD}", f"DESTDIR={root}", "PREFIX=/usr"], cwd=ROOT,
                   check=True, capture_output=True)
    assert not [path for path in root.rglob("*") if path.is_file()]
