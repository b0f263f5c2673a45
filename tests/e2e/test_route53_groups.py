"""Many groups in one hosted zone: its records are read once for all of them, and one evacuation moves them all."""
import pytest

from route53_emulator import Route53
from route53_site import BUDGET, LATE, Route53Site, credentials
from route53_zone import Zone
from world import wait_until

GROUPS = 24
ZONE = ("Z1MANY", "many.example.test")


class Site(Route53Site):
    def group(self, name="g0", **_):
        return f"""
  {name}:
    clusters: [use1, usw2]
    mode: observe
    policy: fast
    provider: r53
    promotion: not-needed
    endpoints:
      - {{ hostname: {name}.{ZONE[1]}, class: api, probe: {{ kind: airflow }} }}"""


@pytest.fixture
def emulator():
    with Route53([Zone(*ZONE)]) as made:
        yield made


def test_an_evacuation_of_many_groups_keeps_the_budget(folder, network, emulator, make, monkeypatch):
    groups = [f"g{n}" for n in range(GROUPS)]
    site = Site(folder, network, emulator.url, zones=dict([ZONE]))
    credentials(monkeypatch, folder)
    for group in groups:
        emulator.put(ZONE[0], site.record(f"{group}.{ZONE[1]}"))
    daemon = make(site, site.config(*[site.group(group) for group in groups]))
    daemon.start(judged=False)
    for group in groups:
        daemon.run("adopt", group, "--active", "use1", "--reason", "test")
    daemon.cli("evacuate", "use1", "--reason", "region lost", timeout=120)
    wait_until(lambda: len(daemon.journal(kind="settled")) == GROUPS, "all groups have moved", 120)
    assert all(emulator.record(f"{group}.{ZONE[1]}", "A").values == (site.usw2.ip,) for group in groups)
    assert not daemon.journal(kind="alarm", detail="unreadable")
    assert emulator.over_budget(BUDGET[0], BUDGET[1] + LATE) == 0 and emulator.emptied == []
    # One batch for each adoption and each move, a look at each change, and the zone read by rounds, not by groups.
    assert len(emulator.requests("ListResourceRecordSets")) < 3 * GROUPS
