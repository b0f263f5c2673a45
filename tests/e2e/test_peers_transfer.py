"""NSD, Knot and BIND as secondaries, in a network namespace of their own, configured as docs/secondaries.md
says: they take every zone, by key and by address, follow every flip, and answer as dnsflip does."""
import re
import subprocess

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest

from dns_peers import TOP, environment, unpack
from dns_site import CHILD, DEEP, OTHER, PARENT, ZONES, start, stop, zone_text
from namespaces import Pair
from world import wait_until

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PRIMARY = "198.18.53.1"
ADDRESSES = {"nsd": "198.18.53.2", "knot": "198.18.53.3", "bind9": "198.18.53.4"}
KEYED = (PARENT, OTHER, DEEP)
FOLLOW_S = 60
ANYWAY = ("--reason", "test", "--override", "source-down", "--override", "block")
PAGE = (TOP / "docs/secondaries.md").read_text()


def snippet(name):
    """What the page says, for this primary."""
    text = re.search(rf"^```{name}\n(.*?)^```$", PAGE, re.M | re.S).group(1)
    return text.replace("192.0.2.53", PRIMARY).replace("SECRET", SECRET)


def by_zone(name, start_of_zone):
    """A configuration with every zone: what comes before the zone in both snippets, and a zone for each."""
    heads, zones = [], []
    for wanted, which in ((KEYED, name), ([z for z in ZONES if z not in KEYED], f"{name}-by-address")):
        head, mark, zone = snippet(which).partition(start_of_zone)
        heads.append(head)
        zones += [mark + zone.replace("dr.example.com", z) for z in wanted]
    return heads, zones


class Secondary:
    def __init__(self, folder, net):
        unpack(self.package)
        self.folder, self.address = folder / self.package, ADDRESSES[self.package]
        self.folder.mkdir()
        self.log = self.folder / "log"
        self.start(net)

    def start(self, net):
        """Anew too, after close: with what the configuration says then, and the zones that it has."""
        (self.folder / "conf").write_text(self.config())
        with self.log.open("ab") as log:
            self.process = net.run(subprocess.Popen, self.command(), env=environment(), stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL, cwd=self.folder)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Nsd(Secondary):
    package = "nsd"

    def config(self):
        heads, zones = by_zone("nsd", "zone:\n")
        return f"""server:
  server-count: 1
  ip-address: {self.address}
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  pidfile: "{self.folder}/pid"
  database: ""
  zonelistfile: "{self.folder}/zone.list"
  xfrdfile: "{self.folder}/xfrd.state"
  xfrdir: "{self.folder}"
  verbosity: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
""" + "".join(heads) + "".join(zones)

    def command(self):
        return ["nsd", "-d", "-c", str(self.folder / "conf")]


class Knot(Secondary):
    package = "knot"

    def config(self):
        heads, zones = by_zone("knot", "zone:\n")
        sections = {}
        for head in heads:
            for title, body in re.findall(r"^(\w+:\n)((?:  .*\n)+)", head, re.M):
                sections[title] = sections.get(title, "") + body
        return f"""server:
  rundir: "{self.folder}"
  listen: {self.address}@53
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "{self.folder}"
template:
  - id: default
    storage: "{self.folder}"
""" + "".join(map("".join, sections.items())) + "zone:\n" + "".join(z.removeprefix("zone:\n") for z in zones)

    def command(self):
        return ["knotd", "-c", str(self.folder / "conf")]


class Bind(Secondary):
    package = "bind9"

    def config(self):
        heads, zones = by_zone("named", "zone ")
        return f"""options {{
    directory "{self.folder}";
    pid-file "{self.folder}/pid";
    session-keyfile "{self.folder}/session.key";
    listen-on port 53 {{ {self.address}; }};
    listen-on-v6 {{ none; }};
    query-source address {self.address};
    transfer-source {self.address};
    recursion no;
    dnssec-validation no;
    notify no;
    max-records-per-type 0;
}};
controls {{ }};
""" + "".join(heads) + "".join(zones)

    def command(self):
        return ["named", "-g", "-n", "1", "-c", str(self.folder / "conf")]


class World:
    def __init__(self, folder, pair):
        (folder / "keys").write_text(f"dnsflip-transfer:hmac-sha256:{SECRET}\n")
        (folder / "keys").chmod(0o600)
        notify = ", ".join(ADDRESSES.values())
        keyed = f"{{ notify: [{notify}], transfer_key_file: keys, allow_transfer: [198.18.53.0/24] }}"
        self.pair, self.secondaries = pair, []
        self.daemon = pair.a.run(start, folder, listen=(PRIMARY,), port=53, secondaries={
            zone: keyed if zone in KEYED else f"{{ notify: [{notify}] }}" for zone in ZONES})
        try:
            for kind in (Nsd, Knot, Bind):
                self.secondaries.append(kind(folder, pair.b))
        except BaseException:
            self.close()
            raise

    def close(self):
        for one in self.secondaries:
            one.close()
        self.pair.a.run(stop, self.daemon)

    def ask(self, address, name, kind):
        query = dns.message.make_query(name, kind, flags=0, use_edns=0, payload=1232)
        return dns.query.udp_with_fallback(query, address, 5)[0]

    def serial(self, address, zone):
        """None if it does not serve the zone."""
        try:
            answer = self.ask(address, zone, "SOA")
        except (OSError, dns.exception.DNSException):
            return None
        return answer.answer[0][0].serial if answer.answer else None

    def await_all(self):
        """Every secondary serves every zone with the serial that dnsflip has."""
        for zone in ZONES:
            for one in self.secondaries:
                wait_until(lambda z=zone, s=one: self.pair.a.run(self.serial, s.address, z)
                           == self.pair.a.run(self.serial, PRIMARY, z) is not None,
                           f"{one.package} follows {zone}: {one.log}", FOLLOW_S)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    for package in ADDRESSES:
        unpack(package)
    pair = Pair([PRIMARY], list(ADDRESSES.values()))
    try:
        made = World(tmp_path_factory.mktemp("peers"), pair)
    except BaseException:
        pair.close()
        raise
    yield made
    made.close()
    pair.close()


def facts(answer, name):
    """What the answer says of the very name that was asked for: what follows a chain is others' business."""
    def told(section, only=None):
        return sorted((r.name.to_text().lower(), r.rdtype, r.ttl, d.to_digestable()) for r in section for d in r
                      if only is None or r.name == only)
    if answer.answer:
        return "answer", told(answer.answer, name)
    return answer.rcode(), told(answer.authority)


def questions(zone, place):
    """Every name and type that the zone holds, and some that it does not."""
    read = dns.zone.from_text("$TTL 1h\n" + zone_text(zone, 1, place, still=0), zone, relativize=False,
                              check_origin=False)
    held = {(name, dns.rdatatype.to_text(rds.rdtype)) for name, rds in read.iterate_rdatasets()}
    around = {(n, t) for name, _ in held for n in (name, dns.name.from_text("zz", name)
                                                  if len(name.to_wire()) < 250 else name) for t in ("TXT", "AAAA")}
    return sorted(held | around, key=lambda q: (q[0].to_text(), q[1]))


def compare(world, zone, place):
    asked = questions(zone, place)
    differences = []

    def ask_all():
        for name, kind in asked:
            ours = facts(world.ask(PRIMARY, name, kind), name)
            if ours[0] == dns.rcode.SERVFAIL:
                continue  # of a group that is not adopted: it is not in the transfer
            for one in world.secondaries:
                theirs = facts(world.ask(one.address, name, kind), name)
                if theirs != ours:
                    differences.append((one.package, name.to_text(), kind, ours, theirs))

    world.pair.a.run(ask_all)
    assert not differences, f"{len(differences)} of {len(asked)}: {differences[:5]}"


def test_every_secondary_takes_every_zone_and_follows_every_flip(world):
    world.await_all()
    for zone in ZONES:
        compare(world, zone, 0)
    for place, to in ((1, "usw2"), (0, "use1")):
        before = world.pair.a.run(world.serial, PRIMARY, PARENT)
        world.daemon.run("switch", "prod", "--to", to, *ANYWAY)
        world.await_all()
        assert world.pair.a.run(world.serial, PRIMARY, PARENT) != before
        for zone in (PARENT, CHILD):
            compare(world, zone, place)
