"""What is answered for the names of a zone: aliases, wildcards, delegations, redirects, absence, and
what a group's state makes of its names.  Each test names the RFC that it holds the server to."""
import socket

import pytest

import dns_site
from dns_strict import (A, AA, AAAA, ANY, CAA, CNAME, DNAME, DS, HTTPS, MX, NOERROR, NS, NXDOMAIN,
                        REFUSED, SERVFAIL, SOA, SRV, SVCB, TXT, YXDOMAIN, Tcp, Udp, lower, opt,
                        query, wire)

ZONE = "dr.example.test"
UNKNOWN, EMPTY = 65280, 65281
RECORD_TTL_S = 300


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    made = dns_site.start(tmp_path_factory.mktemp("c"))
    yield made
    dns_site.stop(made)


@pytest.fixture(params=["udp", "tcp"])
def way(request, daemon):
    made = (Udp if request.param == "udp" else Tcp)(daemon.site.dns)
    yield made
    made.close()


def full(name):
    """Names are relative to the zone, unless they end in a dot."""
    if name.endswith("."):
        return name
    return f"{name}.{ZONE}" if name else ZONE


def ask(way, name, qtype=A):
    return way.ask(query(full(name), qtype, additional=(opt(),)))


def v4(text):
    return socket.inet_aton(text)


def text(string):
    return bytes([len(string)]) + string.encode()


def told(records):
    """[(owner, type, rdata)] in the order of the answer."""
    return [(lower(r.owner), r.type, r.rdata) for r in records]


def expect(got, rcode, *records, aa=True):
    """rcode, AA and the answer section: (owner, type, rdata or the name in it)."""
    assert (got.rcode, bool(got.flags & AA)) == (rcode, aa)
    wanted = [(wire(full(owner)), qtype, data if isinstance(data, bytes) else wire(full(data)))
              for owner, qtype, data in records]
    assert told(got.answer) == wanted


def expect_soa(got, zone=ZONE):
    """One SOA in the authority section, kept no longer than its minimum says; nothing else."""
    assert [(lower(r.owner), r.type) for r in got.authority] == [(wire(zone), SOA)]
    assert got.authority[0].ttl == dns_site.MINIMUM_S == int.from_bytes(got.authority[0].rdata[-4:], "big")
    assert not got.additional


# ---- presence and absence


def test_the_apex_holds_soa_and_ns(way):
    """RFC 1034 4.2.1: with the configuration's TTLs, the SOA's own (not the minimum) when asked for."""
    soa = ask(way, "", SOA).answer[0]
    mname, rname = wire(f"ns1.{ZONE}"), wire(r"host\.master.example.test")
    assert soa.ttl == dns_site.SOA_TTL_S and soa.rdata.startswith(mname + rname)
    numbers = soa.rdata[len(mname + rname):]
    assert [int.from_bytes(numbers[i:i + 4], "big") for i in (4, 8, 12, 16)] == [30, 10, 1209600, 7]
    servers = ask(way, "", NS)
    assert {r.rdata for r in servers.answer} == {wire(f"ns1.{ZONE}"), wire("ns.example.net")}
    assert {r.ttl for r in servers.answer} == {dns_site.NS_TTL_S}
    expect(ask(way, "ns1"), NOERROR, ("ns1", A, v4("127.0.0.1")))


@pytest.mark.parametrize("name, qtype", [("www", MX), ("www", CNAME), ("www", DNAME), ("", A), ("app", AAAA),
                                         ("six", A), ("dn", A), ("dnt", A), ("unknown", TXT)])
def test_nodata_carries_the_soa(way, name, qtype):
    """RFC 2308 2.2: no error, an empty answer, the SOA."""
    got = ask(way, name, qtype)
    expect(got, NOERROR)
    expect_soa(got)


@pytest.mark.parametrize("name", ["nothing", "a.nothing", "x.www2", "\\000", "x.mail", "a.b.unknown", "app2",
                                  "use3.dual", "x.use1.app2", "xwild", "nul"])
@pytest.mark.parametrize("qtype", [A, TXT, CNAME, ANY])
def test_nxdomain_carries_the_soa(way, name, qtype):
    """RFC 2308 2.1, RFC 8020: a name error, for each type alike."""
    got = ask(way, name, qtype)
    expect(got, NXDOMAIN)
    expect_soa(got)


@pytest.mark.parametrize("name", ["ent", "ents", "d.ents", "c.d.ents", "b.c.d.ents", "_tcp", "airflow",
                                  "ent.wild", "mid", "two", "wst", "cut.ents", "wild", "_acme-challenge"])
def test_empty_non_terminals_are_there(way, name):
    """RFC 8020 2, RFC 4592 2.2.2: they exist, and so are no name error."""
    if name == "_acme-challenge":
        expect(ask(way, name), NXDOMAIN)  # only below managed names
        return
    for qtype in (A, TXT, NS, ANY):
        got = ask(way, name, qtype)
        expect(got, NOERROR)
        expect_soa(got)


@pytest.mark.parametrize("name", ["example.test", "test", ".", "other2.test", "xdr.example.test", "r.example.test",
                                  "dr.example.tes", "dr.example", "b.deep.test"])
def test_names_outside_all_zones_are_refused(way, name):
    """RFC 8499, RFC 1035 4.1.1: REFUSED, no authority claimed, no root hints."""
    got = way.ask(query(name))
    expect(got, REFUSED, aa=False)
    assert not got.authority + got.additional


@pytest.mark.parametrize("name, zone", [("host.child.dr.example.test", "child.dr.example.test"),
                                        ("w.sub.other.test", "other.test"), ("w.a.b.deep.test", "a.b.deep.test")])
def test_the_zone_with_the_longest_name_answers(way, name, zone):
    """RFC 1034 4.3.2 step 2: the nearest zone above the name; a delegation to it stands in no way."""
    assert ask(way, name + ".").answer and ask(way, name + ".").flags & AA
    got = ask(way, name + ".", SVCB)
    expect(got, NOERROR)
    expect_soa(got, zone)


# ---- what records hold


@pytest.mark.parametrize("name, qtype, datas", [
    ("unknown", UNKNOWN, {b"\1\2\3\4", b"\1\2\3\5"}), ("empty", EMPTY, {b""}), ("type1", A, {v4("192.0.2.112")}),
    ("caa", CAA, {b"\x80\5iodefmailto:a@example.com"}), ("hinfo", 13, {b"\nGeneric PC\5Linux"}),
    ("mixed", TXT, {text("Case Of Text Stays")}), ("www", TXT, {b"\3one\3two"}),
    ("mx", MX, {b"\0\x0a" + wire(f"www.{ZONE}"), b"\0\x14" + wire("out.example.net"), b"\0\x1e" + wire(f"app.{ZONE}")}),
    ("_sip._tcp", SRV, {b"\0\1\0\2\x13\xc4" + wire(f"www.{ZONE}"), b"\0\1\0\2\x13\xc4" + wire("sip.example.net")}),
    ("svcb", SVCB, {b"\0\1" + wire(f"www.{ZONE}") + b"\0\1\0\3\2h2\0\3\0\2\x20\xfb"}),
    ("svcbalias", SVCB, {b"\0\0" + wire(f"app.{ZONE}")}),
    ("https", HTTPS, {b"\0\1\0\0\1\0\6\2h2\2h3\0\4\0\4" + v4("192.0.2.1") + b"\0\6\0\x10"
                      + socket.inet_pton(socket.AF_INET6, "2001:db8::1")}),
    ("h", HTTPS, {b"\0\1\0\0\1\0\6\2h2\2h3\0\3\0\2\x20\xfb"}),
    ("dual", A, {v4("192.0.2.1"), v4("192.0.2.2")}),
    ("dual", AAAA, {socket.inet_pton(socket.AF_INET6, "2001:db8::1")})])
def test_records_hold_what_they_were_given(way, name, qtype, datas):
    """RFC 1035 3.3, 3597, 2782, 8659, 9460: rdata to the byte; no compression in newer types."""
    got = ask(way, name, qtype)
    assert {r.rdata for r in got.answer} == datas and len(got.answer) == len(datas)
    assert got.rcode == NOERROR and {r.type for r in got.answer} == {qtype}


@pytest.mark.parametrize("name, last", [(r"a\.b", 120), (r"\000nul", 121), (r"a\032space", 122), (r"\255high", 123),
                                        (r"\223HIGH", None), ("abc", 124), ("ABC", 124), (r"semi\;colon", 125),
                                        (r"quo\"te", 126), (r"back\\slash", 127), (r"\@", 128), ("l" * 63, 130),
                                        ("a.b", None), ("x*y", 93), ("**", 94)])
def test_labels_are_bytes(way, name, last):
    """RFC 2181 11, RFC 4343 2.1: any byte in a label, case folded for ASCII letters alone.  Names of hosts
    have addresses, the others a text that looks like one."""
    if last is None:
        expect(ask(way, name), NXDOMAIN)
    elif last in (124, 130):
        expect(ask(way, name), NOERROR, (name.lower(), A, v4(f"192.0.2.{last}")))
    else:
        text = f"192.0.2.{last}".encode()
        expect(ask(way, name, TXT), NOERROR, (name.lower(), TXT, bytes([len(text)]) + text))


def test_a_ttl_is_that_of_its_record(way):
    """RFC 2181 8: 0 and 2^31-1 are TTLs; $TTL and the group's serve for those without."""
    for name, ttl in (("mail", 0), ("longest", 2**31 - 1), ("www", RECORD_TTL_S), ("app", dns_site.GROUP_TTL_S),
                      ("use1.app", dns_site.GROUP_TTL_S), ("sub.other.test.", 3600), ("w.sub.other.test.", 5400)):
        assert {r.ttl for r in ask(way, name).answer} == {ttl}


# ---- aliases


def test_aliases_are_followed_in_the_zone(way):
    """RFC 1034 3.6.2, 4.3.2: the chain in order, then what is at its end."""
    expect(ask(way, "chain1"), NOERROR, ("chain1", CNAME, "chain2"), ("chain2", CNAME, "chain3"),
           ("chain3", CNAME, "docs"), ("docs", CNAME, "www"), ("www", A, v4("192.0.2.80")))
    expect(ask(way, "tomanaged"), NOERROR, ("tomanaged", CNAME, "app"), ("app", A, v4(dns_site.USE1)))
    expect(ask(way, "tomanagedcname"), NOERROR, ("tomanagedcname", CNAME, "in"), ("in", CNAME, "www"),
           ("www", A, v4("192.0.2.80")))
    expect(ask(way, "towild", TXT), NOERROR, ("towild", CNAME, "x.wild"), ("x.wild", TXT, text("wild")))


def test_an_alias_that_is_asked_for_is_not_followed(way):
    """RFC 1034 3.6.2: CNAME, and ANY (RFC 8482), end at the alias."""
    for qtype in (CNAME, ANY):
        expect(ask(way, "chain1", qtype), NOERROR, ("chain1", CNAME, "chain2"))


def test_the_rcode_is_that_of_the_last_name(way):
    """RFC 6604 3, RFC 2308 2.1: a chain to nowhere is a name error, with AA for the first name."""
    got = ask(way, "dangling")
    expect(got, NXDOMAIN, ("dangling", CNAME, "nothing"))
    expect_soa(got)
    got = ask(way, "docs", MX)
    expect(got, NOERROR, ("docs", CNAME, "www"))
    expect_soa(got)
    got = ask(way, "toent")
    expect(got, NOERROR, ("toent", CNAME, "ent"))
    expect_soa(got)


@pytest.mark.parametrize("name, target", [("outside", "www.example.net."), ("out", "lb.use1.example.net."),
                                          ("toother", "m.other.test."), ("tochild", "www.child")])
def test_a_chain_that_leaves_the_zone_is_the_resolvers(way, name, target):
    """RFC 1034 4.3.2: no SOA of this zone speaks for a name of another."""
    got = ask(way, name)
    expect(got, NOERROR, (name, CNAME, target))
    assert not got.authority


def test_chains_in_a_circle_end(way):
    """RFC 2181 5: no record twice, however the names lead round."""
    expect(ask(way, "x.wloop"), NOERROR, ("x.wloop", CNAME, "a.wloop2"), ("a.wloop2", CNAME, "b.wloop"),
           ("b.wloop", CNAME, "a.wloop2"))
    expect(ask(way, "a.dnping"), NOERROR, ("dnping", DNAME, "dnpong"), ("a.dnping", CNAME, "a.dnpong"),
           ("dnpong", DNAME, "dnping"), ("a.dnpong", CNAME, "a.dnping"))


# ---- wildcards


def test_a_wildcard_stands_for_what_is_not_there(way):
    """RFC 4592 3.3: at any depth below its closest encloser, the owner as it was asked."""
    for name in ("x.wild", "a.b.c.wild", "*.wild", r"\000.wild", "l" * 63 + ".wild"):
        expect(ask(way, name), NOERROR, (name, A, v4("192.0.2.90")))
    got = ask(way, "x.wild", AAAA)
    expect(got, NOERROR)
    expect_soa(got)


def test_a_wildcard_does_not_stand_for_what_is_there(way):
    """RFC 4592 2.2.1 and 2.2.2: names, those below them, and empty non-terminals are there."""
    expect(ask(way, "host.wild", TXT), NOERROR)
    expect(ask(way, "x.host.wild"), NXDOMAIN)
    expect(ask(way, "ent.wild", TXT), NOERROR)
    expect(ask(way, "x.ent.wild", TXT), NXDOMAIN)
    expect(ask(way, "x.deep.ent.wild", TXT), NXDOMAIN)
    expect(ask(way, "a.*.wild"), NXDOMAIN)
    expect(ask(way, "wild"), NOERROR)


def test_an_asterisk_in_the_middle_is_a_label_like_any_other(way):
    """RFC 4592 2.1.1 and 2.2.2: only the leftmost one is a wildcard; an empty one gives NODATA."""
    expect(ask(way, "a.*.mid", TXT), NOERROR, ("a.*.mid", TXT, text("an asterisk in the middle")))
    expect(ask(way, "a.x.mid", TXT), NOERROR)
    expect(ask(way, "x.mid", TXT), NOERROR)
    expect(ask(way, "b.*.mid", TXT), NXDOMAIN)
    expect(ask(way, "x.*.two", TXT), NOERROR, ("x.*.two", TXT, text("two asterisks")))
    expect(ask(way, "x.y.two", TXT), NOERROR)
    expect(ask(way, "sub.x.wst", TXT), NOERROR, ("sub.x.wst", TXT, text("an asterisk with a name below")))
    expect(ask(way, "sub.x.wst"), NOERROR)
    expect(ask(way, "sub.*.wst"), NOERROR, ("sub.*.wst", A, v4("192.0.2.92")))


def test_a_wildcard_alias_is_followed(way):
    """RFC 4592 3.3.3: the CNAME is made for the name, then the search begins anew."""
    expect(ask(way, "x.wcname"), NOERROR, ("x.wcname", CNAME, "www"), ("www", A, v4("192.0.2.80")))
    expect(ask(way, "x.y.wmanaged"), NOERROR, ("x.y.wmanaged", CNAME, "app"), ("app", A, v4(dns_site.USE1)))
    expect(ask(way, "x.wdangle"), NXDOMAIN, ("x.wdangle", CNAME, "nothing"))
    expect(ask(way, "x.wself"), NOERROR, ("x.wself", CNAME, "x.wself2"), ("x.wself2", CNAME, "www"),
           ("www", A, v4("192.0.2.80")))
    expect(ask(way, "x.wcname", CNAME), NOERROR, ("x.wcname", CNAME, "www"))


def test_a_wildcard_below_a_managed_name_leaves_its_own_names_alone(way):
    """RFC 4592 2.2.1: CLUSTER.HOST is there, whatever stands beside it."""
    expect(ask(way, "use1.app"), NOERROR, ("use1.app", A, v4(dns_site.USE1)))
    expect(ask(way, "usw2.app"), NOERROR, ("usw2.app", A, v4(dns_site.USW2)))
    expect(ask(way, "x.app", TXT), NOERROR, ("x.app", TXT, text("below a managed name")))
    expect(ask(way, "_acme-challenge.app", TXT), NOERROR,
           ("_acme-challenge.app", CNAME, "app.dr.example.test.acme.example.net."))


# ---- delegations and redirects


def glue(got):
    return {(lower(r.owner), r.type) for r in got.additional}


@pytest.mark.parametrize("name", ["sub", "x.sub", "ns1.sub", "a.b.c.sub", "deep.sub"])
@pytest.mark.parametrize("qtype", [A, NS, TXT, ANY, CNAME, SOA])
def test_a_delegation_is_answered_with_a_referral(way, name, qtype):
    """RFC 1034 4.3.2 step 3b, RFC 9471 2.1: no AA, NS in authority, in-domain glue."""
    got = ask(way, name, qtype)
    expect(got, NOERROR, aa=False)
    assert sorted(told(got.authority)) == sorted((wire(full("sub")), NS, wire(full(s))) for s in
                                                 ("ns1.sub", "ns.deep.sub", "elsewhere.example.net."))
    assert glue(got) == {(wire(full("ns1.sub")), A), (wire(full("ns1.sub")), AAAA), (wire(full("ns.deep.sub")), A)}


def test_glue_of_siblings_is_given_and_none_of_other_zones(way):
    """RFC 9471 2.2: helpful, not owed; addresses that the zone itself answers for are no glue."""
    assert glue(ask(way, "sibling")) == {(wire(full("ns1.sub")), A), (wire(full("ns1.sub")), AAAA),
                                         (wire(full("ns.sibling")), A)}
    assert glue(ask(way, "lab")) == set() and glue(ask(way, "x.mixns")) == set()
    assert glue(ask(way, "self")) == {(wire(full("self")), A)}
    assert len(ask(way, "lab").authority) == 2 and len(ask(way, "mixns").authority) == 3


def test_ds_is_asked_of_the_parent(way):
    """RFC 4035 3.1.4.1, RFC 3658 2.2.1.2: at the cut the parent answers, below it the child."""
    got = ask(way, "sub", DS)
    expect(got, NOERROR)
    expect_soa(got)
    assert not ask(way, "x.sub", DS).flags & AA


def test_an_alias_into_a_delegation_ends_in_the_referral(way):
    """RFC 1034 4.3.2: AA speaks of the first name (RFC 1035 4.1.1), the NS records of the last."""
    for name, target, cut in (("tocut", "lab", "lab"), ("belowcut", "host.lab", "lab"),
                              ("x.wcut", "host.sub", "sub")):
        got = ask(way, name)
        expect(got, NOERROR, (name, CNAME, target))
        assert {(lower(r.owner), r.type) for r in got.authority} == {(wire(full(cut)), NS)}


def test_a_dname_redirects_what_lies_below_it(way):
    """RFC 6672 3.2: DNAME, the CNAME made of it with its TTL, and what is there; not the owner."""
    got = ask(way, "host.dn")
    expect(got, NOERROR, ("dn", DNAME, "dnt"), ("host.dn", CNAME, "host.dnt"), ("host.dnt", A, v4("192.0.2.110")))
    assert got.answer[0].ttl == got.answer[1].ttl == RECORD_TTL_S
    expect(ask(way, "dn", DNAME), NOERROR, ("dn", DNAME, "dnt"))
    expect(ask(way, "dn", TXT), NOERROR, ("dn", TXT, text("beside a DNAME")))
    expect(ask(way, "dn", CNAME), NOERROR)
    expect(ask(way, "no.dn"), NXDOMAIN, ("dn", DNAME, "dnt"), ("no.dn", CNAME, "no.dnt"))
    expect(ask(way, "host.dn", CNAME), NOERROR, ("dn", DNAME, "dnt"), ("host.dn", CNAME, "host.dnt"))
    expect(ask(way, "a.dnout"), NOERROR, ("dnout", DNAME, "example.net."), ("a.dnout", CNAME, "a.example.net."))
    expect(ask(way, "q.w.dn"), NOERROR, ("dn", DNAME, "dnt"), ("q.w.dn", CNAME, "q.w.dnt"),
           ("q.w.dnt", A, v4("192.0.2.111")))
    expect(ask(way, "a.dnup.dnup"), NOERROR, ("dnup", DNAME, f"{ZONE}."), ("a.dnup.dnup", CNAME, "a.dnup"),
           ("a.dnup", CNAME, "a"))


def test_a_redirect_to_too_long_a_name_is_yxdomain(way):
    """RFC 6672 2.2: the DNAME is told, no CNAME is made."""
    target = ".".join(["x" * 60] * 3) + ".example.net."
    room = 255 - len(wire(target))
    fits, too_long = "y" * (room - 1), "y" * room
    expect(ask(way, f"{too_long}.dnlong"), YXDOMAIN, ("dnlong", DNAME, target))
    expect(ask(way, f"{fits}.dnlong"), NOERROR, ("dnlong", DNAME, target),
           (f"{fits}.dnlong", CNAME, f"{fits}.{target}"))


# ---- groups


def test_a_group_that_nobody_adopted_is_a_server_failure(way):
    """No RFC: what nobody has decided is not guessed; what does not depend on it is answered."""
    for name, qtype in (("new", A), ("new", AAAA), ("new", HTTPS), ("new", MX)):
        got = ask(way, name, qtype)
        assert (got.rcode, got.flags & AA, got.answer, got.authority) == (SERVFAIL, 0, [], [])
    assert ask(way, "tonew").rcode == SERVFAIL
    expect(ask(way, "new", TXT), NOERROR, ("new", TXT, text("beside an unadopted one")))
    expect(ask(way, "use1.new"), NOERROR, ("use1.new", A, v4("192.0.2.20")))
    expect(ask(way, "usw2.new"), NOERROR, ("usw2.new", A, v4("192.0.2.21")))


def serial(way, zone):
    return int.from_bytes(way.ask(query(zone, SOA)).answer[0].rdata[-20:-16], "big")


def test_a_flip_moves_names_and_grows_the_serials_of_their_zones(daemon):
    """RFC 1982 3.2, RFC 1034 4.3.5: zones with a name of the group get a greater serial, others keep
    theirs; SOA records of negative answers tell the same one."""
    way = Udp(daemon.site.dns)
    zones = (dns_site.PARENT, dns_site.CHILD, dns_site.OTHER, dns_site.DEEP)
    before = {zone: serial(way, zone) for zone in zones}
    still = {name: ask(way, name).data for name in ("dual", "use1.app", "usw2.app", "out", "www")}
    switch(daemon, "usw2")
    for name in ("app", "sales.airflow", "www.child"):
        expect(ask(way, name), NOERROR, (name, A, v4(dns_site.USW2)))
    after = {zone: serial(way, zone) for zone in zones}
    for zone in zones:
        ahead = (after[zone] - before[zone]) % 2**32
        assert 0 < ahead < 2**31 if zone in (dns_site.PARENT, dns_site.CHILD) else ahead == 0
        negative = way.ask(query(f"nothing-at-all.{zone}", SRV))
        assert negative.authority[0].rdata[-20:-16] == after[zone].to_bytes(4, "big")
    assert {name: ask(way, name).data for name in still} == still
    assert {zone: serial(way, zone) for zone in zones} == after
    switch(daemon, "use1")
    expect(ask(way, "app"), NOERROR, ("app", A, v4(dns_site.USE1)))
    assert 0 < (serial(way, dns_site.PARENT) - after[dns_site.PARENT]) % 2**32 < 2**31
    way.close()


def switch(daemon, cluster):
    dns_site.wait_until(lambda: daemon.cli("switch", "prod", "--to", cluster).returncode == 0,
                        f"prod switches to {cluster}")
