"""Fixtures of the end-to-end tests: real programs, fake clusters, on loopback alone."""
import ssl
import subprocess

import pytest

from fakes import Network
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
        assert not any(word in log for word in ("Assertion", "Sanitizer", "runtime error")), log


@pytest.fixture
def daemon(site, make):
    """One that runs on the ordinary configuration, both clusters judged."""
    return make(site).start()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """ca.pem, and a server context for a certificate with the given names."""
    folder = tmp_path_factory.mktemp("ca")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", "-days", "2")

    def context(names):
        stem = names.replace("*", "_").replace(":", "_")
        openssl("req", *key, "-keyout", f"{stem}.key", "-out", f"{stem}.csr", "-subj", "/CN=leaf")
        (folder / f"{stem}.ext").write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
                "-CAcreateserial", "-extfile", f"{stem}.ext", "-out", f"{stem}.pem")
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(folder / f"{stem}.pem", folder / f"{stem}.key")
        return made

    context.ca = folder / "ca.pem"
    return context
