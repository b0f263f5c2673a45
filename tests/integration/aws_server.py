#!/usr/bin/env python3
"""Services for test_aws.c: each request's signature is checked with botocore, then it is answered as its path says.

/do/FIRST,SECOND,.../ID: the n-th request of ID meets the n-th fate, the last one for ever.  /count/ID: how many came
for ID.  A request to a proxy is answered in place of the host it is for.  Makes a certificate in the folder given as
argument, prints one line "name port" for each service and then "ready", and ends when its standard input does."""
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import urllib.parse
from xml.sax.saxutils import escape

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from aws_account import Account, Refused  # noqa: E402
from http_fake import Answer, HttpFake  # noqa: E402

REGION, SERVICES = "us-east-1", ("route53", "route53-recovery-cluster")
OLD, NEW, WRONG = ("AKIDOLD", "old-secret"), ("AKIDNEW", "new-secret"), ("AKIDWRONG", "another-secret")
TOKEN = "token/of+the==session"
LONG_BYTES = 100000

counts, order, lock = {}, [], threading.Lock()


def error(status, code, message):
    return Answer(status, '<?xml version="1.0"?>\n<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
                          f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
                          "<RequestId>1</RequestId></ErrorResponse>")


FATES = {
    "throttle": lambda: error(400, "Throttling", "Rate exceeded"),
    "busy": lambda: error(400, "PriorRequestNotComplete", "The request was rejected."),
    "denied": lambda: error(403, "AccessDenied", "User is not authorized"),
    "invalid": lambda: error(400, "InvalidChangeBatch", "[Tried to delete what is not there]"),
    "json": lambda: Answer(409, '{"__type":"com.x#ConflictException","message":"a rule says no"}',
                           "application/x-amz-json-1.0"),
    "header": lambda: Answer(400, '{"message":"not now"}', "application/x-amz-json-1.0",
                             (("x-amzn-ErrorType", "EndpointTemporarilyUnavailableException:http://x/"),)),
    "500": lambda: Answer(500, "<html>sorry</html>", "text/html"),
    "drop": lambda: Answer(act="reset"),
    "half": lambda: Answer(200, "x" * 1000, act="half"),
    "hang": lambda: Answer(act="hang"),
    "long": lambda: Answer(200, "x" * LONG_BYTES),
    "redirect": lambda: Answer(302, headers=(("Location", "/do/ok/redirected"),)),
}


class Service(HttpFake):
    def __init__(self, offset_s=0, context=None):
        self.account = Account(OLD, NEW, WRONG)
        self.account.clock_offset_s = offset_s
        for name, key in self.account.keys.items():
            key.token = TOKEN
            key.expires = self.account.now() - 1 if name == OLD[0] else None
        super().__init__(context=context)

    def now(self):
        return self.account.now()

    def handle(self, request):
        target = urllib.parse.urlsplit(request.target)._replace(scheme="", netloc="").geturl()
        _, what, *rest = map(urllib.parse.unquote, target.partition("?")[0].split("/"))
        if what == "count":
            return Answer(200, str(counts.get(rest[0], 0)))
        if what == "order":
            return Answer(200, " ".join(order))
        fates, name = rest[0].split(","), rest[1]
        with lock:
            n = counts[name] = counts.get(name, 0) + 1
            order.append(name)
        try:
            self.account.verify(request.method, target, request.headers, request.body, REGION, SERVICES)
        except Refused as refused:
            return error(refused.status, refused.code, str(refused.message))
        fate = fates[min(n, len(fates)) - 1]
        if fate in FATES:
            return FATES[fate]()
        return Answer(200, f"{n} {request.method} {request.query} {request.header('Content-Type')} "
                           f"{request.header('X-Amz-Target')} {len(request.body)}")


def resets():
    """Takes connections and cuts them before it reads."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve():
        while True:
            link, _ = listener.accept()
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def certificate(folder):
    trusted, key = folder / "trusted.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(trusted)],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, key)
    return context


def main(folder):
    services = {"tls": Service(context=certificate(folder)),
                "aws": Service(), "ahead": Service(1200), "behind": Service(-1200)}
    for name, service in services.items():
        print(name, service.port)
    print("resets", resets())
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
