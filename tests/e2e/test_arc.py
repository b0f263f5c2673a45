"""Goal: a group moves by routing controls: one transaction, through whichever endpoint answers, and never over what
somebody else or a safety rule says."""
import os

import pytest

from arc_cluster import ArcCluster
from world import wait_until

PANEL = "arn:aws:route53-recovery-control::111122223333:controlpanel/0123456789abcdef"
ARNS = {"use1": f"{PANEL}/routingcontrol/a1", "usw2": f"{PANEL}/routingcontrol/b2"}
KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.fixture
def arc():
    made = ArcCluster(ARNS.values())
    made.account.learn(*KEY, None)
    made.turn(ARNS["use1"])
    yield made
    made.close()


@pytest.fixture
def daemon(site, make, arc, monkeypatch):
    """A daemon whose one group moves by routing controls.  It is not started."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY[1])
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    text = site.config(site.group(mode="advise"))
    before, _, rest = text.partition("providers:\n")
    _, _, after = rest.partition("policies:\n")
    urls = "".join(f"      {region}: {url}\n" for region, url in arc.urls().items())
    urls += "    refresh: 10s\n"
    controls = "".join(f"      {cluster}: {arn}\n" for cluster, arn in ARNS.items())
    return make(site, f"{before}providers:\n  dns:\n    kind: arc\n    region: us-west-2\n    endpoints:\n{urls}"
                      f"    controls:\n{controls}policies:\n{after}")


def is_on_alone(arc, cluster):
    return arc.on() == [ARNS[cluster]]


def test_a_switch_is_one_transaction_that_leaves_one_control_on(daemon, arc):
    daemon.start()
    assert "routing control of usw2 On" in daemon.run("plan", "prod", "--to", "usw2")
    daemon.run("switch", "prod", "--to", "usw2")
    assert is_on_alone(arc, "usw2")
    assert len(arc.transactions) == 1
    assert daemon.group()["active"] == "usw2"
    daemon.run("failback", "prod", "--override", "block", "--reason", "test")
    assert is_on_alone(arc, "use1")
    assert len(arc.transactions) == 2
    assert not arc.refused


def test_endpoints_that_are_down_hang_or_are_unavailable_are_passed_over(daemon, arc):
    arc.endpoints[0].stop()
    arc.endpoints[1].mood = "unavailable"
    daemon.start()
    assert arc.asked("GetRoutingControlState") >= 3
    arc.endpoints[2].mood = "broken"
    arc.endpoints[3].mood = "hang"
    daemon.run("switch", "prod", "--to", "usw2")
    assert is_on_alone(arc, "usw2")
    assert len(arc.transactions) == 1


def test_a_change_whose_answer_is_lost_is_looked_up_and_not_sent_again(daemon, arc):
    daemon.start()
    for endpoint in arc.endpoints:
        endpoint.mood = "reset-after"
    daemon.run("switch", "prod", "--to", "usw2")
    assert is_on_alone(arc, "usw2")
    assert len(arc.transactions) == 1


def test_a_safety_rule_that_refuses_fails_the_move_and_is_named(daemon, arc):
    daemon.start()
    arc.rule = lambda after: "safety rule west-stays-off forbids it" if after[ARNS["usw2"]] == "On" else None
    said = daemon.cli("switch", "prod", "--to", "usw2")
    assert said.returncode != 0
    assert "west-stays-off" in said.stdout + said.stderr
    assert is_on_alone(arc, "use1")
    assert daemon.group()["active"] == "use1"
    assert arc.asked("UpdateRoutingControlStates") == arc.refused.count("ConflictException")


def test_controls_that_somebody_else_turned_are_not_overwritten(daemon, arc):
    daemon.start()
    arc.states = dict.fromkeys(ARNS.values(), "On")
    assert "somebody else has set them" in daemon.run("switch", "prod", "--to", "usw2", code=6)
    assert not arc.transactions


def test_a_revert_by_somebody_else_is_an_alarm_within_the_refresh(daemon, arc):
    daemon.start()
    daemon.run("switch", "prod", "--to", "usw2")
    arc.turn(ARNS["use1"])
    wait_until(lambda: "use1 On, usw2 Off" in daemon.log.read_text(), "the alarm", 40)
    assert is_on_alone(arc, "use1")


def test_controls_of_nobody_are_an_alarm_and_are_mended_by_adoption(daemon, arc):
    arc.states = dict.fromkeys(ARNS.values(), "Off")
    daemon.start(judged=False)
    wait_until(lambda: any("no routing controls are On" in str(e) for e in daemon.journal()) or
               "no routing controls are On" in daemon.log.read_text(), "the alarm")
    daemon.run("adopt", "prod", "--active", "usw2")
    assert is_on_alone(arc, "usw2")
    assert len(arc.transactions) == 1


def test_with_every_endpoint_down_nothing_moves_and_the_error_says_so(daemon, arc):
    daemon.start()
    for endpoint in arc.endpoints:
        endpoint.stop()
    said = daemon.cli("switch", "prod", "--to", "usw2")
    assert said.returncode != 0
    assert daemon.group()["active"] == "use1"
    assert is_on_alone(arc, "use1")


def test_a_killed_judge_ends_the_move_once(daemon, arc):
    daemon.start()
    for endpoint in arc.endpoints:
        endpoint.mood = "hang"
    moving = daemon.cli("switch", "prod", "--to", "usw2", "--wait", "accepted")
    assert moving.returncode == 0, moving.stderr
    daemon.kill("judge")
    for endpoint in arc.endpoints:
        endpoint.mood = None
    wait_until(lambda: is_on_alone(arc, "usw2"), "the move goes on")
    wait_until(lambda: daemon.is_serving() and daemon.group()["active"] == "usw2", "the journal knows")
    assert len(arc.transactions) == 1
