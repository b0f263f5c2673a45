"""Goal: another version takes over while everybody goes on asking; one that cannot is refused in words."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading

import dns.message
import pytest

from dns_peers import environment, unpack
from world import BUILD, Asker, hostnames, wait_until

NAMES = hostnames("sales", "risk")
PROGRAMS = ("dnsflip", "dnsflip-face")
VIEW = b"FLIP_VW1"
VERSION = pathlib.Path(__file__).parents[2].joinpath("VERSION").read_text().strip()


def other_version(last):
    """One as long as ours: it is written over ours in the executables."""
    return VERSION[:-1] + last


def install(folder, version=VERSION, programs=PROGRAMS, view=None):
    """As a package manager does: each file whole under another name, then renamed over the old one.
    view: the word that its views begin with, if another than ours."""
    folder.mkdir(exist_ok=True)
    for name in programs:
        made = folder / f"{name}.new"
        shutil.copy(BUILD / name, made)
        whole = made.read_bytes()
        if view and VIEW not in whole:
            pytest.skip("the word that views begin with is not in the program in one piece")
        made.write_bytes(whole.replace(VERSION.encode(), version.encode()).replace(VIEW, view or VIEW))
        made.rename(folder / name)


def stand_in(folder, said, code=0):
    """Installs a dnsflip that says this and nothing else."""
    made = folder / "dnsflip.new"
    source = f'#include <stdio.h>\nint main(void) {{ puts("{said}"); return {code}; }}\n'
    subprocess.run(["cc", "-x", "c", "-", "-o", made], input=source, text=True, check=True)
    made.rename(folder / "dnsflip")


def say_formats(version, known):
    return " ".join(["dnsflip", version] + [f"{name}={number}" for name, number in known.items()])


class TcpAsker:
    """One that keeps its connection and asks the next question when it has the answer; a server may
    close a connection between two, and is then connected to again (RFC 7766, 6.2.4)."""

    def __init__(self, daemon, name, right):
        self.server, self.name, self.right = daemon.site.dns, name, right
        self.answered, self.closed, self.wrong = 0, 0, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.go, daemon=True)

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.answered > 50, "the first answers by TCP")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(10)

    def go(self):
        while not self.stopping.is_set():
            with socket.create_connection(self.server, timeout=5) as link:
                try:
                    while not self.stopping.is_set() and self.turn(link):
                        pass
                except OSError as error:
                    self.wrong.append(repr(error))
                self.closed += 1

    def turn(self, link):
        """False if the connection was closed in order, before this question was taken up."""
        query = dns.message.make_query(self.name, "A", flags=0)
        wire = query.to_wire()
        try:
            link.sendall(struct.pack("!H", len(wire)) + wire)
            head = link.recv(2, socket.MSG_WAITALL)
        except (BrokenPipeError, ConnectionResetError):
            return False
        if not head:
            return False
        answer = dns.message.from_wire(link.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL))
        if not query.is_response(answer) or answer.answer[0][0].address != self.right:
            self.wrong.append(answer.to_text())
        self.answered += 1
        return True

    def goes_on(self, answers=100):
        target = self.answered + answers
        wait_until(lambda: self.answered >= target, "further answers by TCP")


@pytest.fixture
def installed(site, make):
    """A daemon that runs from a folder of its own, where another version can be put."""
    folder = site.folder / "bin"
    install(folder)
    daemon = make(site)
    daemon.bin, daemon.program = folder, str(folder / "dnsflip")
    return daemon.start()


def runs(daemon):
    return daemon.json("version")["daemon"]


def refused(daemon, *words):
    """An upgrade that must be refused, all these words in what is said; nothing has changed."""
    before, children = runs(daemon), daemon.children()
    said = daemon.run("upgrade", code=1)
    for word in words:
        assert word in said, said
    assert daemon.children() == children
    assert runs(daemon) == before
    assert re.search("refused, nothing has changed|not upgraded", daemon.log.read_text())
    return said


def test_upgrades_lose_no_query(installed):
    """Goal: version after version, and every question has its answer, by UDP and by TCP."""
    address = installed.site.use1.ip
    with Asker(installed, NAMES, {address}) as udp, TcpAsker(installed, NAMES[0], address) as tcp:
        for i in range(5):
            before = installed.children()
            version = other_version("abcde"[i])
            install(installed.bin, version)
            said = installed.run("upgrade")
            assert version in said
            assert runs(installed)["version"] == version
            after = installed.children()
            assert before["judge"] != after["judge"] and before["face"] != after["face"]
            assert len(after) == 2
            udp.goes_on()
            tcp.goes_on()
    assert not udp.wrong and not udp.lost
    assert not tcp.wrong
    assert installed.process.poll() is None
    assert runs(installed)["upgrades"] == 5


def test_upgrades_under_load_lose_no_query(installed):
    """Goal: dnsperf counts every question and every answer."""
    unpack("dnsperf")
    questions = installed.folder / "questions"
    questions.write_text("".join(f"{name} A\n" for name in NAMES))
    ip, port = installed.site.dns
    command = ["dnsperf", "-s", ip, "-p", str(port), "-d", str(questions), "-c", "8", "-q", "200", "-Q", "4000",
               "-l", "120", "-t", "5"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as load:
        wait_until(lambda: asked(installed) > 2000, "dnsperf asks")
        for i in range(5):
            install(installed.bin, other_version("abcde"[i]))
            installed.run("upgrade")
            # Its own count: each face has to carry the load, however quick the upgrades are.
            wait_until(lambda: asked(installed) > 1000, "the new face is asked")
        load.send_signal(signal.SIGINT)  # it waits for what it has asked, and counts
        said = load.communicate()[0]
    numbers = dict(re.findall(r"Queries (sent|completed|lost): +([0-9]+)", said))
    assert int(numbers["sent"]) > 5000, said
    assert numbers["lost"] == "0", said
    assert re.search(r"Response codes: +NOERROR [0-9]+ \(100.00%\)", said), said


def asked(daemon):
    return daemon.status()["face"]["counts"]["udp_queries"]


def test_what_was_flipped_stays_flipped_and_flips_go_on(installed):
    """Goal: the new version knows all, and decides."""
    installed.run("failover", "prod", "--reason", "test")
    installed.run("hold", "prod", "--reason", "maintenance")
    install(installed.bin, other_version("x"))
    installed.run("upgrade")
    assert installed.addresses(NAMES) == {installed.site.usw2.ip}
    assert installed.group()["hold"]["reason"] == "maintenance"
    installed.run("release", "prod")
    installed.run("rejoin", "use1")
    installed.run("switch", "prod", "--to", "use1", "--override", "destination-unknown",
                  "--override", "block", "--reason", "test")
    assert installed.addresses(NAMES) == {installed.site.use1.ip}


def test_a_version_with_views_of_its_own_takes_over(installed):
    """Goal: the old face answers until the new judge has made what the new face can read."""
    with Asker(installed, NAMES, {installed.site.use1.ip}) as asker:
        for i, view in enumerate((b"FLIP_VW2", b"FLIP_VW3", VIEW)):
            install(installed.bin, other_version("xyz"[i]), view=view)
            installed.run("upgrade")
            asker.goes_on()
    assert not asker.wrong and not asker.lost
    log = installed.log.read_text()
    assert log.count("the new face cannot read the pair that is served") == 3
    assert log.count("the old face has left") == 3
    installed.run("failover", "prod", "--reason", "test", "--override", "destination-unknown")
    assert installed.addresses(NAMES) == {installed.site.usw2.ip}


def test_the_same_version_takes_over_from_itself(installed):
    """Goal: a new library under the same program is taken up too; JSON tells it."""
    done = installed.json("upgrade")
    assert done["from"] == done["to"] == VERSION
    assert runs(installed)["upgrades"] == 1


def test_a_signal_upgrades_too(installed):
    """Goal: a service manager's way, also if it sends it to all processes."""
    with Asker(installed, NAMES, {installed.site.use1.ip}) as asker:
        install(installed.bin, other_version("x"))
        for pid in (*installed.children().values(), installed.process.pid):
            os.kill(pid, signal.SIGUSR2)
        wait_until(lambda: other_version("x") in installed.cli("version").stdout, "the new version")
        asker.goes_on()
    assert not asker.wrong and not asker.lost


def test_a_signal_upgrades_where_no_judge_lives(installed):
    """Goal: a version whose judge does not start is replaced by one whose judge does."""
    text = installed.path.read_text()
    installed.write(text + "\nnonsense: true\n")
    os.kill(installed.children()["judge"], signal.SIGKILL)
    wait_until(lambda: "ended with exit code 1" in installed.log.read_text(), "a judge that does not start")
    assert "SIGUSR2 to its first process" in installed.run("upgrade", code=1)
    installed.write(text)
    install(installed.bin, other_version("x"))
    installed.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: f"version {other_version('x')} has taken over" in installed.log.read_text(), "the new one")
    wait_until(installed.is_serving, "a judge that starts")
    assert runs(installed)["version"] == other_version("x")


@pytest.mark.parametrize("name", ["journal", "hand-over", "protocol"])
def test_a_downgrade_is_refused(installed, name):
    """Goal: a version that cannot read what was written is named as that."""
    known = installed.json("version")["formats"]
    stand_in(installed.bin, say_formats(VERSION, known | {name: known[name] - 1}))
    refused(installed, "is a downgrade", f"the {name} format up to {known[name] - 1}")


def test_what_is_no_program_is_refused(installed):
    """Goal: half an installation, none, or a broken one never ends what runs."""
    program = installed.bin / "dnsflip"
    good = installed.bin / "good"
    shutil.copy(program, good)

    def put(make):
        made = installed.bin / "made"
        make(made)
        made.rename(program)

    put(lambda made: made.write_text("no program"))
    refused(installed, "is not an executable file")
    put(lambda made: (made.write_text("no program"), made.chmod(0o755)))
    refused(installed, "cannot execute")
    put(lambda made: (made.write_bytes(good.read_bytes()[:5000]), made.chmod(0o755)))
    refused(installed, "cannot take over")
    program.unlink()
    refused(installed, "No such file")
    stand_in(installed.bin, "hello")
    refused(installed, "does not say which formats it knows")
    stand_in(installed.bin, say_formats(VERSION, installed.json("version")["formats"]), code=3)
    refused(installed, "exit code 3")
    install(installed.bin, other_version("x"), programs=("dnsflip",))
    refused(installed, "both must be installed", other_version("x"))
    install(installed.bin)
    (installed.bin / "dnsflip-face").unlink()
    refused(installed, "dnsflip-face is neither in")
    install(installed.bin)
    installed.run("upgrade")


def test_an_upgrade_while_an_operation_runs_is_refused(site, make):
    """Goal: a promotion is not cut short; when it is over the new version may come."""
    hook = site.folder / "promote"
    hook.write_text(f"#!/bin/sh\n: >{site.folder}/begun\nwhile [ ! -e {site.folder}/go ]; do sleep 0.1; done\n")
    hook.chmod(0o755)
    site.usw2.primary = True
    proof = f'{{ kind: http, url: "http://{site.usw2.ip}:{site.usw2.port}/writable", json: {{ /writable: true }} }}'
    promotion = f"{{ command: [{hook}], timeout: 60s, proof: {proof} }}"
    install(site.folder / "bin")
    daemon = make(site, site.config(site.group(mode="observe", promotion=promotion)))
    daemon.bin, daemon.program = site.folder / "bin", str(site.folder / "bin/dnsflip")
    daemon.start(judged=False)
    daemon.run("failover", "prod", "--to", "usw2", "--reason", "test", "--wait", "accepted",
               "--override", "destination-unknown")
    wait_until((site.folder / "begun").exists, "the promotion has begun")
    refused(daemon, "an operation is running")
    (site.folder / "go").touch()
    wait_until(lambda: daemon.addresses(NAMES) == {site.usw2.ip}, "all names moved")
    wait_until(lambda: daemon.cli("upgrade").returncode == 0, "the new version")
    assert daemon.addresses(NAMES) == {site.usw2.ip}
    assert len(daemon.journal(kind="intent")) == 1


def test_a_configuration_that_the_new_version_cannot_load_is_refused(installed):
    """Goal: whatever would keep the new version from starting is said before the old one ends."""
    installed.write(installed.path.read_text() + "\nnonsense: true\n")
    refused(installed, "nonsense")


def test_a_file_that_was_edited_moves_no_name_by_an_upgrade(installed):
    """Goal: the new version answers what the old one answered; the difference waits."""
    text = installed.path.read_text()
    assert f"A: [{installed.site.use1.ip}]" in text
    installed.write(text.replace(f"A: [{installed.site.use1.ip}]", "A: [192.0.2.99]"))
    install(installed.bin, other_version("x"))
    installed.run("upgrade")
    assert installed.addresses(NAMES) == {installed.site.use1.ip}
    assert "RETARGET PENDING" in installed.run("status")


def test_an_edited_file_that_nothing_can_be_compared_with_is_refused(installed):
    """Goal: what would end the new judge's start is said by the check."""
    installed.write(installed.path.read_text().replace(f"A: [{installed.site.use1.ip}]", "A: [192.0.2.99]"))
    wait_until((installed.folder / "state/view").exists, "what is answered is kept")
    (installed.folder / "state/view").write_bytes(b"of another format")
    refused(installed, "the configuration was changed")


def test_kill_9_right_after_changes_no_answer(installed):
    """Goal: whoever dies is started again, of the new version."""
    address = installed.site.use1.ip
    with Asker(installed, NAMES, {address}) as asker:
        for which in ("judge", "face"):
            version = other_version(which[0])
            install(installed.bin, version)
            installed.run("upgrade")
            dead = installed.kill(which)
            wait_until(lambda w=which, d=dead: installed.children().get(w) not in (None, d), f"another {which}")
            asker.goes_on()
            wait_until(installed.is_serving, "it serves")
            assert runs(installed)["version"] == version
    assert not asker.wrong
    assert len(asker.lost) <= len(asker.threads)


MOMENTS = ["can take over", "takes over from", "has taken over from", "the new face answers", "the old face has left"]


@pytest.mark.parametrize("which", ["judge", "face"])
@pytest.mark.parametrize("sign", MOMENTS)
def test_kill_9_in_the_middle_changes_no_answer(installed, which, sign):
    """Goal: whoever dies at whatever moment, the service goes on, of the one version or the other."""
    with Asker(installed, NAMES, {installed.site.use1.ip}) as asker:
        install(installed.bin, other_version("x"))
        installed.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: sign in installed.log.read_text(), sign)
        for name, pid in installed.children().items():
            if name == which:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        asker.goes_on()
        wait_until(lambda: len(installed.children()) == 2 and installed.is_serving(), "both are there again")
        asker.goes_on()
    assert not asker.wrong
    assert len(asker.lost) <= len(asker.threads)
    installed.run("upgrade")
    assert runs(installed)["version"] == other_version("x")


@pytest.mark.parametrize("sign", MOMENTS)
def test_killing_the_supervisor_in_an_upgrade_leaves_nothing_behind(installed, sign):
    """Goal: whatever the moment, all end, and the next start answers the same."""
    installed.run("failover", "prod", "--reason", "test")
    children = installed.children()
    install(installed.bin, other_version("x"))
    installed.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: sign in installed.log.read_text(), sign)
    children |= {f"new {w}": pid for w, pid in installed.children().items()}
    installed.process.kill()
    installed.process.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/fd/0") for pid in children.values()), "all have ended")
    installed.launch()
    wait_until(installed.is_serving, "the next start serves")
    assert runs(installed)["version"] == other_version("x")
    assert installed.addresses(NAMES) == {installed.site.usw2.ip}


@pytest.mark.parametrize("sign", MOMENTS)
def test_a_stop_in_the_middle_ends_all(installed, sign):
    """Goal: SIGTERM is obeyed at any moment, with exit code 0 and nobody left."""
    children = installed.children()
    install(installed.bin, other_version("x"))
    installed.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: sign in installed.log.read_text(), sign)
    children |= {f"new {w}": pid for w, pid in installed.children().items()}
    assert installed.stop() == 0
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/fd/0") for pid in children.values()), "all have ended")
    assert not (installed.folder / "s").exists()
