"""The fakes of where credentials come from, and moto behind its front, held to botocore."""
import http.client
import random

import boto3
import botocore.config
import botocore.exceptions
import botocore.session
import pytest

from aws_account import EXAMPLE_KEY, Account
from aws_fakes import ROLE_ARN, Container, Metadata, Sts
from moto_front import Front, Moto
from route53_emulator import Route53
from route53_zone import Zone

NO_RETRY = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=60, connect_timeout=5)


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def chain(monkeypatch, folder):
    """chain(**environment): the credentials that botocore finds there, frozen; None if none."""
    def found(**environment):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        here = {"AWS_CONFIG_FILE": f"{folder}/config", "AWS_SHARED_CREDENTIALS_FILE": f"{folder}/credentials",
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-west-2"}
        for name, value in (here | environment).items():
            monkeypatch.setenv(name, value)
        got = botocore.session.Session().get_credentials()
        return got and got.get_frozen_credentials()

    return found


def test_botocore_takes_credentials_from_instance_metadata(account, chain):
    with Metadata(account) as source:
        got = chain(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=source.url)
        assert (got.secret_key, got.token) == (account.keys[got.access_key].secret, account.keys[got.access_key].token)
        assert [method for method, _ in source.asked] == ["PUT", "GET", "GET"]
        source.code = "AssumeRoleUnauthorizedAccess"
        assert chain(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=source.url) is None


def test_instance_metadata_gives_nothing_without_a_session_token(account):
    with Metadata(account) as source:
        link = http.client.HTTPConnection(source.ip, source.port, timeout=5)
        path = "/latest/meta-data/iam/security-credentials/"

        def status(method, target, headers):
            link.request(method, target, headers=headers)
            answer = link.getresponse()
            return answer.status, answer.read().decode()

        assert status("GET", path, {})[0] == 401
        assert status("GET", "/latest/api/token", {})[0] == 405
        assert status("PUT", "/latest/api/token", {})[0] == 400
        token = status("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})[1]
        assert status("GET", path, {"X-aws-ec2-metadata-token": token}) == (200, "dnsflip")
        source.forget_tokens()
        assert status("GET", path, {"X-aws-ec2-metadata-token": token})[0] == 401
        link.close()


def test_botocore_takes_credentials_from_a_container(account, chain, folder):
    with Container(account, authorization="Bearer x") as source:
        (folder / "token").write_text("Bearer x")
        got = chain(AWS_CONTAINER_CREDENTIALS_FULL_URI=source.url + source.path,
                    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=f"{folder}/token")
        assert source.given == [got.access_key]
        (folder / "token").write_text("Bearer y")
        with pytest.raises(botocore.exceptions.CredentialRetrievalError):
            chain(AWS_CONTAINER_CREDENTIALS_FULL_URI=source.url + source.path,
                  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=f"{folder}/token")


def test_botocore_assumes_a_role_by_key_and_by_web_identity(account, chain, folder):
    (folder / "config").write_text(f"[profile p]\nrole_arn={ROLE_ARN}\nsource_profile=s\nexternal_id=ours\n"
                                   f"[profile s]\naws_access_key_id={EXAMPLE_KEY[0]}\naws_secret_access_key={EXAMPLE_KEY[1]}\n")
    (folder / "web").write_text("a.b.c")
    with Sts(account, roles={ROLE_ARN: "ours"}, web_tokens=["a.b.c"]) as sts:
        by_key = chain(AWS_PROFILE="p", AWS_ENDPOINT_URL_STS=sts.url)
        by_web = chain(AWS_ROLE_ARN=ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE=f"{folder}/web", AWS_ENDPOINT_URL_STS=sts.url)
        assert sts.given == [by_key.access_key, by_web.access_key]
        sts.web_tokens.clear()
        with pytest.raises(botocore.exceptions.ClientError, match="ExpiredTokenException"):
            chain(AWS_ROLE_ARN=ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE=f"{folder}/web", AWS_ENDPOINT_URL_STS=sts.url)
        sts.roles[ROLE_ARN] = "another"
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
            chain(AWS_PROFILE="p", AWS_ENDPOINT_URL_STS=sts.url)


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    made = Moto(tmp_path_factory.mktemp("moto"))
    yield made
    made.close()


def test_moto_is_reached_by_right_signatures_alone(moto):
    def client(service, key, token=None):
        return boto3.client(service, "us-east-1", endpoint_url=front.url, aws_access_key_id=key[0],
                            aws_secret_access_key=key[1], aws_session_token=token, config=NO_RETRY)

    with Front(moto) as front:
        api = client("route53", EXAMPLE_KEY)
        zone = api.create_hosted_zone(Name="example.test", CallerReference="r")["HostedZone"]["Id"]
        record = {"Name": "a.example.test", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        api.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
        with pytest.raises(botocore.exceptions.ClientError, match="SignatureDoesNotMatch"):
            client("route53", (EXAMPLE_KEY[0], "wrong")).list_hosted_zones()
        given = client("sts", EXAMPLE_KEY).assume_role(RoleArn=ROLE_ARN, RoleSessionName="test")["Credentials"]
        role = client("route53", (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])
        with pytest.raises(botocore.exceptions.ClientError, match="InvalidClientTokenId"):
            client("route53", (given["AccessKeyId"], given["SecretAccessKey"])).list_hosted_zones()
        assert role.list_hosted_zones() is not None
        listed = api.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        assert any(r["Name"] == "a.example.test." for r in listed)
        assert [code for *_, code in front.seen if code] == ["SignatureDoesNotMatch", "InvalidClientTokenId"]


def test_the_emulator_and_moto_have_the_same_records_after_the_same_changes(moto):
    chance, made = random.Random(1), {}
    with Front(moto) as front, Route53([Zone("Z1", "same.test")]) as emulator:
        apis = [boto3.client("route53", "us-east-1", endpoint_url=url, aws_access_key_id=EXAMPLE_KEY[0],
                             aws_secret_access_key=EXAMPLE_KEY[1], config=NO_RETRY) for url in (front.url, emulator.url)]
        zones = [apis[0].create_hosted_zone(Name="same.test", CallerReference="s")["HostedZone"]["Id"], "Z1"]
        for _ in range(40):
            batch = []
            for n in chance.sample(range(30), 4):
                kind = ("A", "CNAME", "TXT")[n % 3]
                value = {"A": f"192.0.2.{chance.randrange(250)}", "CNAME": f"c{chance.randrange(9)}.same.test.",
                         "TXT": f'"{chance.random()}"'}[kind]
                record = {"Name": f"{'*.' * (n % 5 == 0)}h{n}.{'deep.' * (n % 4)}same.test.", "Type": kind}
                record |= {"SetIdentifier": "one", "Weight": n} if n % 7 == 0 else {}
                record |= {"TTL": chance.randrange(300), "ResourceRecords": [{"Value": value}]}
                if n in made and chance.random() < 0.3:
                    batch.append({"Action": "DELETE", "ResourceRecordSet": made.pop(n)})
                else:
                    batch.append({"Action": "UPSERT" if n in made else "CREATE", "ResourceRecordSet": record})
                    made[n] = record
            for api, zone in zip(apis, zones):
                api.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})
        lists = []
        for api, zone in zip(apis, zones):
            pages = api.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone, PaginationConfig={"PageSize": 7})
            # moto does not escape an asterisk, Route 53 does.
            lists.append([r | {"Name": r["Name"].replace("\\052", "*")} for page in pages for r in page["ResourceRecordSets"]
                          if r["Type"] not in ("NS", "SOA")])
        assert len(lists[0]) == len(made)
        assert lists[0] == lists[1]
