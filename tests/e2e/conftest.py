"""Fixtures of the end-to-end tests: real programs, fake clusters, on loopback alone."""
import pathlib
import shutil
import ssl
import stat
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from fakes import Network
from secondaries import Secondary
from world import Daemon, Site


@pytest.fixture
def network():
    made = Network()
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path_factory):
    # Short: sockets lie in it.
    return tmp_path_factory.mktemp("d")


@pytest.fixture
def site(folder, network):
    return Site(folder, network)


@pytest.fixture
def make(request):
    """make(site, text): a Daemon that is ended with the test."""
    made = []

    def one(site, text=None):
        made.append(Daemon(site, text))
        return made[-1]

    yield one
    for daemon in made:
        if daemon.process:
            daemon.stop()
        log = daemon.log.read_text() if daemon.log.exists() else ""
        print(log)
        # A judge that breaks is started again, and its answers go on: look for the words.
        assert not any(word in log for word in ("Assertion", "Sanitizer", "runtime error", "SIGSYS")), log


@pytest.fixture
def daemon(site, make):
    """One that runs on the ordinary configuration, both clusters judged."""
    return make(site).start()


@pytest.fixture
def secondary(site):
    """secondary(n): the n-th of the zone's secondaries, which knows the daemon as its primary."""
    made = []

    def one(n):
        made.append(Secondary(f"{site.net}.{60 + n}"))
        made[-1].primary = site.dns
        return made[-1]

    yield one
    for server in made:
        server.close()


class Authority:
    """A certificate authority of the tests; .path is its certificate."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "ca.pem"
        self.openssl("req", "-x509", *self.key("ca"), "-out", "ca.pem", "-subj", "/CN=test", "-days", "2")

    @staticmethod
    def key(stem):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{stem}.key")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def load(self, context, names):
        """From now on context shows a certificate for names ("DNS:a.test")."""
        stem = names.replace("*", "_").replace(":", "_")
        self.openssl("req", *self.key(stem), "-out", f"{stem}.csr", "-subj", "/CN=leaf")
        (self.folder / f"{stem}.ext").write_text(f"subjectAltName={names}\n")
        self.openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
                     "-CAcreateserial", "-extfile", f"{stem}.ext", "-out", f"{stem}.pem")
        context.load_cert_chain(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")

    def context(self, names):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.num_tickets = 0  # every connection is a whole handshake
        self.load(made, names)
        return made


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def story(site, make):
    """story(): a fresh daemon that moves nothing by itself and has little else to do."""
    hook, log = site.folder / "promote", site.folder / "hook.log"
    hook.write_text(f"#!/bin/sh\necho $DNSFLIP_OPERATION >>{log}\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    proof = f"http://{site.usw2.ip}:{site.usw2.port}/writable"
    promotion = f'{{ command: [{hook}], timeout: 20s, proof: {{ kind: http, url: "{proof}", json: {{ /writable: true }} }} }}'
    text = site.config(site.group(mode="observe", promotion=promotion, deployments=("sales",)))
    text = text.replace("interval: 1s", "interval: 5m").replace("fast_interval: 100ms", "fast_interval: 5m")
    daemon = make(site, text)
    healthy = site.usw2.healthy_page
    # Promoted is what the hook has done, and nothing else.
    site.usw2.healthy_page = lambda path: ({"writable": log.exists()} if path == "/writable" else healthy(path))

    def one():
        shutil.rmtree(site.folder / "state", ignore_errors=True)
        log.unlink(missing_ok=True)
        return daemon.start(judged=False)

    daemon.hook_runs = lambda: log.read_text().split() if log.exists() else []
    return one
