"""moto's server behind a front that refuses what is not signed rightly: moto itself refuses right signatures
and takes wrong ones."""
import datetime
import http.client
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

from aws_account import Account, Refused
from http_fake import Answer, HttpFake
from world import free_port, wait_until

UNSIGNED = re.compile(rb"(^|&)Action=AssumeRoleWithWebIdentity(&|$)")
STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"
ANSWER_S = 120


class Moto:
    """`moto_server` as a process of its own."""

    def __init__(self, folder, ip="127.0.0.1"):
        self.ip, self.port, self.log = ip, free_port(ip), folder / "moto.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", ip, "-p", str(self.port)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.answers, f"moto answers: {self.log}", 60)

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask("GET", "/moto-api/data.json", {}, b"")[0] == 200
        except OSError:
            return False

    def ask(self, method, target, headers, body):
        link = http.client.HTTPConnection(self.ip, self.port, timeout=ANSWER_S)
        try:
            link.request(method, target, body, headers)
            answer = link.getresponse()
            return answer.status, answer.getheader("Content-Type", "text/xml"), answer.read()
        finally:
            link.close()

    def reset(self):
        """An account without anything."""
        assert self.ask("POST", "/moto-api/reset", {}, b"")[0] == 200

    def close(self):
        self.process.terminate()
        self.process.wait(20)


class Front(HttpFake):
    """Checks signature, scope, clock and payload of each request, then lets moto answer it.  Keys that its STS gives
    are known from then on.  seen: (method, target, key id, code) of each request."""

    def __init__(self, moto, ip="127.0.0.1", port=0, context=None, account=None):
        self.moto, self.account, self.seen = moto, account or Account(), []
        super().__init__(ip, port, context)

    def now(self):
        return self.account.now()

    def handle(self, request):
        key = code = ""
        try:
            if not (request.path == "/" and UNSIGNED.search(request.body)):
                key = self.verify(request)
            # Ids of hosted zones begin with a Z; moto's do not.
            target = request.target.replace("/hostedzone/Z", "/hostedzone/")
            status, kind, body = self.moto.ask(request.method, target, dict(request.headers), request.body)
            body = body.replace(b"<Id>/hostedzone/", b"<Id>/hostedzone/Z")
            if b"</Credentials>" in body:
                self.learn(body)
            answer = Answer(status, body, kind)
        except Refused as no:
            code = no.code
            answer = Answer(no.status, "<ErrorResponse><Error><Type>Sender</Type><Code>"
                                       f"{no.code}</Code><Message><![CDATA[{no.message}]]></Message></Error>"
                                       "<RequestId>front</RequestId></ErrorResponse>")
        self.seen.append((request.method, request.target, key, code))
        return answer

    def verify(self, request):
        """The service is of the path: Route 53's is versioned, STS's is the root."""
        if request.path.startswith("/2013-04-01/"):
            return self.verify_for(request, "us-east-1", ("route53",))
        # Of what region STS is depends on the address that was asked, which is ours here: the scope's own.
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", request.header("Authorization") or "")
        return self.verify_for(request, scope.group(1) if scope else "", ("sts",))

    def verify_for(self, request, region, services):
        return self.account.verify(request.method, request.target, request.headers, request.body, region, services)

    def learn(self, body):
        given = ET.fromstring(body).find(f".//{STS}Credentials")
        if given is None:
            return
        name, secret, token, expires = (given.findtext(STS + n) for n in ("AccessKeyId", "SecretAccessKey",
                                                                          "SessionToken", "Expiration"))
        at = datetime.datetime.fromisoformat(expires.replace("Z", "+00:00")).timestamp()
        self.account.learn(name, secret, token, at)
