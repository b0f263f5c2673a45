#!/usr/bin/env python3
"""From a flip to the last of three secondaries on the new serial: NSD, Knot and BIND take the zone by
signed transfer from dnsflip, on loopback, and are asked for their SOA all the time.  Time counts from
the first answer of dnsflip itself that has the new serial.

usage: secondaries.py [NAMES [ROUNDS]]      (240 and 11)
Reads DNSFLIP_BUILD (build/release).  A server that cannot be had is a SKIP line with the reason.
Exit code 1 if a secondary did not get the new serial, or another address than dnsflip has."""
import contextlib
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

import flip
from answers import Missing, free_port, program
from flip import CLUSTERS, ZONE, Daemon

KEY, SECRET = "bench", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
FOLLOW_S, POLL_S = 30, 0.0002
REST_S = 1.5  # between flips: NSD takes over what it has got once a second at most
SOA, A = 6, 1

NSD = """server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{dir}"
  pidfile: "{dir}/pid"
  database: ""
  zonelistfile: "{dir}/zone.list"
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
key:
  name: "{key}"
  algorithm: hmac-sha256
  secret: "{secret}"
zone:
  name: "{zone}"
  zonefile: "{dir}/zone"
  allow-notify: 127.0.0.1 {key}
  request-xfr: AXFR 127.0.0.1@{primary} {key}
"""
KNOT = """server:
  rundir: {dir}
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {dir}
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: primary
    address: 127.0.0.1@{primary}
    key: {key}
acl:
  - id: notify
    address: 127.0.0.1
    key: {key}
    action: notify
zone:
  - domain: {zone}
    storage: {dir}
    master: primary
    acl: notify
"""
NAMED = """options {{
  directory "{dir}";
  pid-file "{dir}/pid";
  session-keyfile "{dir}/session.key";
  managed-keys-directory "{dir}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
}};
controls {{ }};
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{
  type secondary;
  file "{dir}/zone";
  primaries {{ 127.0.0.1 port {primary} key "{key}"; }};
}};
"""
SERVERS = (("nsd", "nsd", NSD, "nsd", ["-d", "-c"]), ("knot", "knot", KNOT, "knotd", ["-c"]),
           ("bind", "bind9", NAMED, "named", ["-g", "-n", "1", "-c"]))


def skip_name(message, at):
    while message[at] != 0:
        if message[at] >= 0xc0:
            return at + 2
        at += 1 + message[at]
    return at + 1


class Server:
    """One name server to be asked."""

    def __init__(self, name, port):
        self.name, self.port, self.process = name, port, None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(1)
        self.id = 0

    def ask(self, name, kind):
        """The data of the first record, or None."""
        self.id = (self.id + 1) & 0xffff
        labels = b"".join(bytes([len(w)]) + w.encode() for w in name.split("."))
        with contextlib.suppress(OSError):
            self.socket.send(struct.pack("!6H", self.id, 0, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1))
            while True:
                message = self.socket.recv(4096)
                if struct.unpack_from("!H", message)[0] == self.id:
                    break
            if struct.unpack_from("!H", message, 6)[0] == 0:
                return None
            at = skip_name(message, skip_name(message, 12) + 4)
            size = struct.unpack_from("!H", message, at + 8)[0]
            return message[at + 10:at + 10 + size]
        return None

    def serial(self):
        data = self.ask(ZONE, SOA)
        return struct.unpack_from("!I", data, len(data) - 20)[0] if data else None

    def address(self):
        data = self.ask(f"n0.{ZONE}", A)
        return socket.inet_ntoa(data) if data else None

    def start(self, directory, config, command, primary):
        directory.mkdir()
        (directory / "conf").write_text(config.format(dir=directory, port=self.port, primary=primary, zone=ZONE,
                                                      key=KEY, secret=SECRET))
        with open(directory / "log", "wb") as log:
            self.process = subprocess.Popen([*command, str(directory / "conf")], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=directory)

    def stop(self):
        self.socket.close()
        if self.process:
            self.process.terminate()
            self.process.wait(30)


def find_servers():
    """Those that can be had, and the command of each."""
    found = []
    for name, package, config, binary, options in SERVERS:
        try:
            command = [*program(package, binary), *options]
        except Missing as why:
            print(f"SKIP {name}: {why}")
            continue
        found.append((Server(name, free_port()), config, command))
    return found


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def follow(primary, servers, before):
    """Seconds from dnsflip's new serial to that of each; None = not in time."""
    took, began, new = {}, None, None
    end = time.monotonic() + FOLLOW_S
    while len(took) < len(servers) and time.monotonic() < end:
        if began is None:
            new = primary.serial()
            began = time.monotonic() if new not in (None, before) else None
        for server in servers if began else ():
            if server.name not in took and server.serial() == new:
                took[server.name] = time.monotonic() - began
        time.sleep(POLL_S)
    return took if len(took) == len(servers) else None


def run(directory, names, rounds):
    (directory / "keys").write_text(f"{KEY}:hmac-sha256:{SECRET}\n")
    (directory / "keys").chmod(0o600)
    port = free_port()
    found = find_servers()
    servers = [server for server, _, _ in found]
    if not servers:
        return False
    listed = ", ".join(f'"127.0.0.1:{s.port}"' for s in servers)
    flip.free_port = lambda: port
    flip.CONFIG = flip.CONFIG.replace(
        " nameservers:", f" secondaries: {{{{ notify: [{listed}], transfer_key_file: keys }}}}, nameservers:")
    daemon, primary = Daemon(directory, names), Server("dnsflip", port)
    took, bad = [], False
    try:
        for server, config, command in found:
            server.start(directory / server.name, config, command, port)
        if not wait_for(lambda: {s.serial() for s in servers} == {primary.serial()}, FOLLOW_S):
            print("the secondaries do not take the zone")
            return True
        for _ in range(rounds):
            time.sleep(REST_S)
            before = primary.serial()
            thread = threading.Thread(target=daemon.flip)
            thread.start()
            took.append(follow(primary, servers, before))
            thread.join()
            bad |= took[-1] is None or {s.address() for s in servers} != {CLUSTERS[daemon.active]}
    finally:
        daemon.stop()
        for server in [*servers, primary]:
            server.stop()
    return report(names, servers, took) or bad


def report(names, servers, took):
    done = [t for t in took if t is not None]
    print(f"{names} names, {len(done)} of {len(took)} flips followed by all; ms from dnsflip's new serial to theirs")
    for server in servers if done else ():
        each = [1000 * t[server.name] for t in done]
        print(f"  {server.name:8} median {statistics.median(each):8.1f}   worst {max(each):8.1f}")
    if done:
        last = [1000 * max(t.values()) for t in done]
        print(f"  {'the last':8} median {statistics.median(last):8.1f}   worst {max(last):8.1f}")
    return len(done) < len(took)


def main():
    names, rounds = [int(w) for w in sys.argv[1:]] + [240, 11][len(sys.argv) - 1:]
    with tempfile.TemporaryDirectory() as temporary:
        return int(run(pathlib.Path(temporary), names, rounds))


if __name__ == "__main__":
    sys.exit(main())
