"""Whole flips against moto, behind a front that verifies every signature: hundreds and thousands of records in three
zones, with keys of an assumed role, looked at with boto3."""
import boto3
import botocore.config
import pytest

from aws_account import EXAMPLE_KEY
from aws_fakes import ROLE_ARN
from moto_front import Front, Moto
from route53_site import ZONES, Route53Site, credentials
from world import BUILD, wait_until

CONFIG = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=300)
BATCH = 500
FLIP_S = 300


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    made = Moto(tmp_path_factory.mktemp("moto"))
    yield made
    made.close()


@pytest.fixture
def front(moto):
    moto.reset()
    with Front(moto) as made:
        yield made


@pytest.fixture
def api(front):
    return boto3.client("route53", "us-east-1", endpoint_url=front.url, aws_access_key_id=EXAMPLE_KEY[0],
                        aws_secret_access_key=EXAMPLE_KEY[1], config=CONFIG)


def filled(folder, network, front, api, deployments):
    """A site whose names are all at use1 in moto's zones."""
    zones = {api.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"].split("/")[-1]: name
             for name in ZONES.values()}
    site = Route53Site(folder, network, front.url, zones, deployments)
    for zone_id in zones:
        changes = [{"Action": "CREATE", "ResourceRecordSet": {
            "Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": site.use1.ip}]}}
            for zone, name in site.in_zones() if zone == zone_id]
        for n in range(0, len(changes), BATCH):
            api.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes[n:n + BATCH]})
    return site


def live(site, api):
    """{name: address} in all zones, as boto3 lists them."""
    found = {}
    for zone_id in site.zones:
        for page in api.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id):
            found |= {r["Name"].rstrip("."): r["ResourceRecords"][0]["Value"]
                      for r in page["ResourceRecordSets"] if r["Type"] == "A"}
    return found


def adopted(daemon):
    done = None

    def tried():
        nonlocal done
        done = daemon.cli("adopt", "prod", "--active", "use1", "--reason", "test", timeout=120)
        return done.returncode != 5

    wait_until(tried, "the records are read", 120)
    assert done.returncode == 0, done


def flipped(site, make, front, api):
    """Adopts, flips and looks; returns the targets of the POSTs of the flip."""
    daemon = make(site).start(judged=False)
    adopted(daemon)
    before = len(front.seen)
    done = daemon.cli("failover", "prod", "--to", "usw2", "--reason", "region lost", "--timeout", f"{FLIP_S}s",
                      timeout=FLIP_S + 20)
    assert done.returncode == 0, done
    assert live(site, api) == {name: site.usw2.ip for name in site.names()}
    assert not any(code for *_, code in front.seen)
    return [target for method, target, _, _ in front.seen[before:] if method == "POST"]


def test_240_records_in_three_zones_are_flipped_with_the_keys_of_a_role(folder, network, front, api, make, monkeypatch):
    """Goal: the profile's role is assumed, its session token sent and checked; one batch per zone."""
    site = filled(folder, network, front, api, 80)
    (folder / "aws.config").write_text(f"[profile flip]\nrole_arn = {ROLE_ARN}\nsource_profile = base\n")
    (folder / "aws.credentials").write_text(f"[base]\naws_access_key_id = {EXAMPLE_KEY[0]}\n"
                                            f"aws_secret_access_key = {EXAMPLE_KEY[1]}\n")
    credentials(monkeypatch, folder, AWS_PROFILE="flip", AWS_ENDPOINT_URL_STS=front.url)
    posts = flipped(site, make, front, api)
    assert sorted(target for target in posts if "rrset" in target) == sorted(
        f"/2013-04-01/hostedzone/{zone_id}/rrset/" for zone_id in site.zones)
    # Every request of Route 53's but ours came with the role's own key.
    keys = {key for _, target, key, _ in front.seen if target.startswith("/2013-04-01/")}
    role = keys - {EXAMPLE_KEY[0]}
    assert len(role) == 1 and role.pop().startswith("ASIA") and front.account.keys


@pytest.mark.skipif(BUILD.name in ("san", "tsan", "cover"), reason="a minute: once, without instruments")
def test_10_000_records_in_three_zones_are_flipped(folder, network, front, api, make, monkeypatch):
    """Goal: lists of many pages; the fewest batches that the limits allow; nothing is left behind."""
    site = filled(folder, network, front, api, 3334)
    credentials(monkeypatch, folder)
    posts = flipped(site, make, front, api)
    assert len(posts) == 3 * -(-3334 // 499)
    assert sum("name=" in target for *_, target, _, _ in front.seen) > 3 * 10  # lists went on to their next pages
