"""Goal: the control socket and the command line keep their promises to programs and people."""
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from world import PROGRAM, WAIT_S, hostnames, wait_until

NAMES = hostnames("sales", "risk")


class Link:
    """One connection to the control socket."""

    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(str(daemon.folder / "s"))
        self.lines = self.socket.makefile("rb")

    def send(self, method, number=1, **params):
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def read(self):
        return json.loads(self.lines.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()


def test_errors_carry_code_rule_and_override(daemon):
    """Goal: -32000 minus the exit code; data for programs."""
    daemon.call("hold", group="prod", reason="maintenance", **{"for": "1h"})
    error = daemon.call("switch", group="prod", to="usw2")["error"]
    assert error["code"] == -32003
    assert error["data"] == {"rule": "operator-hold", "override": "operator-hold"}
    error = daemon.call("switch", group="prod", to="usw2", override="operator-holt")["error"]
    assert error["code"] == -32602 and 'did you mean "operator-hold"' in error["message"]
    error = daemon.call("swich", group="prod")["error"]
    assert error["code"] == -32601 and 'did you mean "switch"' in error["message"]
    error = daemon.call("explain", group="prood")["error"]
    assert error["code"] == -32001 and 'did you mean "prod"' in error["message"]


def test_rubbish_is_answered_and_the_connection_goes_on(daemon):
    """Goal: a line that is no request costs that line and nothing else."""
    with Link(daemon) as link:
        for rubbish in (b"{", b"[]", b"\xff\xfe", b"7", b'{"jsonrpc":"2.0","method":"status"}'):
            link.socket.sendall(rubbish + b"\n")
            assert link.read()["error"]["code"] in (-32700, -32600)
        link.send("version", number="x")
        answer = link.read()
        assert answer["id"] == "x" and answer["result"]["protocol"] == 1


def test_a_line_beyond_the_limit_ends_the_connection(daemon):
    """Goal: nobody makes the judge keep an endless line."""
    with Link(daemon) as link:
        link.socket.sendall(b"x" * 66000)
        assert "65536" in link.read()["error"]["message"]
        try:
            assert link.lines.readline() == b""
        except ConnectionResetError:
            pass
    assert daemon.call("version")["result"]


def test_many_requests_at_once_are_all_answered_in_time_for_others(daemon):
    """Goal: a client that sends and does not read waits for itself alone."""
    with Link(daemon) as greedy:
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "monitor"}).encode() + b"\n"
        greedy.socket.setblocking(False)
        sent = 0
        try:
            while sent < 20_000_000:
                sent += greedy.socket.send(request * 100)
        except BlockingIOError:
            pass
        start = time.monotonic()
        assert daemon.call("status")["result"]["groups"]
        assert time.monotonic() - start < 2
        greedy.socket.setblocking(True)
        greedy.socket.settimeout(WAIT_S)
        for _ in range(sent // len(request)):
            assert greedy.read()["result"]["groups"]


def test_the_sixty_fifth_client_is_told_why_not(daemon):
    """Goal: a limit that says its name; when one leaves there is room again."""
    links = [Link(daemon) for _ in range(64)]
    for link in links:
        link.send("version")
        assert "result" in link.read()
    for _ in range(20):  # refused before the request is sent, or after: both happen
        assert "64 clients are connected: the limit" in daemon.run("status", code=1)
    links.pop().__exit__()
    wait_until(lambda: daemon.cli("status").returncode == 0, "room for one more")
    for link in links:
        link.__exit__()


def test_subscribers_hear_what_happens_as_it_happens(daemon):
    """Goal: an event line for each durable entry, to each who asked."""
    with Link(daemon) as one, Link(daemon) as other:
        for link in (one, other):
            link.send("subscribe")
            assert link.read()["result"] == {"subscribed": True}
        daemon.run("hold", "prod", "--reason", "maintenance", "--for", "1h")
        for link in (one, other):
            event = link.read()
            assert event["method"] == "event" and event["params"]["kind"] == "hold"
            assert event["params"]["reason"] == "maintenance" and event["params"]["until"]


def test_wait_says_when_it_is_over_and_when_time_has_passed(daemon):
    """Goal: operation.wait ends at the level asked for, and at its timeout."""
    started = daemon.call("switch", group="prod", to="usw2")["result"]
    answer = daemon.call("operation.wait", operation=started["operation"], level="converged",
                         timeout="20s")["result"]
    assert answer["over"] and answer["reached"] and answer["operation"]["state"] == "done"
    assert answer["operation"]["asked"] == answer["operation"]["verified"] > 0
    assert "no operation" in daemon.call("operation.wait", operation="op-0")["error"]["message"]


def test_a_move_goes_on_when_the_judge_dies_while_its_client_waits(site, make):
    """Goal: the command asks again by itself, and nothing is done twice."""
    promotion = "{ command: [/bin/sleep, '2'], proof: { kind: http, url: " \
                f"\"http://{site.usw2.ip}:{site.usw2.port}/execution/health\" }} }}"
    daemon = make(site, site.config(site.group(mode="advise", promotion=promotion))).start(judged=False)
    wait_until(lambda: daemon.verdict("usw2", "as_standby") == "up", "usw2 is up")
    command = subprocess.Popen([PROGRAM, "switch", "prod", "--to", "usw2", "--config", str(daemon.path),
                                "--override", "source-unknown", "--reason", "test", "--wait", "converged"],
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_until(lambda: daemon.journal(kind="intent"), "the intent")
    daemon.kill("judge")
    said, _ = command.communicate(timeout=WAIT_S)
    assert command.returncode == 0, said
    assert len(daemon.journal(kind="intent")) == 1
    assert daemon.addresses(NAMES) == {site.usw2.ip}


def test_follow_goes_on_after_a_restart_of_the_judge(daemon):
    """Goal: `events --follow` in a terminal survives what the daemon survives."""
    out = daemon.folder / "events"
    with out.open("w") as file:
        command = subprocess.Popen([PROGRAM, "events", "--follow", "--json", "--config", str(daemon.path)],
                                   stdout=file, stderr=file)
    try:
        wait_until(lambda: '"verdict"' in out.read_text(), "the first events")
        daemon.kill("judge")
        wait_until(daemon.is_serving, "the next judge")
        daemon.run("hold", "prod", "--reason", "after")
        wait_until(lambda: '"hold"' in out.read_text(), "what happened after the restart")
    finally:
        command.kill()
        command.wait()
    seqs = [json.loads(line)["seq"] for line in out.read_text().splitlines()]
    assert seqs == sorted(set(seqs))


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
def test_roles_follow_uid_and_groups_and_the_next_reload(site, make):
    """Goal: read, operate and admin; an override is an admin's."""
    access = 'access: { admin: ["uid:0"], operate: ["uid:4711"], read: ["gid:4712"] }'
    text = re.sub(r"access: .*", access, site.config())
    daemon = make(site, text).start()
    # The socket is the group's own; here everybody may knock.
    os.chmod(daemon.folder / "s", 0o666)
    os.chmod(daemon.folder, 0o711)

    def ask(uid, groups, method, **params):
        code = f"""import json,os,socket
os.setgroups({groups}); os.setgid(4713); os.setuid({uid})
s = socket.socket(socket.AF_UNIX); s.connect("s")
s.sendall(json.dumps({{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params!r}}}).encode() + b"\\n")
print(s.makefile().readline())"""
        done = subprocess.run([sys.executable, "-c", code], cwd=daemon.folder, text=True,
                              capture_output=True, check=True)
        answer = json.loads(done.stdout)
        return answer.get("error", {}).get("message", "ok")

    assert "may not call status" in ask(4710, [], "status")
    assert ask(4710, [4712], "status") == "ok"
    assert "may not call hold" in ask(4710, [4712], "hold", group="prod", reason="x")
    assert ask(4711, [], "hold", group="prod", reason="x") == "ok"
    assert "may not call pause" in ask(4711, [], "pause", reason="x")
    said = ask(4711, [], "switch", group="prod", to="usw2", override="operator-hold", reason="x")
    assert "may not override" in said
    daemon.write(text.replace("uid:4711", "uid:4714"))
    daemon.run("reload")
    assert "may not call" in ask(4711, [], "release", group="prod")
    assert ask(4714, [], "release", group="prod") == "ok"
    assert {e["actor"] for e in daemon.journal(kind="release")} == {"uid:4714"}


def test_health_readiness_and_metrics_over_http(daemon):
    """Goal: three pages, valid text, GET and HEAD only."""
    def get(path, **how):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://{daemon.site.http}{path}", **how),
                                        timeout=WAIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    assert get("/healthz")[0] == 200
    wait_until(lambda: get("/readyz")[0] == 200, "readiness")
    assert get("/nowhere")[0] == 404
    assert get("/metrics", data=b"x")[0] in (405, 413)
    assert get("/metrics", method="HEAD") == (200, "")
    status, text = get("/metrics")
    assert status == 200
    families, samples = {}, set()
    for line in text.splitlines():
        if line.startswith("#"):
            _, word, name, rest = line.split(" ", 3)
            assert (word, name) not in families, f"{word} {name} twice"
            families[word, name] = rest
        else:
            found = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+', line)
            assert found, line
            assert ("TYPE", found[1]) in families and ("HELP", found[1]) in families
            assert line.rsplit(" ", 1)[0] not in samples
            samples.add(line.rsplit(" ", 1)[0])
    assert 'dnsflip_cluster_active{group="prod",cluster="use1"} 1' in text.splitlines()
    assert 'dnsflip_cluster_verdict{group="prod",cluster="use1",as="active",verdict="up"} 1' in text
    daemon.ask(NAMES[0])
    wait_until(lambda: int(re.search(r"^dnsflip_dns_udp_queries_total (\d+)$", get("/metrics")[1], re.M)[1])
               > 0, "the face's counter")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_scripts_are_complete_and_parse(shell, tmp_path):
    """Goal: what is printed is a script that names every command."""
    done = subprocess.run([PROGRAM, "completion", shell], text=True, capture_output=True, check=True)
    script = tmp_path / "script"
    script.write_text(done.stdout)
    for word in ("switch", "evacuate", "monitor", "--detailed-exitcode", "converged"):
        assert word in done.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n", str(script)], check=True)
        ask = f"source {script}; COMP_WORDS=(dnsflip operation ''); COMP_CWORD=2; _dnsflip; echo ${{COMPREPLY[*]}}"
        said = subprocess.run(["bash", "-c", ask], text=True, capture_output=True, check=True).stdout
        assert said.split() == ["list", "show", "wait", "cancel", "resume"]


def test_every_command_has_help_and_refuses_what_it_does_not_know(tmp_path):
    """Goal: --help for each line of the list; 64 and the nearest word for mistakes."""
    listed = subprocess.run([PROGRAM, "help"], text=True, capture_output=True, check=True).stdout
    commands = re.findall(r"^  ([a-z][a-z-]*(?: (?:list|show|wait|cancel|resume|verify|bash|zsh)\b)?)", listed, re.M)
    assert len(commands) >= 30
    for command in [c for c in commands if c not in ("help", "lab")]:
        done = subprocess.run([PROGRAM, *command.split(), "--help"], text=True, capture_output=True, check=False)
        assert done.returncode == 0 and done.stdout.startswith(f"usage: dnsflip {command.split()[0]}"), command
        done = subprocess.run([PROGRAM, *command.split(), "--jsonn"], text=True, capture_output=True,
                              check=False, cwd=tmp_path)
        assert done.returncode == 64 and done.stderr, command
    done = subprocess.run([PROGRAM, "swich"], text=True, capture_output=True, check=False)
    assert done.returncode == 64 and 'did you mean "switch"' in done.stderr


def test_a_client_that_has_sent_all_still_gets_its_answers(daemon):
    """Goal: `printf ... | nc -U` works: the end of the requests is not the end of the answers."""
    started = daemon.call("switch", group="prod", to="usw2")["result"]
    with Link(daemon) as link:
        for number in range(30):
            link.send("status", number=number)
        link.send("operation.wait", number=30, operation=started["operation"], level="converged")
        link.socket.shutdown(socket.SHUT_WR)
        assert sorted(link.read()["id"] for _ in range(31)) == list(range(31))
        assert link.lines.readline() == b""
