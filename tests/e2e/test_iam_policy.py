"""dnsflip iam-policy: what it prints is a policy that allows what our own planning sends, and little else."""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ET

import botocore.session
import pytest

from route53_emulator import Route53
from route53_zone import RecordSet, Zone
from test_route53_planning import USE1, USW2, ZONES, Service, adopted, plan, put, spread

DNSFLIP = pathlib.Path(os.environ.get("DNSFLIP_BUILD", "build/release")).resolve() / "dnsflip"
NAMESPACE = "{https://route53.amazonaws.com/doc/2013-04-01/}"
KEY = "route53:ChangeResourceRecordSets"
CONFIG = """
version: 1
node: {{ name: ctl }}
clusters: {{ use1: {{ target: {{ A: {use1} }} }}, usw2: {{ target: {{ A: {usw2} }} }} }}
providers: {{ aws: {{ kind: route53, zones: [{zones}] }} }}
groups:
  prod:
    clusters: [use1, usw2]
    provider: aws
    endpoints:
{endpoints}
"""


def config(path, hosts):
    endpoints = "".join(f'      - {{ hostname: "{name}", class: ui, probe: {{ kind: http, path: / }} }}\n'
                        for name in hosts)
    path.write_text(CONFIG.format(use1=USE1, usw2=USW2, zones=", ".join(ZONES), endpoints=endpoints))
    return path


def printed(path, *more):
    return subprocess.run([DNSFLIP, "iam-policy", "-c", path, *more], capture_output=True, text=True, timeout=60,
                          check=False)


def matches(test, pattern, value):
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]")) if test == "StringLike" else value == pattern


def allows(policy, action, resource, context=None):
    """IAM's answer: some statement allows all of it.  context: {condition key: values}."""
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        actions, resources = ([x] if isinstance(x, str) else x for x in (statement["Action"], statement["Resource"]))
        fits = action in actions and any(fnmatch.fnmatchcase(resource, one) for one in resources)
        for operator, keys in statement.get("Condition", {}).items():
            test = operator.removeprefix("ForAllValues:")
            fits = fits and all(any(matches(test, pattern, value) for pattern in patterns)
                                for key, patterns in keys.items() for value in (context or {}).get(key, []))
        if fits:
            return True
    return False


def context_of(body):
    """The condition keys that Route 53 makes of a batch."""
    changes = ET.fromstring(body).iter(NAMESPACE + "Change")
    names, types, actions = set(), set(), set()
    for change in changes:
        record = change.find(NAMESPACE + "ResourceRecordSet")
        names.add(record.find(NAMESPACE + "Name").text.lower().removesuffix("."))
        types.add(record.find(NAMESPACE + "Type").text)
        actions.add(change.find(NAMESPACE + "Action").text)
    return {KEY + "NormalizedRecordNames": names, KEY + "RecordTypes": types, KEY + "Actions": actions}


@pytest.fixture
def emulator():
    with Route53([Zone(zone, name) for zone, name in ZONES.items()]) as made:
        yield made


def test_what_is_planned_is_allowed_and_what_is_not_ours_is_not(emulator, tmp_path):
    hosts = spread(12, ZONES)
    done = printed(config(tmp_path / "dnsflip.yaml", hosts))
    assert done.returncode == 0 and not done.stderr, done.stderr
    policy = json.loads(done.stdout)
    put(emulator, *(RecordSet(f"{name}.", "A", [USE1], 60) for name in hosts))
    service = adopted(Service(emulator.url, {zone: (name, False) for zone, name in ZONES.items()}), hosts)
    planned = plan(service, hosts)
    assert len(planned.batches) == 3
    for zone, _, _, body in planned.batches:
        arn = f"arn:aws:route53:::hostedzone/{zone}"
        context = context_of(body)
        assert allows(policy, "route53:ChangeResourceRecordSets", arn, context)
        assert allows(policy, "route53:ListResourceRecordSets", arn) and allows(policy, "route53:GetHostedZone", arn)
        for key, other in (("NormalizedRecordNames", "www.one.test"), ("RecordTypes", "NS"), ("Actions", "UPSERT")):
            more = {**context, KEY + key: context[KEY + key] | {other}}
            assert not allows(policy, "route53:ChangeResourceRecordSets", arn, more)
    assert allows(policy, "route53:GetChange", "arn:aws:route53:::change/C1")
    assert not allows(policy, "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z9", context)
    assert not allows(policy, "route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/Z9")


def test_actions_exist_and_the_shape_is_iams(tmp_path):
    policy = json.loads(printed(config(tmp_path / "dnsflip.yaml", spread(3, ZONES))).stdout)
    known = botocore.session.get_session().get_service_model("route53").operation_names
    assert policy["Version"] == "2012-10-17"
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert len(set(sids)) == len(sids) and all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)
    for statement in policy["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        assert all(action.removeprefix("route53:") in known for action in actions)


def test_names_that_do_not_fit_are_left_out_and_it_is_said(tmp_path):
    path = config(tmp_path / "dnsflip.yaml", spread(2000, ZONES))
    done = printed(path)
    assert done.returncode == 0
    assert "2001 names make the policy longer than the 6144 characters" in done.stderr
    assert len(re.sub(r"\s", "", done.stdout)) <= 6144
    assert "NormalizedRecordNames" not in done.stdout and "RecordTypes" in done.stdout
    assert json.loads(done.stdout) == json.loads(printed(path, "--group", "prod").stdout)


def test_mistakes_are_named(tmp_path):
    path = config(tmp_path / "dnsflip.yaml", spread(3, ZONES))
    done = printed(path, "--group", "prd")
    assert done.returncode == 1 and 'no group is called "prd"' in done.stderr and not done.stdout
    local = pathlib.Path("conf/minimal.yaml")
    done = printed(local)
    assert done.returncode == 1 and "no provider of kind route53 or arc moves names of any group" in done.stderr
