"""NSD and Knot, unpacked under build/peers, started as plain processes on loopback."""
import os
import pathlib
import shlex
import subprocess

import pytest

from dns_strict import Udp, query, SOA
from world import free_port, wait_until

TOP = pathlib.Path(__file__).resolve().parents[2]
UNPACK_S = 120


def environment():
    """What build/peers/env sets: name="value" lines, value up to the first $ kept whole."""
    text = (TOP / "build/peers/env").read_text()
    found = dict(os.environ)
    for line in text.splitlines():
        name, sign, value = line.partition("=")
        if sign:
            found[name] = shlex.split(value)[0].replace("$PATH", os.environ.get("PATH", ""))
    return found


def unpack(package):
    """Skips the test if the package cannot be had."""
    done = subprocess.run([TOP / "tests/support/peers.sh", package], capture_output=True, text=True,
                          timeout=UNPACK_S, check=False)
    if done.returncode != 0:
        pytest.skip(f"{package} cannot be unpacked: {(done.stderr or done.stdout).strip()[-200:]}")


def here(function, *words, **more):
    return function(*words, **more)


class Process:
    """A server of a Debian package, unpacked: package names it, config() and command() say how it runs in
    self.folder."""
    process = None

    def launch(self, run=here):
        """Anew too, after close: with what config says then.  run: calls a function where the server belongs."""
        self.log = self.folder / "log"
        (self.folder / "conf").write_text(self.config())
        with self.log.open("ab") as log:
            self.process = run(subprocess.Popen, self.command(), env=environment(), stdout=log, stderr=log,
                               stdin=subprocess.DEVNULL, cwd=self.folder)

    def close(self):
        """Nothing, if it has ended or never began."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Peer(Process):
    """Serves zones (name to text) on self.address until closed."""

    def __init__(self, folder, zones):
        unpack(self.package)
        self.folder, self.zones = folder, zones
        folder.mkdir()
        self.address = ("127.0.0.1", free_port("127.0.0.1"))
        for zone, text in zones.items():
            (folder / f"{zone}.zone").write_text(text)
        self.launch()
        try:
            wait_until(self.is_serving, f"{self.package} serves: {self.log}")
        except BaseException:
            self.close()
            raise

    def is_serving(self):
        assert self.process.poll() is None, self.log.read_text()
        asker = Udp(self.address, timeout_s=0.3)
        try:
            return all(asker.ask(query(zone, SOA)).answer for zone in self.zones)
        except (OSError, ConnectionError):
            return False
        finally:
            asker.close()


class Nsd(Peer):
    package = "nsd"

    def config(self):
        zones = "".join(f'zone:\n  name: "{z}"\n  zonefile: "{self.folder}/{z}.zone"\n'
                        for z in self.zones)
        return f"""server:
  server-count: 1
  ip-address: {self.address[0]}@{self.address[1]}
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  pidfile: "{self.folder}/pid"
  database: ""
  zonelistfile: "{self.folder}/zone.list"
  xfrdfile: "{self.folder}/xfrd.state"
  xfrdir: "{self.folder}"
  verbosity: 1
  ipv4-edns-size: 1232
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
{zones}"""

    def command(self):
        return ["nsd", "-d", "-c", str(self.folder / "conf")]


class Knot(Peer):
    package = "knot"

    def config(self):
        zones = "".join(f'  - domain: "{z}"\n    file: "{z}.zone"\n' for z in self.zones)
        return f"""server:
  rundir: "{self.folder}"
  listen: {self.address[0]}@{self.address[1]}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: warning
database:
  storage: "{self.folder}"
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    journal-content: none
zone:
{zones}"""

    def command(self):
        return ["knotd", "-c", str(self.folder / "conf")]
