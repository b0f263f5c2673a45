"""A daemon whose names lie in zones of a Route 53, emulated or moto's, and what must be true after every story."""
import os

from aws_account import EXAMPLE_KEY
from route53_emulator import Route53
from route53_zone import RecordSet, Zone
from world import Daemon, Site, wait_until

ZONES = {"Z1UI": "ui.example.test", "Z2API": "api.example.test", "Z3REMOTE": "remote.example.test"}
TTL_S = 60
BUDGET = (5, 20)  # a second, and at once: what dnsflip may ask of an account
# Requests are counted as they come in: on a busy machine some that left apart come together.
LATE = 10


class Route53Site(Site):
    """url: where the Route 53 is; zones: {id: name}; deployments: how many, each with one name in each zone."""

    def __init__(self, folder, network, url, zones=None, deployments=4):
        super().__init__(folder, network)
        self.url, self.zones, self.more = url, zones or ZONES, ""
        self.deployments = [f"d{n}" for n in range(deployments)]
        (folder / "deployments.txt").write_text("".join(f"{d}\n" for d in self.deployments))
        self.targets = {"use1": f"A: [{self.use1.ip}]", "usw2": f"A: [{self.usw2.ip}]"}

    def names(self):
        return [f"{d}.{zone}" for zone in self.zones.values() for d in self.deployments]

    def in_zones(self):
        """(zone id, name) of all."""
        return [(zone_id, f"{d}.{zone}") for zone_id, zone in self.zones.items() for d in self.deployments]

    def group(self, name="prod", **_):
        endpoints = "".join(f'      - {{ hostname: "{{deployment}}.{zone}", class: api, probe: {{ kind: airflow }} }}\n'
                            for zone in self.zones.values())
        return f"""
  {name}:
    clusters: [use1, usw2]
    mode: observe
    policy: fast
    provider: r53
    ttl: {TTL_S}s
    promotion: not-needed
    deployments: {{ file: deployments.txt }}
    endpoints:
{endpoints}"""

    def config(self, *groups, **_):
        """more: lines of the provider's mapping."""
        return f"""version: 1
node:
  name: test
  state_dir: {self.folder}/state
  control_socket: {self.folder}/s
  access: {{ admin: ["uid:{os.getuid()}"] }}
  http: {self.http}
clusters:
  use1: {{ region: us-east-1, target: {{ {self.targets["use1"]} }} }}
  usw2: {{ region: us-west-2, target: {{ {self.targets["usw2"]} }} }}
providers:
  r53:
    kind: route53
    region: us-west-2
    endpoint: {self.url}
    zones: [{", ".join(self.zones)}]
    refresh: 10s
{self.more}policies:
  fast:
    interval: 5m
    fast_interval: 5m
    timeout: 1s
    startup_rounds: 1
    probe: {{ scheme: http, port: {self.use1.port} }}
groups:{"".join(groups or [self.group()])}"""

    def record(self, name, cluster="use1"):
        return RecordSet(name, "A", [getattr(self, cluster).ip], TTL_S)


def credentials(monkeypatch, folder, **environment):
    """The environment of the daemon has a key, or what environment says, and nothing from outside."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    given = environment or {"AWS_ACCESS_KEY_ID": EXAMPLE_KEY[0], "AWS_SECRET_ACCESS_KEY": EXAMPLE_KEY[1]}
    here = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": f"{folder}/aws.config",
            "AWS_SHARED_CREDENTIALS_FILE": f"{folder}/aws.credentials"}
    for name, value in (here | given).items():
        monkeypatch.setenv(name, value)


class Flipping:
    """An emulator with the site's records, and a daemon that has adopted them."""

    FAILOVER = ("failover", "prod", "--to", "usw2", "--reason", "region lost", "--request-id", "r-1")

    def __init__(self, site, emulator, make, config=None):
        self.site, self.emulator = site, emulator
        self.daemon = make(site, config)

    def start(self):
        self.daemon.start(judged=False)
        wait_until(lambda: self.adopted().returncode != 5, "the records are read")
        done = self.adopted()
        assert done.returncode == 0, done
        wait_until(lambda: len(self.owners()) == len(self.site.zones), "every zone has its ownership record")
        return self

    def adopted(self):
        return self.daemon.cli("adopt", "prod", "--active", "use1", "--reason", "test")

    def owners(self):
        found = (self.emulator.record(f"_dnsflip-prod.{zone}", "TXT") for zone in self.site.zones.values())
        return [r for r in found if r]

    def failover(self, timeout=180):
        return self.daemon.cli(*self.FAILOVER, "--wait", "settled", timeout=timeout)

    def where(self):
        """{name: its cluster, or the values that no cluster has}."""
        clusters = {(self.site.use1.ip,): "use1", (self.site.usw2.ip,): "usw2"}
        found = {}
        for zone_id, name in self.site.in_zones():
            record = self.emulator.record(name, "A", zone=zone_id)
            found[name] = clusters.get(record.values, record.values) if record else None
        return found

    def is_moved(self):
        return set(self.where().values()) == {"usw2"}

    def outcome(self):
        found = self.daemon.journal(kind="outcome")
        return found[-1]["state"] if found else None

    def check_sound(self, lives=1):
        """lives: of the judge; each begins with a full budget.  What holds after every story: no name was ever empty, none is lost, none moved that is not told, and the
        account was never asked more than it may be."""
        assert self.emulator.emptied == []
        where = self.where()
        assert None not in where.values(), where
        assert self.emulator.over_budget(BUDGET[0], BUDGET[1] * lives + LATE) == 0
        if self.outcome() == "done":
            assert set(where.values()) == {"usw2"}, where
        elif self.outcome() is not None:
            moved = [n for n, cluster in where.items() if cluster == "usw2"]
            said = self.daemon.run("operation", "show", self.daemon.journal(kind="intent")[-1]["operation"])
            assert not moved or "partial" in said or "attention" in said, said
        self.daemon.run("audit", "verify")


def emulated(site_zones=None, **more):
    return Route53([Zone(zone_id, name) for zone_id, name in (site_zones or ZONES).items()], **more)
