"""What every answer owes its query, whatever the zones hold: headers, EDNS, sizes, malformed
messages, TCP.  Each test names the RFC that it holds the server to."""
import struct
import time

import pytest

import dns_site
from dns_strict import (A, AA, ANY, AXFR, BADVERS, CLEAR, DS, FORMERR, IXFR, NOERROR, NOTAUTH, NOTIMP, NXDOMAIN,
                        OPT, QR, RA, RD, REFUSED, SOA, TC, TSIG, TXT, Answer, Tcp, Udp, mixed, opt,
                        query, seeded, wire)

NAME = "www.dr.example.test"
NOWHERE = "nothing.dr.example.test"
UDP_BYTES = 1232
NSID, CLIENT_SUBNET, COOKIE, KEEPALIVE, PADDING, EXTENDED_ERROR = 3, 8, 10, 11, 12, 15
SILENCE_S = 0.2


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    listen = ("127.0.0.1", "::1") if dns_site.has_ipv6() else ("127.0.0.1",)
    made = dns_site.start(tmp_path_factory.mktemp("c"), listen)
    yield made
    dns_site.stop(made)


@pytest.fixture(params=["udp", "tcp"])
def way(request, daemon):
    made = (Udp if request.param == "udp" else Tcp)(daemon.site.dns)
    yield made
    made.close()


@pytest.fixture
def udp(daemon):
    made = Udp(daemon.site.dns)
    yield made
    made.close()


@pytest.fixture
def tcp(daemon):
    made = Tcp(daemon.site.dns)
    yield made
    made.close()


def is_silent(udp, data):
    """No answer to data, although the next question has one."""
    udp.socket.send(data)
    got = udp.ask(query(NAME, ident=0xbeef))
    return got.id == 0xbeef and got.rcode == NOERROR


# ---- header


def test_an_answer_has_aa_and_neither_ra_nor_ad_nor_cd_nor_z(way):
    """RFC 1035 4.1.1, RFC 4035 3.1.6, RFC 8906 3.1.3: bits that mean nothing here are cleared."""
    got = way.ask(query(NAME, flags=RD | RA | CLEAR | AA | TC))
    assert got.flags == QR | AA | RD and got.rcode == NOERROR
    assert way.ask(query(NAME)).flags == QR | AA


@pytest.mark.parametrize("ident", [0, 1, 0x8000, 0xffff])
def test_the_id_is_that_of_the_query(way, ident):
    """RFC 1035 4.1.1."""
    assert way.ask(query(NAME, ident=ident)).id == ident


@pytest.mark.parametrize("name", [NAME, NOWHERE, "x.wild.dr.example.test", "docs.dr.example.test",
                                  "host.lab.dr.example.test", "a.dn.dr.example.test", "outside.test"])
def test_the_question_is_echoed_in_its_own_case(way, name):
    """RFC 4343 and 0x20: compared without case, echoed byte for byte (dns_strict checks the echo)."""
    rng, plain = seeded(1), way.ask(query(name))
    for _ in range(20):
        got = way.ask(query(mixed(wire(name), rng)))
        assert got.keys("answer") == plain.keys("answer") and got.rcode == plain.rcode
        assert got.keys("authority") == plain.keys("authority")


@pytest.mark.parametrize("opcode", range(1, 16))
def test_other_opcodes_are_not_implemented(way, opcode):
    """RFC 8906 3.1.4: NOTIMP, opcode and ID echoed, no record."""
    got = way.ask(query(NAME, flags=opcode << 11 | RD))
    assert (got.rcode, got.opcode, got.flags & AA) == (NOTIMP, opcode, 0)
    assert not got.answer + got.authority + got.additional


@pytest.mark.parametrize("length", range(0, 12))
def test_less_than_a_header_has_no_answer(udp, length):
    """RFC 1035 4.1.1: there is no ID to answer to; an empty datagram is one, too."""
    assert is_silent(udp, query(NAME)[:length])


@pytest.mark.parametrize("data", [query(NAME, flags=QR), query(NAME, flags=QR | AA | NXDOMAIN),
                                  query(NAME, flags=QR | 5 << 11), struct.pack("!6H", 1, QR, 0, 0, 0, 0)])
def test_answers_are_not_answered(udp, data):
    """RFC 1035 7.3: or two servers would talk to each other for ever."""
    assert is_silent(udp, data)


def test_ipv6_is_answered_as_ipv4(daemon, udp):
    """RFC 3901: both families."""
    if len(daemon.site.listen) < 2:
        pytest.skip("no IPv6 on this machine's loopback")
    for kind in (Udp, Tcp):
        six = kind(daemon.site.listen[1])
        assert six.ask(query(NAME)).data == udp.ask(query(NAME)).data
        six.close()


# ---- questions


@pytest.mark.parametrize("count", [0, 2, 3, 255, 65535])
def test_any_number_of_questions_but_one_is_malformed(way, count):
    """RFC 9619: QDCOUNT is 1."""
    data = query(NAME, counts=(count, 0, 0, 0)) + wire(NAME) + struct.pack("!HH", A, 1)
    got = way.ask(data if count else data[:12])
    assert got.rcode == FORMERR and not got.flags & AA


@pytest.mark.parametrize("name", [
    b"\xc0\x0c", b"\x03www\xc0\x0c", b"\xc0\x00", b"\xff\xff", b"\x03www\xc0",  # pointers
    b"\x40" + b"a" * 64 + b"\0", b"\x80" + b"a" * 128 + b"\0", b"\xbf" + b"a" * 191 + b"\0",
    (b"\x3f" + b"a" * 63) * 4 + b"\0",                   # 257 bytes
    (b"\x3f" + b"a" * 63) * 3 + b"\x3f" + b"a" * 62 + b"\x01a\0",
    b"\x01a" * 127 + b"\x01a\0", b"\x01a" * 500 + b"\0", # 257 and 1001 bytes
    b"\x3f" + b"a" * 62, b"\x03www", b"", b"\x07"])      # cut off
def test_a_malformed_name_is_a_format_error(way, name):
    """RFC 1035 2.3.4 and 4.1.4: labels to 63 bytes, names to 255, no pointer in a question."""
    got = way.ask(query(name)[:12 + len(name)] if name[-1:] != b"\0" else query(name))
    assert got.rcode == FORMERR and got.question is None


@pytest.mark.parametrize("name", [b"\x01a" * 127 + b"\0", (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\0",
                                  b"\0", b"\x01\0\0", b"\x3f" + b"\xff" * 63 + b"\0"])
def test_names_of_every_legal_shape_are_read(way, name):
    """RFC 1035 2.3.4, RFC 2181 11: 255 bytes, 127 labels, any byte; none lies in our zones."""
    assert way.ask(query(name)).rcode == REFUSED


def test_the_longest_name_of_a_zone_is_answered(way):
    """RFC 1035 2.3.4: 255 bytes below the zone's apex, and the one of 120 labels that it holds."""
    apex = wire("dr.example.test")
    assert way.ask(query(wire(".".join("a" * 119))[:-1] + apex)).answer[0].rdata == bytes([192, 0, 2, 131])
    room = 255 - len(apex)
    longest = (b"\x01b" * (room // 2) if room % 2 == 0 else b"\x02bb" + b"\x01b" * (room // 2 - 1)) + apex
    assert len(longest) == 255
    assert way.ask(query(longest)).rcode == NXDOMAIN


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_question_without_type_and_class_is_malformed(way, cut):
    """RFC 1035 4.1.2."""
    assert way.ask(query(NAME)[:-cut]).rcode == FORMERR


@pytest.mark.parametrize("qclass", [0, 2, 3, 4, 254, 255, 256, 65535])
@pytest.mark.parametrize("name", [NAME, "version.bind"])
def test_other_classes_are_refused(way, qclass, name):
    """RFC 1035 3.2.4: the zones are of class IN; CH tells nobody a version; ANY is no zone's class."""
    got = way.ask(query(name, TXT, qclass))
    assert got.rcode == REFUSED and not got.flags & AA and got.question is not None


@pytest.mark.parametrize("qtype", [AXFR, IXFR])
def test_transfers_are_refused(way, qtype):
    """RFC 5936 2.2.1: REFUSED is for whoever may not have the zone."""
    got = way.ask(query("dr.example.test", qtype))
    assert got.rcode == REFUSED and not got.answer


def test_an_ixfr_brings_a_soa(way):
    """RFC 1995 3: one record in the authority section is no format error there, and is elsewhere."""
    soa = wire("dr.example.test") + struct.pack("!HHIH", SOA, 1, 0, 22) + b"\0\0" + bytes(20)
    assert way.ask(query("dr.example.test", IXFR, counts=(1, 0, 1, 0), additional=(soa,))).rcode == REFUSED
    assert way.ask(query("dr.example.test", SOA, counts=(1, 0, 1, 0), additional=(soa,))).rcode == FORMERR
    assert way.ask(query("dr.example.test", IXFR, counts=(1, 0, 2, 0), additional=(soa, soa))).rcode == FORMERR


@pytest.mark.parametrize("qtype", [*range(128, 251), 253, 254])
def test_meta_types_are_not_implemented(udp, qtype):
    """RFC 6895 3.1: types for questions alone (TKEY, TSIG, MAILB, MAILA and unassigned ones)."""
    assert udp.ask(query(NAME, qtype)).rcode == NOTIMP


def test_opt_is_no_type_to_ask_for(way):
    """RFC 6891 6.1.1: OPT is never data of a zone."""
    assert way.ask(query(NAME, OPT)).rcode == FORMERR


@pytest.mark.parametrize("qtype", [0, 3, 10, 42, 44, DS, 64, 99, 127, 256, 1000, 32768, 65279, 65535])
def test_unknown_types_are_asked_for_like_any_other(way, qtype):
    """RFC 3597 and RFC 8906 3.1.2: NODATA at a name that is there, NXDOMAIN at one that is not."""
    got = way.ask(query(NAME, qtype))
    assert (got.rcode, got.answer, [r.type for r in got.authority]) == (NOERROR, [], [SOA])
    assert way.ask(query(NOWHERE, qtype)).rcode == NXDOMAIN


def test_any_is_answered_with_one_rrset(way):
    """RFC 8482 4.1: one RRset that is there; NODATA and NXDOMAIN stay what they are."""
    got = way.ask(query(NAME, ANY))
    assert len({r.type for r in got.answer}) == 1 and got.rcode == NOERROR
    assert way.ask(query("some.ent.dr.example.test", ANY)).answer[0].type == TXT
    assert way.ask(query("ent.dr.example.test", ANY)).authority[0].type == SOA
    assert way.ask(query(NOWHERE, ANY)).rcode == NXDOMAIN


# ---- the other sections


@pytest.mark.parametrize("counts", [(1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1), (1, 0, 0, 2), (1, 0, 0, 65535),
                                    (1, 65535, 65535, 65535)])
def test_counts_that_lie_are_malformed(way, counts):
    """RFC 8906 3.1.3, RFC 1035 4.1: records are announced that are not there."""
    assert way.ask(query(NAME, counts=counts)).rcode == FORMERR
    assert way.ask(query(NAME, counts=counts, additional=(opt()[:-1],))).rcode == FORMERR


@pytest.mark.parametrize("more", [b"\0", b"\0" * 11, opt(), query(NAME)])
def test_bytes_behind_the_last_record_are_malformed(way, more):
    """RFC 1035 4.1: a message is its header and its sections."""
    assert way.ask(query(NAME) + more).rcode == FORMERR
    assert way.ask(query(NAME, additional=(opt(),)) + more).rcode == FORMERR


def test_records_of_other_types_are_passed_over(way):
    """RFC 1035 6.2: what an additional section holds beside OPT is none of the server's business."""
    extra = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 0, 4) + b"abcd"
    for records in ((extra,), (extra, opt()), (opt(), extra), (extra,) * 5):
        assert way.ask(query(NAME, additional=records)).answer


def test_a_question_signed_with_an_unknown_key_is_not_answered(way):
    """RFC 8945 5.2.1: NOTAUTH, and an unsigned TSIG record that says BADKEY (17)."""
    rdata = wire("hmac-sha256") + bytes(6) + struct.pack("!HH", 300, 32) + bytes(32) + bytes(6)
    tsig = wire("key.example.test") + struct.pack("!HHIH", TSIG, 255, 0, len(rdata)) + rdata
    for records in ((tsig,), (opt(), tsig)):
        got = way.ask(query(NAME, additional=records))
        assert got.rcode == NOTAUTH and not got.answer and [r.type for r in got.additional][-1] == TSIG


# ---- EDNS


def test_opt_is_answered_with_opt_and_nothing_without(way):
    """RFC 6891 6.1.1 and 7: our own size, version 0, no flag that was not asked for."""
    got = way.ask(query(NAME, additional=(opt(),)))
    assert (got.opt.rclass, got.opt.ttl, got.opt.rdata) == (UDP_BYTES, 0, b"")
    assert way.ask(query(NAME)).opt is None
    for name in (NOWHERE, "outside.test", "host.lab.dr.example.test", "new.dr.example.test"):
        assert way.ask(query(name, additional=(opt(),))).opt is not None


@pytest.mark.parametrize("flags", [0, 0x8000, 0x4000, 0x7fff, 0xffff])
def test_the_do_bit_alone_is_copied(way, flags):
    """RFC 3225 3, RFC 8906 3.2.3: unknown flags of EDNS are cleared."""
    assert way.ask(query(NAME, additional=(opt(flags=flags),))).opt.ttl == flags & 0x8000


@pytest.mark.parametrize("version", [1, 2, 100, 255])
def test_other_versions_of_edns_are_bad_versions(way, version):
    """RFC 6891 6.1.3: BADVERS, and our own version in the OPT record."""
    got = way.ask(query(NAME, additional=(opt(version=version, flags=0x8000),)))
    assert (got.rcode, got.opt.ttl >> 16 & 255, got.answer, got.authority) == (BADVERS, 0, [], [])
    assert not got.flags & AA


@pytest.mark.parametrize("options", [[(65001, b"")], [(65001, b"x" * 100)], [(0, b"")], [(13, b"\x03www\0")],
                                     [(CLIENT_SUBNET, bytes([0, 1, 24, 0, 192, 0, 2]))],
                                     [(CLIENT_SUBNET, b"garbage")], [(PADDING, bytes(300))],
                                     [(n, b"abc") for n in range(16, 116)]])
def test_options_are_passed_over_and_not_echoed(way, options):
    """RFC 6891 6.1.2, RFC 7871 7.1.2: an option that is not implemented is ignored."""
    got = way.ask(query(NAME, additional=(opt(options=options),)))
    assert (got.rcode, got.opt.rdata) == (NOERROR, b"") and got.answer


def options_of(got):
    """{code: bytes} of an answer's OPT record."""
    rdata, found = got.opt.rdata, {}
    while rdata:
        code, n = struct.unpack("!HH", rdata[:4])
        assert code not in found and len(rdata) >= 4 + n
        found[code], rdata = rdata[4:4 + n], rdata[4 + n:]
    return found


def test_a_client_learns_a_cookie_and_keeps_it(way):
    """RFC 7873 5.2.3, RFC 9018 4: version 1; the server's part is confirmed as long as it is right."""
    learnt = options_of(way.ask(query(NAME, additional=(opt(options=[(COOKIE, b"12345678")]),))))[COOKIE]
    assert len(learnt) == 24 and learnt[:12] == b"12345678\1\0\0\0"
    assert abs(struct.unpack("!I", learnt[12:16])[0] - time.time()) < 60
    for name in (NAME, NOWHERE):
        got = way.ask(query(name, additional=(opt(options=[(COOKIE, learnt)]),)))
        assert options_of(got) == {COOKIE: learnt}
    forged = learnt[:-1] + bytes([learnt[-1] ^ 1])
    got = way.ask(query(NAME, additional=(opt(options=[(COOKIE, forged)]),)))
    assert got.rcode == NOERROR and got.answer and options_of(got)[COOKIE] != forged


@pytest.mark.parametrize("length", [0, 1, 7, 9, 15, 41, 100])
def test_a_cookie_of_impossible_length_is_a_format_error(way, length):
    """RFC 7873 5.2.2."""
    got = way.ask(query(NAME, additional=(opt(options=[(COOKIE, bytes(length))]),)))
    assert got.rcode == FORMERR and options_of(got) == {}


def test_a_cookie_may_be_asked_for_alone(way):
    """RFC 7873 5.4: QDCOUNT 0 with a COOKIE option."""
    asked = struct.pack("!6H", 0x1234, 0, 0, 0, 0, 1) + opt(options=[(COOKIE, b"12345678")])
    got = way.ask(asked)
    assert got.rcode == NOERROR and got.question is None and len(options_of(got)[COOKIE]) == 24


@pytest.mark.parametrize("sent", [b"", b"ignored"])
def test_who_asks_which_server_it_is_is_told(way, sent):
    """RFC 5001 2.2: the node's name, whatever came with the question."""
    got = way.ask(query(NAME, additional=(opt(options=[(NSID, sent)]),)))
    assert options_of(got) == {NSID: b"test"} and got.answer


@pytest.mark.parametrize("sent", [b"", b"\0\1"])
def test_over_tcp_an_idle_connections_life_is_told_to_who_asks(udp, tcp, sent):
    """RFC 7828 3.2.2, 3.3.2: in units of 100 ms, over TCP alone; a TIMEOUT in the question means nothing."""
    asked = query(NAME, additional=(opt(options=[(KEEPALIVE, sent)]),))
    told = options_of(tcp.ask(asked))
    assert list(told) == [KEEPALIVE] and 0 < struct.unpack("!H", told[KEEPALIVE])[0] <= 300
    assert options_of(udp.ask(asked)) == {}


@pytest.mark.parametrize("name,qtype,qclass,reason", [
    (next(iter(dns_site.UNADOPTED)), A, 1, 14), ("example.org", A, 1, 20), ("dr.example.test", AXFR, 1, 18),
    (NAME, 253, 1, 21), (NAME, A, 3, 21)])
def test_a_refusal_says_why(udp, name, qtype, qclass, reason):
    """RFC 8914: an extended error beside the rcode, for whoever speaks EDNS."""
    got = udp.ask(query(name, qtype, qclass, additional=(opt(),)))
    assert got.rcode and options_of(got) == {EXTENDED_ERROR: struct.pack("!H", reason)}
    assert udp.ask(query(name, qtype, qclass)).opt is None


@pytest.mark.parametrize("records", [
    (opt(), opt()), (opt(), opt(version=1)), (opt(owner=wire("a.test")),), (opt(owner=b"\xc0\x0c"),),
    (opt(rdata=b"\0"),), (opt(rdata=b"\0\3\0"),), (opt(rdata=b"\0\3\0\1"),), (opt(rdata=b"\0\3\0\0\0"),),
    (opt(rdata=b"\0\3\xff\xff"),)])
def test_malformed_or_repeated_opt_is_a_format_error(way, records):
    """RFC 6891 6.1.1: one OPT, owned by the root, its options filling it exactly."""
    assert way.ask(query(NAME, additional=records)).rcode == FORMERR


# ---- sizes


def asked_by_udp(daemon, name, qtype, size):
    udp = Udp(daemon.site.dns)
    try:
        return udp.ask(query(name, qtype, additional=() if size is None else (opt(size),)))
    finally:
        udp.close()


@pytest.mark.parametrize("size, limit", [(None, 512), (0, 512), (511, 512), (512, 512), (1232, 1232),
                                         (1233, 1232), (4096, 1232), (65535, 1232)])
@pytest.mark.parametrize("length", dns_site.SIZES)
def test_an_answer_is_truncated_if_and_only_if_it_does_not_fit(daemon, tcp, size, limit, length):
    """RFC 1035 4.2.1, RFC 6891 6.2.5, RFC 9715: 512 bytes, or what OPT says, at most 1232."""
    name = f"s{length}.dr.example.test"
    whole = tcp.ask(query(name, TXT))
    assert len(whole.data) == length and len(whole.answer) == 1
    got = asked_by_udp(daemon, name, TXT, size)
    fits = length + (0 if size is None else 11) <= limit
    assert bool(got.flags & TC) == (not fits)
    assert got.keys("answer") == (whole.keys("answer") if fits else [])
    assert (got.opt is None) == (size is None)


@pytest.mark.parametrize("name, qtype, count", [("longtxt", TXT, 1), ("a200", A, 200), ("hugetxt", TXT, 40),
                                                ("a29", A, 29), ("a30", A, 30)])
def test_tcp_has_the_whole_answer(daemon, tcp, name, qtype, count):
    """RFC 7766 5: what was cut short by UDP is had by TCP, in the same connection or another."""
    name += ".dr.example.test"
    assert len(tcp.ask(query(name, qtype)).answer) == count
    got = tcp.ask(query(name, qtype, additional=(opt(512),)))
    assert len(got.answer) == count and not got.flags & TC
    by_udp = asked_by_udp(daemon, name, qtype, None)
    assert len(by_udp.data) <= 512 and by_udp.flags & AA


def test_a_referral_whose_glue_does_not_fit_is_truncated(daemon, tcp):
    """RFC 9471 3.1: all glue of in-domain servers, or TC."""
    assert asked_by_udp(daemon, "x.big.dr.example.test", A, None).flags & TC
    for got in (asked_by_udp(daemon, "x.big.dr.example.test", A, 1232), tcp.ask(query("x.big.dr.example.test"))):
        assert not got.flags & TC and (len(got.authority), len(got.additional)) == (13, 26)
    assert asked_by_udp(daemon, "x.huge.dr.example.test", A, 4096).flags & TC
    got = tcp.ask(query("x.huge.dr.example.test"))
    assert (len(got.authority), len(got.additional)) == (40, 80)


def test_a_question_longer_than_a_datagram_of_ours_is_answered_by_tcp(tcp):
    """RFC 7766 8: messages longer than those of UDP (here, padded to 4,000 bytes)."""
    data = query(NAME, additional=(opt(options=[(PADDING, bytes(4000 - 15 - len(query(NAME))))]),))
    assert len(data) == 4000
    assert tcp.ask(data).answer


# ---- TCP


def test_many_questions_in_one_segment_have_all_their_answers(tcp):
    """RFC 7766 6.2.1.1: pipelining; answers may come in any order."""
    asked = {n: query(f"x{n}.wild.dr.example.test", ident=n) for n in range(500)}
    tcp.send(*asked.values())
    while asked:
        got = Answer(tcp.receive())
        assert got.answer and got.question == asked.pop(got.id)[12:]


def test_a_question_may_come_byte_by_byte(tcp):
    """RFC 7766 8: a message need not come in one segment."""
    data = query(NAME)
    for byte in struct.pack("!H", len(data)) + data:
        tcp.socket.sendall(bytes([byte]))
    assert Answer(tcp.receive()).answer


def test_a_slow_reader_has_all_its_answers(daemon, tcp):
    """RFC 7766 6.2.1.1: 10 MB of answers asked for before the first byte of them is read."""
    tcp.socket.settimeout(5)
    tcp.send(*[query("hugetxt.dr.example.test", TXT, ident=n) for n in range(200)])
    other = Tcp(daemon.site.dns)
    assert other.ask(query(NAME)).answer
    other.close()
    for n in range(200):
        got = Answer(tcp.receive())
        assert (got.id, len(got.answer)) == (n, 40)


def test_a_side_that_has_said_all_still_has_its_answers(tcp):
    """RFC 9293 3.6: half-closed."""
    tcp.send(*[query("a200.dr.example.test", ident=n) for n in range(50)])
    tcp.socket.shutdown(1)
    assert len({Answer(tcp.receive()).id for _ in range(50)}) == 50
    assert tcp.socket.recv(1) == b""


def test_what_has_no_answer_does_not_end_the_connection(tcp):
    """RFC 7766 6.2.4: messages that are dropped leave those behind them alone."""
    tcp.send(b"", b"x", query(NAME)[:11], query(NAME, flags=QR), query(NAME, ident=7))
    assert Answer(tcp.receive()).id == 7


def test_a_message_of_absurd_length_ends_the_connection(tcp):
    """RFC 7766 6.2.4: no question is longer than a few thousand bytes; others are not waited for."""
    tcp.socket.sendall(b"\xff\xff" + bytes(100))
    start = time.monotonic()
    assert tcp.socket.recv(1) == b"" and time.monotonic() - start < 2


def test_other_connections_go_on_while_one_says_nothing(daemon):
    """RFC 7766 6.1: nobody waits for a slow client."""
    idle = [Tcp(daemon.site.dns) for _ in range(50)]
    for one in idle[::2]:
        one.socket.sendall(b"\0")
    for kind in (Udp, Tcp):
        asker = kind(daemon.site.dns, timeout_s=1)
        assert asker.ask(query(NAME)).answer
        asker.close()
    for one in idle:
        one.close()
