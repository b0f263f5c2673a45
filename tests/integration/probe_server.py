#!/usr/bin/env python3
"""Servers for test_probes.c and test_web.c: well-behaved, ill-behaved and Airflow-shaped ones on loopback.

Makes a throw-away authority and certificates in the folder given as argument, prints one line
"name port" for each server and then "ready", and ends when its standard input does."""
import datetime
import email.utils
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

CA_CONF = """
[ca]
default_ca = it
[it]
dir = {dir}
new_certs_dir = {dir}
database = {dir}/index
serial = {dir}/serial
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_key(path):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path))


def make_ca(folder, name):
    make_key(folder / f"{name}.key")
    openssl("req", "-x509", "-new", "-key", str(folder / f"{name}.key"), "-subj", f"/CN={name}",
            "-days", "2", "-out", str(folder / f"{name}.pem"))


def make_leaf(folder, name, ca, hostname, start, end):
    """A certificate for hostname, valid from start to end, signed by ca."""
    key, csr, pem = (folder / f"{name}.{end_}" for end_ in ("key", "csr", "pem"))
    make_key(key)
    openssl("req", "-new", "-key", str(key), "-subj", f"/CN={hostname}",
            "-addext", f"subjectAltName=DNS:{hostname}", "-out", str(csr))
    stamp = "%Y%m%d%H%M%SZ"
    openssl("ca", "-batch", "-notext", "-config", str(folder / "ca.conf"),
            "-keyfile", str(folder / f"{ca}.key"), "-cert", str(folder / f"{ca}.pem"),
            "-startdate", start.strftime(stamp), "-enddate", end.strftime(stamp),
            "-in", str(csr), "-out", str(pem))


def make_certificates(folder):
    (folder / "ca.conf").write_text(CA_CONF.format(dir=folder))
    (folder / "index").write_text("")
    (folder / "serial").write_text("1000\n")
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    make_ca(folder, "trusted")
    make_ca(folder, "stranger")
    make_leaf(folder, "good", "trusted", "airflow.test", now - day, now + day)
    make_leaf(folder, "other-name", "trusted", "other.test", now - day, now + day)
    make_leaf(folder, "expired", "trusted", "airflow.test", now - 3 * day, now - day)
    make_leaf(folder, "future", "trusted", "airflow.test", now + day, now + 3 * day)
    make_leaf(folder, "untrusted", "stranger", "airflow.test", now - day, now + day)


def stamp(offset_s=0, sep="T"):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_s)
    return when.isoformat(sep)


def health(scheduler="healthy", database="healthy", offset_s=0, **more):
    doc = {"metadatabase": {"status": database},
           "scheduler": {"status": scheduler, "latest_scheduler_heartbeat": stamp(offset_s)},
           "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
           "dag_processor": {"status": None, "latest_dag_processor_heartbeat": None}}
    doc.update(more)
    return doc


VERSION_3 = {"version": "3.1.0", "git_version": None}
VERSION_2 = {"version": "2.10.5", "git_version": ".release:x"}
NO_ROUTE = (404, {"error": "API route not found"})
LOTS_OF_CIRCLES = (404, "<html>Airflow 404 = lots of circles</html>")
ELSEWHERE = (404, "Apache Airflow is not at this location", "text/plain")
SPA = (200, "<!doctype html><html></html>")
AIRFLOW_3 = {"/api/v2/version": lambda: (200, VERSION_3),
             "/api/v2/monitor/health": lambda: (200, health()),
             "/execution/health": lambda: (200, {"status": "healthy"}),
             "/execution/health/ping": lambda: (200, {"ok": ["x"], "failing": {}})}


def airflow_3(**answers):
    routes = dict(AIRFLOW_3)
    for name, answer in answers.items():
        routes[{"health": "/api/v2/monitor/health", "version": "/api/v2/version",
                "execution": "/execution/health", "ping": "/execution/health/ping"}[name]] = answer
    return lambda path: routes[path]() if path in routes else (
        NO_ROUTE if path.startswith("/api/") else SPA)


def airflow_2(path):
    return {"/api/v1/version": (200, VERSION_2), "/api/v1/health": (200, health()),
            "/health": (200, health())}.get(path, LOTS_OF_CIRCLES)


def astro_2(path):
    return {"/api/v1/version": (200, VERSION_2),
            "/api/v2/monitor/health": (200, health())}.get(path, LOTS_OF_CIRCLES)


SITES = {
    "af3": airflow_3(),
    "af2": airflow_2,
    "astro2": astro_2,
    "elsewhere": lambda path: ELSEWHERE,
    "nothing": lambda path: (404, "default backend - 404", "text/plain"),
    "spa": lambda path: SPA,
    "login": lambda path: (302, "", "text/html"),
    "denied": lambda path: (403, {}),
    "scheduler-dead": airflow_3(health=lambda: (200, health(scheduler="unhealthy"))),
    "database-dead": airflow_3(health=lambda: (200, health(database="unhealthy"))),
    "old-heartbeat": airflow_3(health=lambda: (200, health(offset_s=-3600))),
    "future-heartbeat": airflow_3(health=lambda: (200, health(offset_s=3600))),
    "no-health": airflow_3(health=lambda: NO_ROUTE),
    "health-502": airflow_3(health=lambda: (502, "bad gateway")),
    "health-html": airflow_3(health=lambda: SPA),
    "triggerer": airflow_3(health=lambda: (200, health(triggerer={"status": "healthy"}))),
    "no-ping": airflow_3(ping=lambda: NO_ROUTE),
    "ping-500": airflow_3(ping=lambda: (500, {"ok": [], "failing": {"x": "boom"}})),
    "execution-sick": airflow_3(execution=lambda: (200, {"status": "unhealthy"})),
    "core-only": airflow_3(execution=lambda: SPA),
}


class Connection:
    """One accepted connection: answers requests until told otherwise."""

    def __init__(self, sock, serial):
        self.sock = sock
        self.serial = serial
        self.requests = 0
        self.body = b""

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def answer(self, status, body, content_type=None, close=False):
        if not isinstance(body, (str, bytes)):
            body, content_type = json.dumps(body), content_type or "application/json"
        body = body if isinstance(body, bytes) else body.encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}",
                 f"Date: {email.utils.formatdate(usegmt=True)}"]
        if content_type != "":
            lines.append(f"Content-Type: {content_type or 'text/html'}")
        if 300 <= status < 400:
            lines.append("Location: http://127.0.0.1:1/login")
        if close:
            lines.append("Connection: close")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def facts(self, **more):
        return dict(status="healthy", connection=self.serial, request=self.requests,
                    server=self.sock.getsockname()[0],
                    resumed=getattr(self.sock, "session_reused", False), **more)

    def wait_for_end(self):
        try:
            while self.sock.recv(4096):
                pass
        except OSError:
            pass
        return False

    def handle(self, path, head):
        """Answers one request; False ends the connection."""
        site = re.fullmatch(r"/([a-z0-9-]+)(/(?:api|execution|health).*)", path)
        if site and site[1] in SITES:
            self.answer(*SITES[site[1]](site[2]))
            return True
        name = path.strip("/").split("/")
        if name[0] == "status":
            self.answer(int(name[1]), {"status": "healthy"})
            return True
        do = getattr(self, "do_" + name[0].replace("-", "_"), None)
        if do is None:
            self.answer(404, {"error": path})
            return True
        return do(head)

    def do_ok(self, head):
        self.answer(200, self.facts())
        return True

    def do_echo(self, head):
        self.answer(200, head, "text/plain")
        return True

    def do_body(self, head):
        self.answer(200, f"{self.requests}\n{head}\n{self.body.hex()}", "text/plain")
        return True

    def do_early(self, head):
        """Answers and hangs up though more was announced."""
        self.answer(413, "too much", "text/plain", close=True)
        return False

    def do_html(self, head):
        self.answer(200, "<html>healthy</html>")
        return True

    def do_bad_json(self, head):
        self.answer(200, '{"status": "healthy"', "application/json")
        return True

    def do_junk(self, head):
        self.answer(200, '{"status": "healthy"} x', "application/json")
        return True

    def do_no_type(self, head):
        self.answer(200, '{"status": "healthy"}', "")
        return True

    def do_big(self, head):
        self.answer(200, "x" * 200000, "text/plain")
        return True

    def do_endless(self, head):
        self.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            self.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    def do_headers(self, head):
        self.send("HTTP/1.1 200 X\r\n")
        while True:
            self.send("X-More: " + "y" * 900 + "\r\n")

    def do_hang(self, head):
        return self.wait_for_end()

    def do_hang_after_headers(self, head):
        self.send("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nstart")
        return self.wait_for_end()

    def do_drip(self, head):
        self.send("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
        while True:
            self.send("x")
            time.sleep(0.02)

    def do_reset(self, head):
        self.send("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nstart")
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def do_close(self, head):
        self.send("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nstart")
        return False

    def do_silent_close(self, head):
        return False

    def do_garbage(self, head):
        self.send("SSH-2.0-OpenSSH_9.2\r\nnot HTTP at all\r\n")
        return False

    def do_bye(self, head):
        """Leaves the client believing that the connection stays."""
        self.answer(200, self.facts())
        return False

    def do_once(self, head):
        """Answers the first request of a connection and hangs up on the second."""
        if self.requests > 1:
            return False
        self.answer(200, self.facts())
        return True

    def serve(self):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                more = self.sock.recv(65536)
                if not more:
                    return
                data += more
                if data[0] == 0x16:  # a TLS greeting
                    self.answer(400, "plain HTTP here", close=True)
                    return
            head, _, data = data.partition(b"\r\n\r\n")
            self.requests += 1
            length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
            length = int(length[1]) if length else 0
            while len(data) < length:
                more = self.sock.recv(65536)
                if not more:
                    return
                data += more
            self.body, data = data[:length], data[length:]
            if not self.handle(head.split()[1].decode(), head.decode()):
                return


class Server:
    """Accepts on address (port 0 = any); with a certificate it speaks TLS."""

    def __init__(self, address, port=0, certificate=None):
        self.socket = socket.create_server((address, port), backlog=256,
                                           family=socket.AF_INET6 if ":" in address
                                           else socket.AF_INET)
        self.port = self.socket.getsockname()[1]
        self.accepted = 0
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.socket.accept()
            self.accepted += 1
            threading.Thread(target=self.run, args=(sock, self.accepted), daemon=True).start()

    def run(self, sock, serial):
        try:
            with sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.context:
                    sock = self.context.wrap_socket(sock, server_side=True)
                with sock:
                    Connection(sock, serial).serve()
        except OSError:
            pass


class Proxy(Server):
    """Tunnels to 127.0.0.1, whatever the host asked for; plain requests it answers itself."""

    def run(self, sock, serial):
        head = b""
        while b"\r\n\r\n" not in head:
            more = sock.recv(65536)
            if not more:
                return
            head += more
        words = head.split()
        with sock:
            if words[0] != b"CONNECT" or b"secret" in head.lower():
                Connection(sock, serial).answer(200, b"proxy\n" + head, "text/plain", close=True)
                return
            if words[1].startswith(b"forbidden"):
                Connection(sock, serial).answer(407, "no", close=True)
                return
            with socket.create_connection(("127.0.0.1", int(words[1].split(b":")[1]))) as far:
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                threading.Thread(target=self.copy, args=(far, sock), daemon=True).start()
                self.copy(sock, far)

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Aborter(Server):
    """Resets each connection at once."""

    def run(self, sock, serial):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


class Mute(Server):
    """Accepts, and never says a word."""

    def run(self, sock, serial):
        with sock:
            Connection(sock, serial).wait_for_end()


class NameServer:
    """A resolver that knows a handful of names: (address, type) by first label."""

    ADDRESSES = {b"lb": {1: bytes([127, 0, 0, 1])}, b"lb6": {28: bytes(15) + b"\x01"}}

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(512)
            label = query[13:13 + query[12]]
            kind = struct.unpack("!H", query[-4:-2])[0]
            known = self.ADDRESSES.get(label)
            data = (known or {}).get(kind)
            answer = bytearray(query)
            answer[2] |= 0x80
            answer[3] = 0x80 | (0 if known else 3)
            if data:
                answer[7] = 1
                answer += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
            self.socket.sendto(bytes(answer), client)


def pair(certificate=None):
    """Two servers on one port: two clusters of one hostname."""
    while True:
        server = Server("127.0.0.1", certificate=certificate)
        try:
            Server("127.0.0.2", server.port, certificate)
            return server
        except OSError:  # somebody else has the port there
            continue


def main():
    folder = pathlib.Path(sys.argv[1])
    make_certificates(folder)
    servers = {"http": pair(), "good": pair(folder / "good"), "http6": Server("::1"),
               "dns": NameServer(), "proxy": Proxy("127.0.0.1"),
               "aborter": Aborter("127.0.0.1"), "mute": Mute("127.0.0.1")}
    for name in ("other-name", "expired", "future", "untrusted"):
        servers[name] = Server("127.0.0.1", certificate=folder / name)
    for name, server in servers.items():
        print(name, server.port)
    print("ready", 0, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
