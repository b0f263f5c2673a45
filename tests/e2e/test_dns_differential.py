"""dnsflip, NSD and Knot hold the same zones and are asked the same questions.

The answers must be equal in rcode, AA and TC, in the records of the answer section, in the SOA of
negative answers, and in NS records and glue of referrals.  What else may differ stands in ACCEPTED,
each with its reason."""
import contextlib
import random

import pytest

import dns_peers
import dns_site
from dns_strict import (A, AA, AAAA, Answer, ANY, CAA, CNAME, DNAME, DS, HTTPS, MX, NAPTR, NOERROR, NS,
                        PTR, SERVFAIL, SOA, SRV, SVCB, TC, TXT, Tcp, Udp, check,
                        expect_reply, lower, mixed, opt, query, wire)

SEED = 20261123
QUESTIONS = 4000
CHAIN_STEPS = 16
UDP_BYTES = 1232  # the most that an answer by UDP has (RFC 9715)
TCP_EVERY = 8
TYPES = [A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DNAME, DS, ANY, CAA, NAPTR, SVCB, HTTPS, 65280,
         65281, 99, 1234]
FREQUENT = [A, A, A, AAAA, TXT, CNAME, MX]
LABELS = [b"\x01*", b"\x03www", b"\x01a", b"\x01b", b"\x03sub", b"\x03ent", b"\x01x", b"\x04deep",
          b"\x04use1", b"\x0f_acme-challenge", b"\x00", b"\x01\x00", b"\x02\xffA", b"\x3f" + b"q" * 63]
UNADOPTED = {wire(name) for name in dns_site.UNADOPTED}
APEXES = {wire(zone) for zone in dns_site.ZONES}


def ancestors(name):
    """The name and every name above it, the root left out."""
    while name != b"\0":
        yield name
        name = name[1 + name[0]:]


def owners():
    """Every name that the zones hold, and those between it and the apex, on the wire."""
    found = set()
    for zone in dns_site.ZONES:
        origin = zone + "."
        for line in dns_site.zone_text(zone, 1).splitlines():
            if line.startswith("$ORIGIN"):
                origin = line.split()[1]
            word = line.split(" ")[0]
            if word == "@":
                word = origin
            if word and not word.startswith("$"):
                found.add(lower(wire(word if word.endswith(".") and word[-2:] != "\\." else
                                     f"{word}.{origin}")))
    return sorted({above for name in found for above in ancestors(name)})


def questions(rng, n):
    """(name, type): each name with some types, and names beside and below."""
    names = owners()
    out = [(name, qtype) for name in names for qtype in TYPES]
    rng.shuffle(out)
    out = out[:n // 2]
    while len(out) < n:
        name = rng.choice(names)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
            if rng.random() < 0.3 and name != b"\0":
                name = name[1 + name[0]:]
            label = rng.choice(LABELS + [rng.choice(names)])
            name = label[:1 + label[0]] + name if label[0] else name
        if len(name) <= 255:
            out.append((name, rng.choice(TYPES + 2 * FREQUENT)))
    return [(mixed(name, rng), qtype) for name, qtype in out]


def is_referral(got):
    return not got.flags & AA and got.rcode == NOERROR and any(r.type == NS for r in got.authority)


def zone_of(name):
    return next((above for above in ancestors(lower(name)) if above in APEXES), None)


def chain(name, got):
    """The name asked and those that the answer's CNAMEs lead to."""
    names = [lower(name)]
    targets = {lower(r.owner): r.rdata for r in got.answer if r.type == CNAME}
    while names[-1] in targets and targets[names[-1]] not in names:
        names.append(targets[names[-1]])
    return names


def view(got):
    """What is compared: all that a resolver acts on."""
    seen = {"rcode": got.rcode, "aa": bool(got.flags & AA), "tc": bool(got.flags & TC),
            "answer": set(got.keys("answer"))}
    seen["soa"] = sorted(r.key() for r in got.authority if r.type == SOA)
    seen["ns"] = seen["glue"] = None
    if is_referral(got):
        seen["ns"] = got.keys("authority")
        servers = {r.rdata for r in got.authority if r.type == NS}
        cut = lower(got.authority[0].owner)
        # In-domain glue is a duty (RFC 9471), all other addresses are a courtesy.
        seen["glue"] = sorted(r.key() for r in got.additional if lower(r.owner) in servers
                              and cut in ancestors(lower(r.owner)))
    return seen


ACCEPTED = {}


def accepted(why):
    def add(rule):
        ACCEPTED[rule] = why
        return rule
    return add


@accepted("A group that nobody adopted is answered with SERVFAIL; peers hold the name without data.")
def unadopted(peer, name, qtype, ours, theirs):
    return ours.rcode == SERVFAIL and chain(name, theirs)[-1] in UNADOPTED


@accepted("ANY: one RRset is answer enough (RFC 8482), and each server chooses its own.")
def any_type(peer, name, qtype, ours, theirs):
    return (qtype == ANY and ours.rcode == theirs.rcode and len({r.type for r in ours.answer}) == 1
            and theirs.answer)


@accepted("NSD follows a CNAME into another zone that it serves; Knot and dnsflip leave that to the "
          "resolver, which would not believe it.")
def other_zone(peer, name, qtype, ours, theirs):
    names = chain(name, ours)
    return (peer == "nsd" and zone_of(names[-1]) not in (zone_of(name), None)
            and ours.rcode == NOERROR and not ours.authority
            and set(ours.keys("answer")) <= set(theirs.keys("answer")))


@accepted("A DNAME below itself makes ever longer names: each server gives up after another number of "
          "steps.")
def endless(peer, name, qtype, ours, theirs):
    mine, other = set(ours.keys("answer")), set(theirs.keys("answer"))
    return (ours.rcode == theirs.rcode == NOERROR and not ours.authority and (other < mine or mine < other)
            and sum(r.type == CNAME for r in ours.answer) >= CHAIN_STEPS)


@accepted("DS of a zone whose parent is served here too: no zone holds DS records, so both say NODATA, "
          "but peers with the SOA of the parent (RFC 4035 3.1.4.1), dnsflip with the zone's own.")
def ds_of_apex(peer, name, qtype, ours, theirs):
    return qtype == DS and chain(name, ours)[-1] in APEXES and not ours.rcode and not theirs.rcode


class Comparison:
    def __init__(self):
        self.compared, self.differences, self.met = 0, [], {}

    def compare(self, peer, name, qtype, ours, theirs):
        self.compared += 1
        mine, other = view(ours), view(theirs)
        if mine == other:
            return
        for rule in ACCEPTED:
            if rule(peer, name, qtype, ours, theirs):
                self.met[rule] = self.met.get(rule, 0) + 1
                return
        self.differences.append((peer, (name, qtype), {k: (mine[k], other[k]) for k in mine
                                               if mine[k] != other[k]}))

    def report(self):
        return "\n".join(f"{peer} {asked}: {what}" for peer, asked, what in self.differences[:20])


@contextlib.contextmanager
def running(folder, active):
    """An Asker of each server: dnsflip first."""
    with contextlib.ExitStack() as stack:
        daemon = dns_site.start(folder, active=active)
        stack.callback(dns_site.stop, daemon)
        asker = Udp(daemon.site.dns)
        stack.callback(asker.close)
        zones = {}
        for zone in dns_site.ZONES:
            soa = asker.ask(query(zone, SOA)).answer[0]
            serial = int.from_bytes(soa.rdata[-20:-16], "big")
            zones[zone] = dns_site.zone_text(zone, serial, dns_site.CLUSTERS.index(active))
        askers = [Asker("dnsflip", daemon.site.dns)]
        for kind in (dns_peers.Nsd, dns_peers.Knot):
            peer = kind(folder / kind.package, zones)
            stack.callback(peer.close)
            askers.append(Asker(kind.package, peer.address))
        for one in askers:
            stack.callback(one.close)
        yield askers


class Asker:
    """Asks one server; a truncated answer is asked for again by TCP, as a resolver would."""

    def __init__(self, name, address):
        self.name, self.address, self.udp = name, address, Udp(address)

    def close(self):
        self.udp.close()

    def read(self, data, raw):
        # Peers put records into truncated answers: that duty is ours alone.
        return expect_reply(raw, data) if self.name == "dnsflip" else Answer(raw)

    def ask_tcp(self, data):
        tcp = Tcp(self.address)
        raw = tcp.ask_raw(data)
        tcp.close()
        return self.read(data, raw)

    def ask(self, data, is_tcp):
        if is_tcp:
            return self.ask_tcp(data)
        got = self.read(data, self.udp.ask_raw(data))
        return self.ask_tcp(data) if got.flags & TC and self.name != "dnsflip" else got


def ask_all(servers, data, is_tcp, limit):
    """The whole answer of each.  One of ours is truncated if, and only if, it does not fit."""
    ours = servers[0].ask(data, is_tcp)
    if not is_tcp:
        check(len(ours.data) <= limit, "longer than was asked for", len(ours.data))
    if ours.flags & TC:
        is_tcp = True
        ours = servers[0].ask(data, is_tcp)
        check(len(ours.data) > limit, "truncated, but it had fitted", len(ours.data))
    check(not ours.flags & TC, "truncated over TCP")
    check(len(ours.answer) == len(set(ours.keys("answer"))), "a record twice", ours.answer)
    return [ours] + [peer.ask(data, is_tcp) for peer in servers[1:]]


def compare_all(servers, rng, n):
    comparison = Comparison()
    for number, (name, qtype) in enumerate(questions(rng, n)):
        is_tcp = number % TCP_EVERY == 0
        limit = rng.choice((512, 512, 1232, 4096))
        additional = (opt(limit),) if limit > 512 or rng.random() < 0.5 else ()
        data = query(name, qtype, ident=rng.randrange(65536), flags=rng.choice((0, 0x100)),
                     additional=additional)
        ours, *theirs = ask_all(servers, data, is_tcp, min(limit, UDP_BYTES))
        for peer, got in zip(servers[1:], theirs):
            comparison.compare(peer.name, name, qtype, ours, got)
    return comparison


@pytest.mark.parametrize("active", dns_site.CLUSTERS)
def test_answers_are_those_of_nsd_and_knot(tmp_path_factory, active):
    with running(tmp_path_factory.mktemp("n"), active) as servers:
        comparison = compare_all(servers, random.Random(SEED), QUESTIONS)
    assert comparison.compared == QUESTIONS * 2
    assert not comparison.differences, comparison.report()
    assert all(rule in comparison.met for rule in (unadopted, other_zone)), comparison.met
