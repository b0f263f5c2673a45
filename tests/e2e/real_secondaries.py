"""NSD, Knot and BIND, unpacked under build/peers, as secondaries of the daemon's zone on loopback."""
import shutil

import dns.flags
import dns.message
import dns.query
import dns.rcode
from dns_peers import Process, unpack
from secondaries import NAMES, with_secondaries
from world import ZONE, free_port, wait_until

KEY_NAME, SECRET = "dnsflip-transfer", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
TRIES = 10
KEY_LINE = f"{KEY_NAME}:hmac-sha256:{SECRET}\n"


class RealSecondary(Process):
    """Takes the zone, signed, from the site's daemon and serves it on self.address."""
    ip = None

    def __init__(self, site, number):
        unpack(self.package)
        ip = self.ip or f"{site.net}.{70 + number}"
        self.address, self.primary = (ip, free_port(ip)), site.dns
        self.folder = site.folder / f"{self.package}{number}"
        self.folder.mkdir()
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def text(self):
        return f"{self.address[0]}:{self.address[1]}"

    def start(self):
        self.launch()
        wait_until(lambda: self.ask(ZONE, "SOA") is not None, f"{self.package} answers: {self.log}")

    def forget(self):
        """It loses its copy: the next start knows nothing of the zone."""
        self.close()
        for made in self.folder.iterdir():
            if made.name not in ("conf", "log"):
                shutil.rmtree(made) if made.is_dir() else made.unlink()

    def ask(self, name, kind, tries=1):
        """The answer, or None if none came: an idle server that is not given the time has to be asked again."""
        assert self.process.poll() is None, self.log.read_text()
        for _ in range(tries):
            try:
                return dns.query.udp(dns.message.make_query(name, kind, flags=0), self.address[0],
                                     port=self.address[1], timeout=2)
            except (dns.exception.Timeout, OSError):
                continue
        return None

    def serial(self):
        answer = self.ask(ZONE, "SOA", TRIES)
        if answer is None or answer.rcode() != dns.rcode.NOERROR or not answer.answer:
            return None
        return answer.answer[0][0].serial

    def addresses(self):
        answers = [self.ask(name, "A", TRIES) for name in NAMES]
        return {a.answer[0][0].address if a is not None and a.answer else None for a in answers}


class Nsd(RealSecondary):
    package = "nsd"

    def config(self):
        ip, port = self.address
        return f"""server:
  server-count: 1
  ip-address: {ip}@{port}
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  pidfile: "{self.folder}/pid"
  database: ""
  zonelistfile: "{self.folder}/zone.list"
  xfrdfile: "{self.folder}/xfrd.state"
  xfrdir: "{self.folder}"
  rrl-ratelimit: 0
  verbosity: 2
remote-control:
  control-enable: no
key:
  name: "{KEY_NAME}"
  algorithm: hmac-sha256
  secret: "{SECRET}"
zone:
  name: "{ZONE}"
  zonefile: "{self.folder}/zone"
  allow-notify: {self.primary[0]} {KEY_NAME}
  request-xfr: AXFR {self.primary[0]}@{self.primary[1]} {KEY_NAME}
"""

    def command(self):
        return ["nsd", "-d", "-c", str(self.folder / "conf")]


class Knot(RealSecondary):
    package = "knot"

    def config(self):
        ip, port = self.address
        return f"""server:
  rundir: "{self.folder}"
  listen: {ip}@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "{self.folder}"
key:
  - id: {KEY_NAME}
    algorithm: hmac-sha256
    secret: {SECRET}
remote:
  - id: primary
    address: {self.primary[0]}@{self.primary[1]}
    key: {KEY_NAME}
acl:
  - id: notify
    address: {self.primary[0]}
    key: {KEY_NAME}
    action: notify
zone:
  - domain: {ZONE}
    storage: "{self.folder}"
    master: primary
    acl: notify
"""

    def command(self):
        return ["knotd", "-c", str(self.folder / "conf")]


class Bind(RealSecondary):
    package = "bind9"
    ip = "127.0.0.1"  # it listens on addresses that an interface has, and on no others

    def config(self):
        ip, port = self.address
        return f"""options {{
  directory "{self.folder}";
  pid-file "{self.folder}/pid";
  session-keyfile "{self.folder}/session.key";
  managed-keys-directory "{self.folder}";
  listen-on port {port} {{ {ip}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
}};
controls {{ }};
key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
zone "{ZONE}" {{
  type secondary;
  file "{self.folder}/zone";
  primaries {{ {self.primary[0]} port {self.primary[1]} key "{KEY_NAME}"; }};
  allow-notify {{ key "{KEY_NAME}"; }};
  request-ixfr no;
}};
"""

    def command(self):
        return ["named", "-g", "-n", "1", "-c", str(self.folder / "conf")]


def keyed(site, *servers, keys=KEY_LINE, **more):
    """The site's configuration with these secondaries and the key that they have."""
    path = site.folder / "keys"
    path.write_text(keys)
    path.chmod(0o600)
    return with_secondaries(site, *servers, **more).replace(
        "secondaries: { notify:", "secondaries: { transfer_key_file: keys, notify:")
