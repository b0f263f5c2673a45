"""Goal: for whatever environment and files we make up, our credential chain picks what botocore picks, asks STS for
the same roles, and finds nothing where botocore finds nothing; and no secret is ever written."""
import contextlib
import hashlib
import os
import random
import shlex
import sys

import botocore.config
import botocore.loaders
import botocore.session
import pytest

from aws_account import Account
from aws_fakes import Container, Metadata, Sts
from credential_tell import Tell

CASES = int(os.environ.get("CREDENTIAL_CASES", "300"))
BATCH = 50
LOADER = botocore.loaders.Loader()
NAMES = ["default", "ops", "two words", "base", "Ünïcode"]
ROLES = [f"arn:aws:iam::123456789012:role/{name}" for name in ("a", "b", "c")]
CALL_KEYS = ("Action", "RoleArn", "ExternalId", "DurationSeconds", "WebIdentityToken")
WEB_TOKEN = "eyJ.web-identity-token.x"


class World:
    """Fakes, keys with known secrets, and a folder for the files of one case."""

    def __init__(self, folder):
        self.folder, self.account, self.serial = folder, Account(), 0
        self.imds, self.container = Metadata(self.account), Container(self.account, path="/keys", authorization="let-me")
        self.sts = Sts(self.account, roles=dict.fromkeys(ROLES), web_tokens=[WEB_TOKEN])
        self.sts.roles[ROLES[2]] = "ext-3"
        (folder / "web-token").write_text(WEB_TOKEN)
        (folder / "container-token").write_text("let-me")
        self.process = folder / "keys.py"
        self.process.write_text("import json, sys\nprint(json.dumps(dict(zip(('AccessKeyId', 'SecretAccessKey'), "
                                "sys.argv[1:3]), Version=int(sys.argv[3]))))\n")

    def close(self):
        for fake in (self.imds, self.container, self.sts):
            fake.stop()

    def keys(self, kind):
        """An id and secret that only this place of this case has."""
        self.serial += 1
        name, secret = f"AKIA{kind}{self.serial:06d}", f"sEcReT/{kind}/{self.serial:06d}+"
        self.account.learn(name, secret, None)
        return name, secret

    def secrets(self):
        return [key.secret for key in self.account.keys.values()] + \
               [key.token for key in self.account.keys.values() if key.token] + [WEB_TOKEN, "let-me"]


def assignment(rng, key, value):
    key = rng.choice([key, key, key, key.upper()])
    return key + rng.choice([" = ", "=", ": ", " :", "\t=\t"]) + value


def section_lines(rng, options):
    lines, indent = [], rng.choice(["", "", "", "  "])
    for key, value in options:
        lines.append(indent + assignment(rng, key, value))
        if rng.random() < 0.1:
            lines.append(rng.choice(["", "# a comment", "  ; another", " \t"]))
        if rng.random() < 0.05:
            lines += [indent + "s3 =", indent + "  addressing_style = path"]
    return lines


def header(rng, name, is_config):
    if not is_config:
        return f"[{name}]"
    if name == "default":
        return rng.choice(["[default]", "[default]", "[profile default]"])
    quoted = shlex.quote(name) if rng.random() < 0.8 or " " in name else f'"{name}"'
    return rng.choice([f"[profile {quoted}]", f"[profile\t{quoted}]", f"[profile {quoted}] ; x"])


def key_options(rng, world, kind):
    name, secret = world.keys(kind)
    options = [("aws_access_key_id", name), ("aws_secret_access_key", secret)]
    if rng.random() < 0.04:
        options.pop()
    elif rng.random() < 0.04:
        options.pop(0)
    return options


def role_options(rng, world):
    options = [("role_arn", rng.choice(ROLES))]
    kind = rng.random()
    if kind < 0.66:
        options.append(("source_profile", rng.choice(NAMES * 4 + ["nowhere"])))
    if 0.64 < kind < 0.98:
        options.append(("credential_source", rng.choice(["Environment", "Ec2InstanceMetadata", "EcsContainer"] * 4 +
                                                        ["environment", "Bad"])))
    options += [("external_id", "ext-3")] if options[0][1] == ROLES[2] or rng.random() < 0.1 else []
    options += [("duration_seconds", rng.choice(["1800", "x", "900"]))] if rng.random() < 0.2 else []
    options += [("role_session_name", "by-name")] if rng.random() < 0.3 else []
    return options


def profile_options(rng, world, is_config):
    options = []
    if rng.random() < 0.45:
        options += key_options(rng, world, "CONF" if is_config else "CRED")
    if rng.random() < 0.35:
        options += role_options(rng, world)
    if rng.random() < 0.15:
        options += [("web_identity_token_file", str(world.folder / "web-token"))]
    if rng.random() < 0.2:
        name, secret = world.keys("PROC")
        version = rng.choice([1] * 9 + [2])
        options += [("credential_process", f'"{sys.executable}" {world.process} {name} \'{secret}\' {version}')]
    if rng.random() < 0.03:
        options += [("sso_account_id", "1"), ("sso_role_name", "x")]
    if rng.random() < 0.02:
        options += [("login_session", "arn:x")]
    rng.shuffle(options)
    return options


def spoiled(rng, lines):
    """Now and then something that configparser refuses, or takes in a way of its own."""
    if rng.random() < 0.08:
        at = rng.randrange(len(lines) + 1)
        lines.insert(at, rng.choice(["no value here", "= nothing", "[unfinished", "[]", "[default]", "[DEFAULT]",
                                     "[preview]", "aws_access_key_id = AKIAEXAMPLE000000001", "    deeper = 1",
                                     "[profile a b c]", "[profile 'open]", "key", "region = us-west-2"]))
    return lines


def config_file(rng, world, path, is_config):
    if rng.random() < 0.25:
        return
    lines = ["# made up"] if rng.random() < 0.3 else []
    if rng.random() < 0.05:
        lines += ["[DEFAULT]"] + section_lines(rng, key_options(rng, world, "DFLT"))
    for name in rng.sample(NAMES, rng.choice([1, 3, 4, 5, 5, 5])):
        lines.append(header(rng, name, is_config))
        lines += section_lines(rng, profile_options(rng, world, is_config))
    path.write_text(rng.choice(["\n", "\n", "\r\n"]).join(spoiled(rng, lines)) + rng.choice(["\n", ""]), newline="")


def environment(rng, world, case):
    home = world.folder / f"home{case}"
    (home / ".aws").mkdir(parents=True)
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "us-west-2",
           "AWS_ENDPOINT_URL_STS": world.sts.url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": world.imds.url,
           "AWS_EC2_METADATA_DISABLED": rng.choice(["true", "TRUE", "false", "false", ""])}
    config, credentials = home / ".aws/config", home / ".aws/credentials"
    if rng.random() < 0.3:
        config, env["AWS_CONFIG_FILE"] = home / "cfg", rng.choice(["~/cfg", "$HOME/cfg", "${HOME}/cfg"])
    if rng.random() < 0.3:
        credentials, env["AWS_SHARED_CREDENTIALS_FILE"] = home / "crd", str(home / "crd")
    config_file(rng, world, config, True)
    config_file(rng, world, credentials, False)
    if rng.random() < 0.25:
        env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = world.keys("ENVI")
        if rng.random() < 0.15:
            del env["AWS_SECRET_ACCESS_KEY"]
        if rng.random() < 0.1:
            env["AWS_ACCESS_KEY_ID"] = ""
    if rng.random() < 0.2:
        env["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(world.folder / "web-token")
        if rng.random() < 0.9:
            env["AWS_ROLE_ARN"] = rng.choice(ROLES[:2])
    if rng.random() < 0.25:
        env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{world.container.url}/keys"
        env.update(rng.choice([{"AWS_CONTAINER_AUTHORIZATION_TOKEN": "let-me"},
                               {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(world.folder / "container-token"),
                                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other"},
                               {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "let\r\nme"}]))
        if rng.random() < 0.1:
            env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://192.0.2.1/keys"
    for variable, chance in (("AWS_PROFILE", 0.25), ("AWS_DEFAULT_PROFILE", 0.1)):
        if rng.random() < chance:
            env[variable] = rng.choice(NAMES * 4 + ["nowhere"])
    return env, rng.choice(["", "", "", "", "", *NAMES])


@contextlib.contextmanager
def standing_in(env):
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def of_botocore(env, profile):
    """(id, hash), or None and why."""
    with standing_in(env):
        try:
            session = botocore.session.Session(profile=profile or None)
            session.register_component("data_loader", LOADER)
            session.set_default_client_config(botocore.config.Config(retries={"total_max_attempts": 1}))
            got = session.get_credentials()
            got = got and got.get_frozen_credentials()
        except Exception as no:  # whatever it is: it found nothing
            return None, repr(no)
    if not got:
        return None, "none"
    if any(c.isspace() for c in got.access_key):
        return None, "an id that no header can carry, which we say at once"
    text = f"{got.secret_key} {got.token or ''}"
    return (got.access_key, hashlib.sha256(text.encode()).hexdigest()), ""


def place(world, name):
    """Where an id comes from: keys of files and the environment are their own place."""
    for fake, what in ((world.imds, "imds"), (world.container, "container")):
        if name in fake.given:
            return what
    if name in world.sts.given:
        return "sts " + world.account.keys[name].role
    return name


def calls(world, since):
    return [{key: call.get(key) for key in CALL_KEYS} | {"name": call.get("RoleSessionName")
            if call.get("RoleSessionName") == "by-name" else None} for call in world.sts.calls[since:]]


def compare(world, rng, case):
    env, profile = environment(rng, world, case)
    asked = len(world.sts.calls)
    theirs, why = of_botocore(env, profile)
    asked_by_them = calls(world, asked)
    asked = len(world.sts.calls)
    with Tell(env, profile) as tell:
        ours = tell.get()
    said = (case, profile, env, why, tell.said, "\n".join(
        f"--- {path}\n{path.read_text()}" for path in (world.folder / f"home{case}").rglob("*") if path.is_file()))
    assert (theirs is None) == (ours.error is not None), said
    for secret in world.secrets():
        assert secret not in tell.said, said
    if theirs is None:
        return "nothing"
    assert place(world, ours.id) == place(world, theirs[0]), said
    assert calls(world, asked) == asked_by_them, said
    if ours.id == theirs[0]:
        assert ours.hash == theirs[1], said
    return place(world, ours.id).split("0")[0]


@pytest.mark.parametrize("batch", range((CASES + BATCH - 1) // BATCH))
def test_our_chain_picks_what_botocore_picks(folder, batch):
    world, seen = World(folder), {}
    try:
        for case in range(batch * BATCH, min(CASES, (batch + 1) * BATCH)):
            what = compare(world, random.Random(f"credentials {case}"), case)
            seen[what] = seen.get(what, 0) + 1
    finally:
        world.close()
    print(seen)
    assert len(seen) >= 5, seen  # each batch meets many kinds
