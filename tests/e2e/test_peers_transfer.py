"""NSD, Knot and BIND as secondaries, in a network namespace of their own, configured as docs/secondaries.md
says: they take every zone, by key and by address, follow every flip, and answer as dnsflip does."""
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest

from dns_peers import unpack
from dns_site import CHILD, PARENT, ZONES, start, stop, zone_text
from documented_secondaries import ADDRESSES, KEYED, PRIMARY, SECRET, Bind, Knot, Nsd
from namespaces import Pair
from world import wait_until

FOLLOW_S = 60
ANYWAY = ("--reason", "test", "--override", "source-down", "--override", "block", "--override", "destination-unknown")


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
