"""Goal: credentials are found, refreshed in time and used to their end whatever their source does; what goes wrong is
said clearly; and no secret is ever written."""
import json
import os
import sys
import time

import pytest

from aws_account import EXAMPLE_KEY, Account
from aws_fakes import ROLE_ARN, Container, Metadata, Sts
from credential_tell import Tell
from http_fake import Answer

WEB_TOKENS = ["web.token.one-7c1", "web.token.two-9d2"]
PATIENCE_S = 100


class Cloud:
    """Every source on loopback, and an environment without any."""

    def __init__(self, folder):
        self.folder, self.account = folder, Account()
        self.imds, self.container = Metadata(self.account), Container(self.account, path="/keys")
        self.sts = Sts(self.account, web_tokens=WEB_TOKENS[:1])
        self.env = {"HOME": str(folder), "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_ENDPOINT_URL_STS": self.sts.url}
        self.told = []

    def tell(self, profile="", **more):
        self.told.append(Tell({**self.env, **more}, profile))
        return self.told[-1]

    def config(self, text, name="config"):
        (self.folder / ".aws").mkdir(exist_ok=True)
        (self.folder / ".aws" / name).write_text(text)

    def from_imds(self, **more):
        return self.tell(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=self.imds.url, **more)

    def from_container(self):
        return self.tell(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{self.container.url}/keys")

    def from_web_identity(self):
        (self.folder / "token").write_text(WEB_TOKENS[0])
        return self.tell(AWS_WEB_IDENTITY_TOKEN_FILE=f"{self.folder}/token", AWS_ROLE_ARN=ROLE_ARN)

    def from_role(self, extra=""):
        self.config(f"[default]\nrole_arn = {ROLE_ARN}\nsource_profile = base\n{extra}\n")
        self.config(f"[base]\naws_access_key_id = {EXAMPLE_KEY[0]}\naws_secret_access_key = {EXAMPLE_KEY[1]}\n",
                    "credentials")
        return self.tell()

    def close(self):
        for fake in (self.imds, self.container, self.sts):
            fake.stop()
        secrets = [key.secret for key in self.account.keys.values()]
        secrets += [key.token for key in self.account.keys.values() if key.token] + WEB_TOKENS + list(self.imds.tokens)
        for tell in self.told:
            if tell.process.poll() is None:
                tell.close()
            for secret in secrets:
                assert secret not in tell.said


@pytest.fixture
def cloud(folder):
    made = Cloud(folder)
    yield made
    made.close()


def until(tell, is_it):
    """Asks until the answer is that one."""
    end = time.monotonic() + PATIENCE_S
    while True:
        got = tell.get()
        if is_it(got):
            return got
        assert time.monotonic() < end, tell.said
        time.sleep(0.05)


def test_each_source_is_named(cloud):
    cases = [(cloud.from_imds, "instance metadata, role dnsflip"), (cloud.from_container, "container"),
             (cloud.from_web_identity, f"web identity, role {ROLE_ARN}"),
             (cloud.from_role, f"assumed role {ROLE_ARN}, from shared credentials file, profile base")]
    for start, source in cases:
        tell = start()
        got = tell.get()
        assert got.error is None and got.source == source, tell.said
        assert 3500 < got.left_s <= 3600


def test_callers_of_one_moment_share_one_request(cloud):
    tell = cloud.from_imds()
    tell.say("cancel")
    assert len({got.id for got in tell.get(50)}) == 1
    assert [method for method, _ in cloud.imds.asked] == ["PUT", "GET", "GET"]
    assert tell.get().id == cloud.imds.given[0]
    assert len(cloud.imds.asked) == 3


def test_near_their_end_the_source_is_asked_beside_using_them(cloud):
    cloud.container.lifetime_s = 800
    tell = cloud.from_container()
    first = tell.get()
    assert tell.get().id == first.id
    second = until(tell, lambda got: got.id != first.id)
    assert second.id in cloud.container.given


def test_nearer_their_end_the_source_is_waited_for(cloud):
    cloud.container.lifetime_s = 500
    tell = cloud.from_container()
    assert [tell.get().id for _ in range(5)] == cloud.container.given


def test_while_the_source_is_down_what_is_known_is_used_to_its_end(cloud):
    cloud.container.lifetime_s = 10
    tell = cloud.from_container()
    first = tell.get()
    cloud.container.stop()
    last = None
    while (got := tell.get()).error is None:
        assert got.id == first.id
        last = got
        time.sleep(0.05)
    assert last.left_s <= 3
    assert "AWS credentials from container: GET http://127.0.0.1:" in got.error and "Connection refused" in got.error
    cloud.container.lifetime_s = 3600
    cloud.container.start()
    assert until(tell, lambda got: got.error is None).id == cloud.container.given[-1]


def test_a_source_that_fails_is_not_asked_by_every_caller(cloud):
    cloud.sts.refuse = (403, "AccessDenied", "no")
    tell = cloud.from_web_identity()
    assert {got.error for got in tell.get(20)} == {
        f"AWS credentials from web identity, role {ROLE_ARN}: STS said HTTP 403 AccessDenied"}
    began, answers = time.monotonic(), 0
    while time.monotonic() < began + 3:
        answers += len(tell.get(50))
    assert answers > 200
    assert len(cloud.sts.calls) <= 4  # the first, and after pauses of 1 s and 2 s


def test_metadata_that_hands_out_old_credentials_is_believed(cloud):
    cloud.imds.lifetime_s = -60
    tell = cloud.from_imds()
    got = tell.get()
    assert got.error is None and 1000 < got.left_s <= 1500
    assert tell.get().id == got.id
    assert len(cloud.imds.given) == 1


def test_the_token_file_is_read_each_time(cloud):
    tell = cloud.from_web_identity()
    first = tell.get()
    cloud.sts.web_tokens = set(WEB_TOKENS[1:])
    (cloud.folder / "token").write_text(WEB_TOKENS[1] + "\n")
    tell.say("refused")
    second = tell.get()
    assert second.error is None and second.id != first.id
    cloud.sts.web_tokens = set()
    tell.say("refused")
    assert "HTTP 400 ExpiredTokenException" in tell.get().error


def test_a_changed_file_counts_once_the_old_keys_are_refused(cloud):
    cloud.config("[default]\naws_access_key_id = AKIAONE\naws_secret_access_key = one\n", "credentials")
    tell = cloud.tell()
    assert tell.get().id == "AKIAONE"
    cloud.config("[default]\naws_access_key_id = AKIATWO\naws_secret_access_key = two\n", "credentials")
    assert tell.get().id == "AKIAONE"
    tell.say("refused")
    assert tell.get().id == "AKIATWO"


@pytest.mark.parametrize("offset_s", [1200, -1200])
def test_an_sts_whose_clock_is_far_off_is_answered_by_its_own(cloud, offset_s):
    cloud.account.clock_offset_s = offset_s
    tell = cloud.from_role()
    got = tell.get()
    assert got.error is None and 3500 < got.left_s <= 3600, tell.said
    assert len(cloud.sts.calls) == 2


def test_a_chain_of_roles_is_assumed_one_from_another(cloud):
    other = ROLE_ARN + "-other"
    cloud.sts.roles = {ROLE_ARN: "ext", other: None}
    tell = cloud.from_role(f"external_id = ext\nduration_seconds = 1800\nrole_session_name = flip\n"
                           f"[profile top]\nrole_arn = {other}\nsource_profile = default")
    tell = cloud.tell("top")
    got = tell.get()
    assert got.error is None and cloud.account.keys[got.id].role == other, tell.said
    assert [call["RoleArn"] for call in cloud.sts.calls] == [ROLE_ARN, other]
    first = cloud.sts.calls[0]
    assert (first["ExternalId"], first["DurationSeconds"], first["RoleSessionName"]) == ("ext", "1800", "flip")
    assert cloud.sts.calls[1]["RoleSessionName"] == "dnsflip"


@pytest.mark.parametrize("act", ["reset", "hang", "half"])
def test_an_sts_that_breaks_off_is_tried_again(cloud, act):
    broken = []

    def spoil(answer):
        broken.append(1)
        return Answer(200, answer.body, act=act) if len(broken) == 1 else answer

    cloud.sts.spoil = spoil
    tell = cloud.from_web_identity()
    assert tell.get().error is None, tell.said
    assert len(cloud.sts.calls) == 2


BAD_ANSWERS = [(Answer(200, "<html>no"), "STS", "not well-formed"), (Answer(200, ""), "STS", ""),
               (Answer(503, "busy"), "STS", "STS said HTTP 503 without a code"),
               (Answer(302, "", headers=[("Location", "http://127.0.0.1:1/")]), "STS", "STS said HTTP 302"),
               (Answer(200, "x" * 100000), "STS", "answer longer than 65536 bytes"),
               (Answer(200, "{}"), "container", "the answer has no AccessKeyId"),
               (Answer(200, "{\"AccessKeyId\""), "container", "the answer is not JSON"),
               (Answer(404, "secret"), "container", "HTTP 404"),
               (Answer(200, "x" * 100000), "container", "answer longer than 65536 bytes")]


@pytest.mark.parametrize("answer, source, words", BAD_ANSWERS)
def test_what_is_no_answer_is_said_in_words(cloud, answer, source, words):
    fake, start = (cloud.sts, cloud.from_web_identity) if source == "STS" else (cloud.container, cloud.from_container)
    fake.spoil = lambda _: answer
    error = start().get().error
    assert error and words in error, error
    assert "secret" not in error and "html" not in error


def test_what_instance_metadata_refuses_is_said(cloud):
    def error(**more):
        return cloud.from_imds(**more).get().error

    cloud.imds.code = "AssumeRoleUnauthorizedAccess"
    assert error() == 'AWS credentials from instance metadata: the answer has a "Code" other than "Success"'
    cloud.imds.code, cloud.imds.role = "Success", ""
    assert error() == "AWS credentials from instance metadata: this instance has no role"
    cloud.imds.spoil = lambda answer: Answer(403, "")
    assert error() == "AWS credentials from instance metadata: no IMDSv2 token: HTTP 403"
    cloud.imds.spoil = lambda answer: Answer(200, "", act="hang")
    assert "no answer within 1000 ms" in error()
    cloud.imds.asked.clear()
    assert "no answer within 1000 ms" in error(AWS_METADATA_SERVICE_NUM_ATTEMPTS="2")
    assert len(cloud.imds.asked) == 2
    cloud.imds.spoil = lambda answer: Answer(200, "../x\n" if not answer.body or len(answer.body) < 20 else answer.body)
    assert "the name of the role is empty or none" in error()


PROCESS = """import json, sys, time
what = sys.argv[1]
print("sesame-on-stderr", file=sys.stderr)
if what == "fails":
    print("sesame-on-stdout"); sys.exit(3)
if what == "floods":
    print("sesame" * 100000); sys.exit(0)
if what == "dies":
    import os; os.kill(os.getpid(), 9)
print(json.dumps(dict(Version=1, AccessKeyId="AKIAPROCESS", SecretAccessKey="sesame-key", SessionToken="sesame-token",
                      Expiration=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + int(what))))))
"""


@pytest.mark.parametrize("what, words", [
    ("3600", None), ("fails", "it ended with status 3"), ("floods", "it wrote more than 65536 bytes"),
    ("dies", "it was ended by signal 9"), ("-5", "the credentials that it gave have expired")])
def test_a_credential_process_gives_keys_or_a_reason(cloud, what, words):
    (cloud.folder / "keys.py").write_text(PROCESS)
    cloud.config(f"[default]\ncredential_process = '{sys.executable}' {cloud.folder}/keys.py {what}\n")
    tell = cloud.tell()
    got = tell.get()
    assert "sesame" not in tell.said
    if words:
        assert got.error == f"AWS credentials from credential_process of profile default: {words}" or \
            words in got.error, got.error
    else:
        assert (got.id, got.source) == ("AKIAPROCESS", "credential_process of profile default")
        assert 3500 < got.left_s <= 3600


@pytest.mark.parametrize("command, words", [
    ("no-such-program x", "its program is in no directory of PATH"), ("./here", "write an absolute one"),
    ("/nowhere/at-all", "cannot run command /nowhere/at-all"), ("'open", "open quote"), ("", "it is empty")])
def test_a_credential_process_that_cannot_run_is_refused(cloud, command, words):
    cloud.config(f"[default]\ncredential_process = {command}\n")
    assert words in cloud.tell().get().error


def test_a_program_is_found_in_path(cloud):
    program = cloud.folder / "give-keys"
    program.write_text("#!/bin/sh\necho '" + json.dumps({"Version": 1, "AccessKeyId": "AKIAPATH",
                                                         "SecretAccessKey": "x"}) + "'\n")
    program.chmod(0o755)
    cloud.config("[default]\ncredential_process = give-keys\n")
    got = cloud.tell(PATH=f":relative:{cloud.folder}:{os.environ['PATH']}").get()
    assert (got.id, got.left_s) == ("AKIAPATH", None)


@pytest.mark.parametrize("text, words", [
    ("[default]\nsso_account_id = 1\nsso_role_name = x\n", "profile default uses SSO"),
    ("[default]\nlogin_session = x\n", "signs in with a browser (login_session)"),
    (f"[default]\nrole_arn = {ROLE_ARN}\nmfa_serial = x\ncredential_source = Environment\n", "(mfa_serial)"),
    (f"[default]\nrole_arn = {ROLE_ARN}\n", "a role needs a source_profile or credential_source"),
    (f"[default]\nrole_arn = {ROLE_ARN}\nsource_profile = a\ncredential_source = Environment\n", "one of, not both,"),
    (f"[default]\nrole_arn = {ROLE_ARN}\nsource_profile = a\n[profile a]\nrole_arn = x\nsource_profile = default\n",
     "profile a: source_profile default leads in a circle"),
    (f"[default]\nrole_arn = {ROLE_ARN}\nsource_profile = a\n", "source_profile a does not exist"),
    (f"[default]\nrole_arn = {ROLE_ARN}\ncredential_source = IMDS\n", "credential_source is not Environment"),
    ("[default]\naws_access_key_id = AKIA1\n", "there is an access key id and no secret access key"),
    ("[default]\nx = 1\nsesame\n", "/.aws/config:3: neither a [section] nor KEY = VALUE nor a comment"),
    ("[default]\nweb_identity_token_file = /x\n", "there is a token file and no role"),
    ("", "no AWS credentials: no AWS_ACCESS_KEY_ID; profile default has no role")])
def test_what_a_person_wrote_wrong_is_said(cloud, text, words):
    cloud.config(text)
    tell = cloud.tell()
    assert words in tell.get().error, tell.said
    assert "sesame" not in tell.said


@pytest.mark.parametrize("more, words", [
    ({"AWS_PROFILE": "nowhere"}, 'AWS profile "nowhere" is in neither'),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/"}, "is neither https:// nor http:// to this machine"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1.example.test/"}, "is neither https://"),
    ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "x"}, "does not start with /"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nB: c"},
     "AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line"),
    ({"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"}, "neither ipv4 nor ipv6"),
    ({"AWS_EC2_METADATA_DISABLED": "", "AWS_METADATA_SERVICE_TIMEOUT": "0"}, "is not a number from 1 to 60"),
    ({"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "ftp://x"}, "is not an http:// URL"),
    ({"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "sesame", "AWS_CREDENTIAL_EXPIRATION": "soon"},
     "the expiration is not a time"),
    ({"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "sesame",
      "AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z"}, "they have expired")])
def test_an_environment_that_cannot_be_used_is_said(cloud, more, words):
    tell = cloud.tell(**more)
    assert words in tell.get().error, tell.said
    assert "sesame" not in tell.said


def test_the_token_of_a_container_is_read_each_time_and_is_one_line(cloud):
    cloud.container.authorization = "one"
    path = cloud.folder / "token"
    path.write_text("one")
    tell = cloud.tell(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{cloud.container.url}/keys",
                      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(path))
    assert tell.get().error is None
    cloud.container.authorization = "two"
    path.write_text("two")
    tell.say("refused")
    assert tell.get().error is None
    path.write_text("two\n")
    tell.say("refused")
    assert "holds more than one line" in tell.get().error
