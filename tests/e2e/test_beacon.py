"""Goal: health checkers of others learn from the face which cluster is active, whatever else goes on."""
import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from aws_account import EXAMPLE_KEY
from route53_emulator import Route53
from route53_zone import Zone
from world import ZONE, free_port, wait_until

REQUEST_BYTES = 1024
CONNECTIONS = 512
NAME = f"sales.airflow.{ZONE}"


@pytest.fixture
def beacon(site):
    return site.net + ".80", free_port(site.net + ".80")


def configuration(site, beacon, *groups, provider="checks", extra=""):
    text = site.config(*(g.replace("provider: dns", f"provider: {provider}") for g in groups or [site.group()]))
    return text.replace("policies:", f"""  checks:
    kind: beacon
    listen: ["{beacon[0]}:{beacon[1]}"]
{extra}policies:""", 1)


def connect(beacon):
    link = socket.create_connection(beacon, timeout=20)
    return link


def read_all(link):
    got = b""
    while piece := link.recv(4096):
        got += piece
    return got.decode()


def ask_raw(beacon, data):
    with connect(beacon) as link:
        link.sendall(data)
        return read_all(link)


def ask(beacon, path, method="GET"):
    """(status, body, header fields)"""
    reply = ask_raw(beacon, f"{method} {path} HTTP/1.1\r\nHost: beacon\r\n\r\n".encode())
    head, body = reply.split("\r\n\r\n", 1)
    lines = head.split("\r\n")
    return int(lines[0].split()[1]), body, dict(line.split(": ", 1) for line in lines[1:])


def states(beacon, group="prod"):
    """{cluster: status}"""
    return {c: ask(beacon, f"/beacon/{group}/{c}")[0] for c in ("use1", "usw2")}


AT_USE1 = {"use1": 200, "usw2": 503}
AT_USW2 = {"use1": 503, "usw2": 200}


def switch(daemon, to, code=0):
    return daemon.run("switch", "prod", "--to", to, "--override", "destination-unknown", "--reason", "t", code=code)


def test_a_group_of_a_beacon_alone_is_moved_by_its_answers(site, make, beacon):
    daemon = make(site, configuration(site, beacon)).start()
    assert states(beacon) == AT_USE1
    status, body, fields = ask(beacon, "/beacon/prod/use1")
    assert status == 200 and re.fullmatch(r"dnsflip group=prod cluster=use1 state=active epoch=\d+\n", body)
    assert fields["Connection"] == "close" and fields["Cache-Control"] == "no-store"
    assert int(fields["Content-Length"]) == len(body)
    status, body, _ = ask(beacon, "/beacon/prod/usw2")
    assert status == 503 and " state=standby " in body
    assert ask(beacon, "/beacon/prod/use1", "HEAD")[:2] == (200, "")
    assert ask(beacon, "/beacon/prod/usw2", "HEAD")[:2] == (503, "")
    assert ask(beacon, "/beacon/prod/nowhere")[0] == 404
    assert ask(beacon, "/metrics")[0] == 404
    assert ask(beacon, "/beacon/prod/use1", "POST")[0] == 405
    # The names are in nobody's zone here.
    assert daemon.address(NAME) == "NXDOMAIN"
    plan = daemon.json("plan", "prod", "--to", "usw2")
    assert "/beacon/prod/usw2 answers 200" in plan["steps"][0]["text"]
    switch(daemon, "usw2")
    assert states(beacon) == AT_USW2
    epoch = daemon.json("operation", "list")["operations"][0]["epoch"]
    assert f" epoch={epoch}\n" in ask(beacon, "/beacon/prod/usw2")[1]


def test_one_store_moves_names_and_beacon_together(site, make, beacon):
    daemon = make(site, configuration(site, beacon, provider="[dns, checks]")).start()
    assert states(beacon) == AT_USE1 and daemon.address(NAME) == site.use1.ip
    switch(daemon, "usw2")
    assert states(beacon) == AT_USW2 and daemon.address(NAME) == site.usw2.ip
    plan = daemon.json("plan", "prod", "--to", "use1")
    assert len(plan["steps"]) == 1


def test_what_is_no_request_is_refused_and_the_connection_closed(site, make, beacon):
    make(site, configuration(site, beacon)).start(judged=False)
    assert ask_raw(beacon, b"hello\r\n\r\n").startswith("HTTP/1.1 400 ")
    assert ask_raw(beacon, b"GET / HTTP/1.1\r\nX: " + b"x" * REQUEST_BYTES).startswith("HTTP/1.1 431 ")
    assert ask_raw(beacon, b"GET /beacon/prod/use1 HTTP/1.0\r\n\r\n" + b"x" * 500).startswith("HTTP/1.1 200 ")


def test_a_slow_checker_is_cut_and_holds_up_nobody(site, make, beacon):
    daemon = make(site, configuration(site, beacon, provider="[dns, checks]")).start(judged=False)
    slow = [connect(beacon) for _ in range(50)]
    for link in slow:
        link.sendall(b"GET /beacon/pr")
    assert states(beacon) == AT_USE1 and daemon.address(NAME) == site.use1.ip
    for link in slow:
        assert link.recv(100) == b""
        link.close()
    with connect(beacon) as silent:
        assert silent.recv(100) == b""
    wait_until(lambda: metric(daemon, "dnsflip_beacon_cut_total") >= 51, "all are counted")


def metric(daemon, name):
    with socket.create_connection(daemon.site.http.split(":"), timeout=20) as link:
        link.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        found = re.search(rf"^{name} (\d+)", read_all(link), re.MULTILINE)
        return int(found[1]) if found else None


def test_past_its_limit_the_oldest_connection_makes_room(site, make, beacon):
    daemon = make(site, configuration(site, beacon)).start(judged=False)
    first = connect(beacon)
    others = [connect(beacon) for _ in range(CONNECTIONS)]
    assert ask(beacon, "/beacon/prod/use1")[0] == 200
    assert first.recv(1) == b""
    assert metric(daemon, "dnsflip_beacon_cut_total") >= 1
    assert metric(daemon, "dnsflip_beacon_active_total") == 1
    for link in [first, *others]:
        link.close()


def test_it_answers_while_the_judge_is_stopped_or_dead(site, make, beacon):
    daemon = make(site, configuration(site, beacon)).start()
    switch(daemon, "usw2")
    judge = daemon.children()["judge"]
    os.kill(judge, signal.SIGSTOP)
    assert states(beacon) == AT_USW2
    os.kill(judge, signal.SIGKILL)
    assert states(beacon) == AT_USW2
    wait_until(lambda: daemon.children().get("judge") not in (None, judge), "another judge")
    wait_until(daemon.is_serving, "the next judge serves")
    assert states(beacon) == AT_USW2


def test_a_new_face_and_a_restart_answer_with_what_was_journalled(site, make, beacon):
    daemon = make(site, configuration(site, beacon)).start()
    switch(daemon, "usw2")
    daemon.kill("face")
    assert states(beacon) == AT_USW2  # whoever connected meanwhile has waited in the socket
    wait_until(daemon.is_serving, "the new face is known")
    daemon.kill("supervisor")
    daemon.process.wait()
    daemon.start(judged=False)
    assert states(beacon) == AT_USW2


def test_a_reload_adds_a_group_and_moves_none(site, make, beacon):
    other = site.group("east", deployments=("ops",))
    daemon = make(site, configuration(site, beacon)).start()
    switch(daemon, "usw2")
    assert ask(beacon, "/beacon/east/use1")[0] == 404
    daemon.write(configuration(site, beacon, site.group(), other))
    daemon.run("reload")
    assert states(beacon) == AT_USW2
    status, body, _ = ask(beacon, "/beacon/east/use1")
    assert status == 503 and " state=unadopted " in body
    daemon.run("adopt", "east", "--active", "use1")
    wait_until(lambda: states(beacon, "east") == AT_USE1, "the group is served")
    daemon.write(configuration(site, beacon, site.group(), other).replace(f":{beacon[1]}", ":1"))
    assert "takes a restart" in daemon.run("reload", code=1)
    assert states(beacon) == AT_USW2


def test_an_upgrade_hands_the_listener_over(site, make, beacon):
    daemon = make(site, configuration(site, beacon)).start()
    switch(daemon, "usw2")
    face = daemon.children()["face"]
    daemon.run("upgrade")
    assert daemon.children()["face"] != face
    assert states(beacon) == AT_USW2


def test_a_layout_in_which_silence_leaves_an_active_primary_is_refused_unless_accepted(site, make, beacon):
    daemon = make(site, configuration(site, beacon, extra="    inverted: false\n"))
    said = daemon.run("check", code=1)
    assert "silence would move traffic to the secondary while the primary is active" in said
    daemon.write(configuration(site, beacon, extra="    inverted: false\n    silence: accepted\n"))
    said = daemon.run("check")
    assert "names leave use1 for usw2 while use1 is active, and stay with usw2 after a flip to it" in said
    daemon.write(configuration(site, beacon))
    said = daemon.run("check")
    assert "silence moves traffic: names stay with use1 while it is active, and after a flip to usw2 go back" in said


# ---- Route 53 ------------------------------------------------------------------------------------

HOSTED = "Z1EXAMPLE"
PUBLIC = "203.0.113.53"  # where the script is told that checkers come to; the test's are on loopback

# As much of the aws command line as the script uses.
AWS = """#!{python}
import json, sys
import boto3
words = dict(zip(sys.argv[3::2], sys.argv[4::2]))
api = boto3.client("route53", "us-east-1", endpoint_url="{url}", aws_access_key_id="{key[0]}", aws_secret_access_key="{key[1]}")
if sys.argv[1:3] == ["route53", "create-health-check"]:
    assert (words["--query"], words["--output"]) == ("HealthCheck.Id", "text")
    made = api.create_health_check(CallerReference=words["--caller-reference"],
                                   HealthCheckConfig=json.loads(words["--health-check-config"]))
    print(made["HealthCheck"]["Id"])
elif sys.argv[1:3] == ["route53", "change-resource-record-sets"]:
    assert words["--change-batch"] == "file:///dev/stdin"
    api.change_resource_record_sets(HostedZoneId=words["--hosted-zone-id"], ChangeBatch=json.load(sys.stdin))
else:
    sys.exit(f"not known here: {{sys.argv}}")
"""


@pytest.fixture
def route53(site):
    with Route53([Zone(HOSTED, ZONE)], dns=(site.net + ".54", free_port(site.net + ".54"))) as made:
        yield made


def set_up(daemon, route53, beacon, folder):
    """Runs what beacon-setup prints."""
    script = daemon.run("beacon-setup", "prod", "--address", f"{PUBLIC}:{beacon[1]}").replace(PUBLIC, beacon[0])
    (folder / "aws").write_text(AWS.format(python=sys.executable, url=route53.url, key=EXAMPLE_KEY))
    (folder / "aws").chmod(0o755)
    subprocess.run(["sh", "-c", script], check=True, timeout=60,
                   env={"PATH": f"{folder}:{os.environ['PATH']}", "ZONE": HOSTED, "WAIT": "0"})


def test_route_53_follows_a_flip_and_the_flip_ends_when_its_name_servers_do(site, make, beacon, route53, folder):
    servers = "{}:{}".format(*route53.name_servers.address)
    daemon = make(site, configuration(site, beacon, extra=f'    nameservers: ["{servers}"]\n')).start()
    set_up(daemon, route53, beacon, folder)
    names = [f"{d}{end}.airflow.{ZONE}" for d in ("sales", "risk") for end in ("", "-api", "-remote")]

    def answered():
        route53.probe_health()
        return {tuple(route53.values(name)) for name in names}

    assert answered() == {(site.use1.ip,)}
    operation = json.loads(daemon.cli("switch", "prod", "--to", "usw2", "--json", "--override", "destination-unknown",
                                      "--reason", "t").stdout)["operation"]
    assert daemon.json("operation", "show", operation)["state"] == "verifying"
    assert {tuple(route53.values(name)) for name in names} == {(site.use1.ip,)}  # no checker has come by yet
    assert answered() == {(site.usw2.ip,)}
    daemon.run("operation", "wait", operation, "--wait", "converged")
    # Nobody answers any more: traffic goes back, as check has said.
    daemon.stop()
    assert answered() == {(site.use1.ip,)}


def test_setup_says_what_does_not_fit(site, make, beacon):
    daemon = make(site, configuration(site, beacon))
    assert "no listen address of the beacon is" in daemon.run("beacon-setup", "prod", code=1)
    assert "is no address of the public internet" in daemon.run("beacon-setup", "prod", "--address", "10.1.2.3", code=1)
    assert "is not an address like" in daemon.run("beacon-setup", "prod", "--address", "here", code=64)
    assert "there is no group west" in daemon.run("beacon-setup", "west", "--address", PUBLIC, code=1)
    daemon.write(configuration(site, beacon, provider="dns"))
    assert "has no provider of kind beacon" in daemon.run("beacon-setup", "prod", "--address", PUBLIC, code=1)
    daemon.write(configuration(site, beacon).replace(f"A: [{site.usw2.ip}]", f'A: [{site.usw2.ip}], AAAA: ["2001:db8::1"]'))
    assert "has a kind of record in use1 or usw2 alone" in daemon.run("beacon-setup", "prod", "--address", PUBLIC, code=1)


def test_a_beacon_and_records_moved_by_the_api_are_refused_for_one_group(site, make, beacon):
    text = configuration(site, beacon, provider="[checks, api]")
    for routing, why in (("failover", "keep their health check"), ("simple", "failover pairs, beside which")):
        api = f"  api: {{ kind: route53, zones: [{HOSTED}], routing: {routing} }}\npolicies:"
        said = make(site, text.replace("policies:", api, 1)).run("check", code=1)
        assert "groups.prod: providers checks (beacon) and api (route53) would undo each other" in said and why in said


@pytest.fixture
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", EXAMPLE_KEY[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", EXAMPLE_KEY[1])
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_in_route_53_is_held_against_the_beacon(site, make, beacon, route53, folder, credentials):
    text = configuration(site, beacon, extra="    records: hosted\n").replace(
        "policies:", f"  hosted: {{ kind: route53, zones: [{HOSTED}], endpoint: \"{route53.url}\" }}\npolicies:", 1)
    daemon = make(site, text)
    # Nothing has been made yet.
    said = daemon.run("beacon-check", "prod", code=6)
    assert f"{NAME} A: there is no PRIMARY record" in said and f"{NAME} A: there is no SECONDARY record" in said
    set_up(daemon, route53, beacon, folder)
    assert "6 names of prod: records and health checks fit its beacon" in daemon.run("beacon-check", "prod")
    assert daemon.json("beacon-check", "prod") == {"group": "prod", "health_checks": 1, "findings": []}
    check_id, (_, config) = next(iter(route53.checks.items()))

    def findings(**changed):
        """With the health check changed so."""
        before = dict(config)
        config.update(changed)
        try:
            return "\n".join(daemon.json("beacon-check", "prod", code=6)["findings"])
        finally:
            config.clear()
            config.update(before)

    assert f"{NAME} A: its health checks do not follow the beacon" in findings(Inverted="false")
    said = findings(Inverted="false", ResourcePath="/beacon/prod/use1")
    assert f"{NAME} A: silence would move it to usw2 while use1 is active" in said
    assert "asks for no beacon of group prod" in findings(ResourcePath="/beacon/east/usw2")
    assert "is disabled, which is always healthy" in findings(Disabled="true")
    assert "is of type HTTP: any answer of any server would do" in findings(Type="HTTP")
    assert 'looks for "dnsflip group=prod", which does not tell' in findings(SearchString="dnsflip group=prod")
    assert "needs 300 s to see a flip (10 checks, one every 30 s)" in findings(FailureThreshold="10", RequestInterval="30")
    # A target that is not what a flip would need.
    daemon.write(text.replace(site.usw2.ip, f"{site.net}.99"))
    said = daemon.run("beacon-check", "prod", code=6)
    assert f"{NAME} A SECONDARY is {site.usw2.ip}" in said and f"should be {site.net}.99" in said
    # What cannot be read is an error, not a finding.
    route53.checks.pop(check_id)
    assert f"health check {check_id}" in daemon.run("beacon-check", "prod", code=1)
    daemon.write(configuration(site, beacon))
    assert "providers.checks.records does not say" in daemon.run("beacon-check", "prod", code=1)
