"""Where credentials come from, on loopback: instance metadata (IMDSv2), the container endpoint of ECS and EKS, STS.
What they give out is known to the account, so that the services of the test take it."""
import datetime
import json
import secrets
import time
import urllib.parse
from xml.sax.saxutils import escape

from aws_account import Account, Refused
from http_fake import Answer, HttpFake

ROLE = "dnsflip"
ROLE_ARN = "arn:aws:iam::123456789012:role/dnsflip"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
TOKEN_SECONDS_MAX = 21600


def iso(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Source(HttpFake):
    """lifetime_s: how long what it gives out lives.  spoil: a function of the Answer to one that is worse, or None.
    asked: (method, target) of each request; given: ids of keys, in order."""

    def __init__(self, account, ip="127.0.0.1", port=0, context=None, lifetime_s=3600):
        self.account, self.lifetime_s, self.spoil = account, lifetime_s, None
        self.asked, self.given = [], []
        super().__init__(ip, port, context)

    def now(self):
        return self.account.now()

    def handle(self, request):
        self.asked.append((request.method, request.target))
        answer = self.serve(request)
        return self.spoil(answer) if self.spoil else answer

    def serve(self, request):
        raise NotImplementedError

    def issue(self, role=ROLE):
        name, key = self.account.issue(self.lifetime_s, role)
        self.given.append(name)
        return name, key

    def document(self, **more):
        """The JSON that metadata and containers give."""
        name, key = self.issue()
        return json.dumps({"AccessKeyId": name, "SecretAccessKey": key.secret, "Token": key.token,
                           "Expiration": iso(key.expires), **more})


class Metadata(Source):
    """IMDSv2: nothing without a session token, and a token lives as long as was asked for.
    code: of the credentials document ("Success").  same: gives the last credentials again, as an instance whose
    source of credentials is down."""

    code, same, role = "Success", False, ROLE
    last = None

    def __init__(self, *words, **more):
        self.tokens = {}
        super().__init__(*words, **more)

    def serve(self, request):
        if request.path == "/latest/api/token":
            return self.token(request)
        token = request.header("x-aws-ec2-metadata-token")
        if self.tokens.get(token, 0) <= time.monotonic():
            return Answer(401, "", "text/html")
        root = "/latest/meta-data/iam/security-credentials/"
        if request.method != "GET" or not request.path.startswith(root.rstrip("/")):
            return Answer(404, "", "text/html")
        if request.path in (root, root.rstrip("/")):
            return Answer(200, self.role, "text/plain") if self.role else Answer(404, "", "text/html")
        if request.path != root + self.role:
            return Answer(404, "", "text/html")
        if self.code != "Success":
            return Answer(200, json.dumps({"Code": self.code, "Message": "the role cannot be assumed",
                                           "LastUpdated": iso(self.now())}), "text/plain")
        if not (self.same and self.last):
            self.last = self.document(Code="Success", Type="AWS-HMAC", LastUpdated=iso(self.now()))
        return Answer(200, self.last, "text/plain")

    def token(self, request):
        seconds = request.header("x-aws-ec2-metadata-token-ttl-seconds") or ""
        if request.method != "PUT" or request.header("X-Forwarded-For"):
            return Answer(403 if request.method == "PUT" else 405, "", "text/html")
        if not seconds.isdecimal() or not 1 <= int(seconds) <= TOKEN_SECONDS_MAX:
            return Answer(400, "", "text/html")
        token = secrets.token_urlsafe(40) + "=="
        self.tokens[token] = time.monotonic() + int(seconds)
        return Answer(200, token, "text/plain", [("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", seconds)])

    def forget_tokens(self):
        """The next request with a token of before is 401."""
        self.tokens.clear()


class Container(Source):
    """path: where credentials are; authorization: what the header must be (None: ECS, none is asked for)."""

    def __init__(self, *words, path="/v2/credentials/11111111-2222", authorization=None, **more):
        self.path, self.authorization = path, authorization
        super().__init__(*words, **more)

    def serve(self, request):
        if request.method != "GET" or request.target != self.path:
            return Answer(404, '{"code":"NotFound"}', "application/json")
        if self.authorization is not None and request.header("Authorization") != self.authorization:
            return Answer(401, '{"code":"AccessDenied","message":"no such token"}', "application/json")
        return Answer(200, self.document(RoleArn=ROLE_ARN), "application/json")


class Sts(Source):
    """AssumeRole, signed for its region, and AssumeRoleWithWebIdentity, unsigned.
    roles: {ARN: external id it asks for, or None}; web_tokens: those that are taken now.
    refuse: None, or (status, code, message) for everything."""

    def __init__(self, *words, region="us-west-2", roles=None, web_tokens=(), **more):
        self.region, self.roles = region, roles if roles is not None else {ROLE_ARN: None}
        self.web_tokens, self.refuse, self.calls = set(web_tokens), None, []
        super().__init__(*words, **more)

    def serve(self, request):
        form = {}
        try:
            form = self.form(request)
            self.calls.append(form)
            if self.refuse:
                raise Refused(*self.refuse)
            action = {"AssumeRole": self.assume, "AssumeRoleWithWebIdentity": self.web}.get(form.get("Action"))
            if form.get("Version") != "2011-06-15" or not action:
                raise Refused(400, "InvalidAction", f"Could not find operation {form.get('Action')}")
            action(form, request)
            return self.credentials(form)
        except Refused as no:
            return Answer(no.status, f'<ErrorResponse xmlns="{STS_NAMESPACE}"><Error><Type>Sender</Type>'
                                     f"<Code>{no.code}</Code><Message>{escape(no.message)}</Message></Error>"
                                     "<RequestId>r</RequestId></ErrorResponse>")

    @staticmethod
    def form(request):
        if request.method != "POST" or request.path != "/":
            raise Refused(404, "InvalidAction", f"{request.method} {request.path}")
        if not (request.header("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
            raise Refused(400, "MalformedInput", "the body is a form")
        return dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))

    def assume(self, form, request):
        self.account.verify(request.method, request.target, request.headers, request.body, self.region, ("sts",))
        arn = form.get("RoleArn")
        if arn not in self.roles or self.roles[arn] != form.get("ExternalId"):
            raise Refused(403, "AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {arn}")

    def web(self, form, request):
        if request.header("Authorization"):
            raise Refused(403, "SignatureDoesNotMatch", "this call is not signed")
        if form.get("RoleArn") not in self.roles:
            raise Refused(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        if form.get("WebIdentityToken") not in self.web_tokens:
            raise Refused(400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration")

    def credentials(self, form):
        action, session = form["Action"], form.get("RoleSessionName", "")
        if not 2 <= len(session) <= 64:
            raise Refused(400, "ValidationError", f"'{session}' at 'roleSessionName' failed to satisfy constraint")
        seconds = int(form.get("DurationSeconds", 3600))
        if not 900 <= seconds <= 43200:
            raise Refused(400, "ValidationError", f"'{seconds}' at 'durationSeconds' failed to satisfy constraint")
        name, key = self.issue(form["RoleArn"])
        return Answer(200, f'<{action}Response xmlns="{STS_NAMESPACE}"><{action}Result><AssumedRoleUser>'
                           f"<AssumedRoleId>AROA:{escape(session)}</AssumedRoleId><Arn>{form['RoleArn']}</Arn>"
                           f"</AssumedRoleUser><Credentials><AccessKeyId>{name}</AccessKeyId>"
                           f"<SecretAccessKey>{key.secret}</SecretAccessKey><SessionToken>{key.token}</SessionToken>"
                           f"<Expiration>{iso(key.expires)}</Expiration></Credentials></{action}Result>"
                           f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>")


__all__ = ["Account", "Container", "Metadata", "Sts", "ROLE", "ROLE_ARN"]
