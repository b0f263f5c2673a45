"""An AWS account as its services see it: keys, and a strict check of every signature with botocore."""
import datetime
import hashlib
import re
import secrets
import threading
import time
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import ReadOnlyCredentials

SKEW_S = 300
EXAMPLE_KEY = ("AKIAEXAMPLE000000001", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
STAMP = "%Y%m%dT%H%M%SZ"
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, ?"
                           r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")


class Refused(Exception):
    """A request that the service says no to."""

    def __init__(self, status, code, message):
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


class Key:
    def __init__(self, secret, token=None, expires=None, role=None):
        """expires: a time of time.time(), None = never."""
        self.secret, self.token, self.expires, self.role = secret, token, expires, role


class Account:
    """Keys that are known to all services of one test.  clock_offset_s: how far the services' clock is ahead."""

    def __init__(self, *keys):
        self.lock = threading.Lock()
        self.keys = {name: Key(secret) for name, secret in keys or (EXAMPLE_KEY,)}
        self.clock_offset_s = 0

    def now(self):
        return time.time() + self.clock_offset_s

    def issue(self, lifetime_s=3600, role=None):
        """New temporary credentials: (id, Key)."""
        with self.lock:
            name = f"ASIA{secrets.token_hex(8).upper()}"
            key = Key(secrets.token_urlsafe(30), f"token/{secrets.token_urlsafe(60)}==", self.now() + lifetime_s, role)
            self.keys[name] = key
            return name, key

    def learn(self, name, secret, token, expires=None):
        with self.lock:
            self.keys[name] = Key(secret, token, expires)

    def expire_all(self):
        """From now on every temporary key is refused as expired."""
        with self.lock:
            for key in self.keys.values():
                if key.token:
                    key.expires = self.now() - 1

    def verify(self, method, target, headers, body, region, services):
        """Refuses what is not signed rightly for region and one of services; returns the key's id.
        target: path and query as received; headers: (name, value) pairs as received."""
        sent = HTTPHeaders()
        for name, value in headers:
            sent[name] = value
        said = AUTHORIZATION.fullmatch(sent.get("Authorization", ""))
        if not said:
            code = "IncompleteSignature" if "Authorization" in sent else "MissingAuthenticationToken"
            raise Refused(403, code, "Request is missing Authentication Token")
        name, day, its_region, its_service, signed, signature = said.groups()
        key = self.keys.get(name)
        if not key:
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if its_region != region or its_service not in services:
            raise Refused(403, "SignatureDoesNotMatch",
                          f"Credential should be scoped to {region}/{services[0]}, not {its_region}/{its_service}.")
        self.check_time(sent.get("X-Amz-Date", ""), day)
        signed = signed.split(";")
        self.check_headers(sent, signed, body)
        self.check_signature(Received(method, target, sent, body, signed), name, key,
                             (its_service, its_region), signature)
        token = sent.get("X-Amz-Security-Token")
        if token != key.token:
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if key.expires is not None and self.now() >= key.expires:
            raise Refused(403, "ExpiredToken", "The security token included in the request is expired")
        return name

    def check_time(self, stamp, day):
        try:
            at = datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.timezone.utc).timestamp()
        except ValueError:
            raise Refused(403, "IncompleteSignature", f"Date must be in ISO-8601 'basic format'. Got '{stamp}'.") from None
        if stamp[:8] != day:
            raise Refused(403, "SignatureDoesNotMatch", "Date in Credential scope does not match YYYYMMDD from X-Amz-Date")
        if abs(at - self.now()) > SKEW_S:
            raise Refused(403, "RequestTimeTooSkewed",
                          "The difference between the request time and the current time is too large.")

    @staticmethod
    def check_headers(sent, signed, body):
        if signed != sorted(set(signed)):
            raise Refused(403, "IncompleteSignature", "SignedHeaders are not sorted")
        for name in signed:
            if name not in sent:
                raise Refused(403, "SignatureDoesNotMatch",
                              f"'{name}' is named as a SignedHeader, but it does not exist in the HTTP request")
        must = {"host"} | {name.lower() for name in sent if name.lower().startswith("x-amz-")}
        if not must <= set(signed):
            raise Refused(403, "SignatureDoesNotMatch", f"must be signed: {sorted(must - set(signed))}")
        claimed = sent.get("X-Amz-Content-SHA256")
        if claimed and claimed != hashlib.sha256(body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch",
                          "The provided 'x-amz-content-sha256' header does not match what was computed.")

    @staticmethod
    def check_signature(received, name, key, scope, signature):
        signer = Verifier(ReadOnlyCredentials(name, key.secret, key.token), *scope)
        request = received.request()
        request.context["timestamp"] = request.headers["X-Amz-Date"]
        canonical = signer.canonical_request(request)
        text = signer.string_to_sign(request, canonical)
        if signer.signature(text, request) != signature:
            raise Refused(403, "SignatureDoesNotMatch",
                          "The request signature we calculated does not match the signature you provided. "
                          f"The Canonical String for this request should have been '{canonical}' "
                          f"The String-to-Sign should have been '{text}'")


class Received:
    def __init__(self, method, target, headers, body, signed):
        self.method, self.headers, self.body, self.signed = method, headers, body, signed
        path, _, query = target.partition("?")
        # The service reads names and values, and writes them its own way.
        pairs = [tuple(map(urllib.parse.unquote, (part.partition("=")[::2]))) for part in query.split("&") if part]
        query = "&".join("=".join(urllib.parse.quote(word, safe="-_.~") for word in pair) for pair in pairs)
        self.url = f"http://{headers['Host']}{path}" + (f"?{query}" if query else "")

    def request(self):
        made = AWSRequest(method=self.method, url=self.url, data=self.body, headers=self.headers)
        made.context["signed"] = self.signed
        return made


class Verifier(SigV4Auth):
    def headers_to_sign(self, request):
        """Those that the client says it has signed, no others."""
        chosen = HTTPHeaders()
        for name in request.context["signed"]:
            for value in request.headers.get_all(name):
                chosen[name] = value
        return chosen
