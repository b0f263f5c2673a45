"""Goal: our signatures are those of AWS's published suite, and botocore's for whatever request we make up."""
import datetime
import json
import os
import pathlib
import random
import string
import subprocess
import urllib.parse

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from dns_peers import TOP

SIGN = pathlib.Path(os.environ["DNSFLIP_BUILD"]) / "tests/signing/sign"
FETCH_S = 300
MADE_UP = 6000
SUITE_KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SUITE_TIME = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.timezone.utc)
# One case writes its space encoded, and the signature is of the space itself.
WRITTEN_ENCODED = {"get-space-normalized"}
# Of these two the canonical request alone is published: not the key, not the scope.
HAVE_NO_CONTEXT = {"double-encode-path", "double-url-encode"}


class Request:
    def __init__(self, method, path, query, headers, body, key=SUITE_KEY, scope=("us-east-1", "service"),
                 time=SUITE_TIME, normalised=True):
        self.method, self.path, self.query, self.headers, self.body = method, path, query, headers, body
        self.key, self.scope, self.time, self.normalised = key, scope, time, normalised

    def told(self):
        """What tests/signing/sign reads."""
        def line(word, *values):
            return " ".join([word] + [v.hex() if isinstance(v, bytes) else v.encode().hex() for v in values])

        lines = [line("method", self.method), line("path", self.path), line("query", self.query),
                 line("body", self.body), line("id", self.key[0]), line("secret", self.key[1]),
                 line("region", self.scope[0]), line("service", self.scope[1]), line("time", self.time.isoformat())]
        lines += [line("header", name, value) for name, value in self.headers]
        return "\n".join(lines + ([] if self.normalised else ["raw"]) + ["sign"]) + "\n"


def sign(requests):
    """(canonical request, string to sign, Authorization) of each, by one process."""
    done = subprocess.run([SIGN], input="".join(request.told() for request in requests).encode(),
                          capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 3 * len(requests), [line for line in lines if line.startswith("error")][:3]
    texts = [bytes.fromhex(line).decode() for line in lines]
    return list(zip(texts[0::3], texts[1::3], texts[2::3]))


def fetch(where):
    done = subprocess.run([TOP / "tests/support/signing_suite.sh", where], capture_output=True, text=True,
                          timeout=FETCH_S, check=False)
    if done.returncode != 0:
        pytest.skip(f"AWS's signing cases cannot be had from {where}: {done.stderr.strip()[-200:]}")
    return TOP / "build/peers/signing" / where


def read_request(text, **more):
    """A request as the suite writes it: lines end in LF, a line that begins with a space goes on the one before."""
    head, _, body = text.partition("\n\n")
    lines = head.rstrip("\n").split("\n")
    method, _, rest = lines[0].partition(" ")
    path, _, query = rest.rpartition(" ")[0].partition("?")
    headers = []
    for line in lines[1:]:
        if line[0] in " \t":
            headers[-1][1] += "\n" + line
        else:
            headers.append([line.partition(":")[0], line.partition(":")[2]])
    return Request(method, path, query, headers, body, **more)


def add_signed(request, canonical, wanted):
    """A header that the suite hands over beside the request is signed if the canonical request has it."""
    for line in canonical.splitlines():
        name, _, value = line.partition(":")
        if name == wanted and name not in [given.lower() for given, _ in request.headers]:
            request.headers.append([name, value])


def wrong_cases(cases):
    signed = sign([request for _, request, _ in cases])
    return {name: (ours, theirs) for (name, _, theirs), ours in zip(cases, signed) if ours != theirs}


def test_each_case_of_the_published_suite_is_signed_as_published():
    cases = []
    for path in sorted(fetch("pypi").rglob("*.req")):
        texts = tuple(path.with_suffix(kind).read_text() for kind in (".creq", ".sts", ".authz"))
        request = read_request(path.read_text())
        add_signed(request, texts[0], "x-amz-security-token")
        cases.append((path.stem, request, texts))
    assert len(cases) >= 34
    assert wrong_cases(cases) == {}


def test_each_published_case_of_paths_that_stay_as_they_are_is_signed_as_published():
    cases = []
    for folder in sorted((fetch("cargo") / "aws-signing-test-suite/v4").iterdir()):
        name, said = folder.name, {}
        if (folder / "context.json").exists():
            said = json.loads((folder / "context.json").read_text())
        canonical = (folder / "header-canonical-request.txt").read_text()
        request = read_request((folder / "request.txt").read_text(), normalised=said.get("normalize", True))
        if name in WRITTEN_ENCODED:
            request.path = urllib.parse.unquote(request.path)
        # What the signer adds, and which headers it leaves out, stands in the canonical request alone.
        names = canonical.splitlines()[-2].split(";")
        request.headers = [header for header in request.headers if header[0].lower() in names and
                           header[0].lower() != "x-amz-date"]
        for added in names:
            add_signed(request, canonical, added)
        cases.append((folder, request, canonical))
    assert len(cases) >= 38
    wrong = {}
    for (folder, _, canonical), ours in zip(cases, sign([request for _, request, _ in cases])):
        right = ours[0] == canonical
        if folder.name not in HAVE_NO_CONTEXT:
            right = right and ours[1] == (folder / "header-string-to-sign.txt").read_text()
            right = right and ours[2].endswith("Signature=" + (folder / "header-signature.txt").read_text())
        if not right:
            wrong[folder.name] = (ours, canonical)
    assert wrong == {}


# Made-up requests.

SERVICES = ["route53", "sts", "route53-recovery-cluster", "service"]
REGIONS = ["us-east-1", "cn-northwest-1", "us-gov-west-1", "eu-central-1", "ap-southeast-2"]
TEXT = string.ascii_letters + string.digits + "-_.~ *+/%&=?:;,@!$'()[]{}|\\^`\"<>#é中\u1234\U0001f600"


def made_text(dice, most):
    return "".join(dice.choice(TEXT) for _ in range(dice.randrange(most)))


def made_path(dice):
    segments = [dice.choice([".", "..", "", "2013-04-01", "hostedzone", "Z1", urllib.parse.quote(made_text(dice, 8), safe="")])
                for _ in range(dice.randrange(7))]
    return "/" + "/".join(segments)


def made_query(dice):
    names = [made_text(dice, 6) or "a" for _ in range(dice.randrange(6))]
    if names and dice.random() < 0.3:
        names.append(names[0])
    quoted = [urllib.parse.quote(name, safe="-_.~") + "=" + urllib.parse.quote(made_text(dice, 9), safe="-_.~")
              for name in names]
    return "&".join(quoted)


def made_headers(dice, time):
    headers = [["Host", dice.choice(["route53.amazonaws.com", "127.0.0.1:8080"])],
               ["X-Amz-Date", time.strftime("%Y%m%dT%H%M%SZ")]]
    if dice.random() < 0.5:
        headers.append(["Content-Type", dice.choice(["text/xml", "application/x-amz-json-1.0", "a;  b=c "])])
    for _ in range(dice.randrange(4)):
        name = dice.choice(["X-Amz-Target", "x-amz-meta-a", "X-AMZ-Meta-A-B", "My-Header", "my-header", "A", "Z9"])
        spaces = dice.choice(["", " ", "\t", "   "])
        headers.append([name, spaces + spaces.join(made_text(dice, 6).split()) + "  x" + spaces])
    return headers


def made_request(dice):
    time = datetime.datetime.fromtimestamp(dice.randrange(4 * 10**9), datetime.timezone.utc)
    headers = made_headers(dice, time)
    if dice.random() < 0.4:
        headers.append(["X-Amz-Security-Token", "".join(dice.choice(string.ascii_letters + "/+=") for _ in range(800))])
    dice.shuffle(headers)
    body = dice.choice([b"", b"x=y", dice.randbytes(dice.randrange(2000))])
    key = ("AKIA" + "".join(dice.choice(string.ascii_uppercase) for _ in range(16)),
           "".join(dice.choice(string.ascii_letters + string.digits + "/+") for _ in range(40)))
    return Request(dice.choice(["GET", "POST", "PUT", "DELETE", "HEAD"]), made_path(dice), made_query(dice), headers, body,
                   key=key, scope=(dice.choice(REGIONS), dice.choice(SERVICES)), time=time)


def botocore_signed(request):
    theirs = AWSRequest(method=request.method, url="https://host.invalid" + request.path +
                        ("?" + request.query if request.query else ""), data=request.body)
    for name, value in request.headers:
        theirs.headers.add_header(name, value)
    theirs.context["timestamp"] = request.time.strftime("%Y%m%dT%H%M%SZ")
    auth = SigV4Auth(Credentials(*request.key), request.scope[1], request.scope[0])
    canonical = auth.canonical_request(theirs)
    to_sign = auth.string_to_sign(theirs, canonical)
    return canonical, to_sign, (f"AWS4-HMAC-SHA256 Credential={auth.scope(theirs)}, "
                                f"SignedHeaders={auth.signed_headers(auth.headers_to_sign(theirs))}, "
                                f"Signature={auth.signature(to_sign, theirs)}")


def test_thousands_of_made_up_requests_are_signed_as_botocore_signs_them():
    seed = int(os.environ.get("SIGNING_SEED", "53"))
    dice = random.Random(seed)
    requests = [made_request(dice) for _ in range(MADE_UP)]
    for number, (request, ours) in enumerate(zip(requests, sign(requests))):
        assert ours == botocore_signed(request), f"request {number} of seed {seed}"
