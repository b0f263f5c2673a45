"""Zone transfers out of the face: what is in them, who may have them, and how they are signed."""
import base64
import pathlib
import socket
import struct

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.zone
import pytest

from dns_site import CHILD, DEEP, OTHER, PARENT, RANDOM, DnsSite, start, stop, zone_text
from world import Daemon, wait_until

SECRET = bytes(range(32))
KEYS = {alg: dns.tsig.Key(f"{alg}.key.test.", SECRET, alg)
        for alg in ("hmac-sha256", "hmac-sha384", "hmac-sha512")}
KEY = KEYS["hmac-sha256"]
KEY_LINES = "".join(f"{alg}.key.test:{alg}:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n" for alg in KEYS)
UNKNOWN = dns.tsig.Key("unknown.key.test.", SECRET, "hmac-sha256")
WRONG = dns.tsig.Key(KEY.name, b"x" * 32, "hmac-sha256")
OTHER_ALGORITHM = dns.tsig.Key(KEY.name, SECRET, "hmac-sha512")
WAIT_S = 20
RANDOM_ZONES = [zone for zone, _ in RANDOM.values()]
ANYWAY = ("--reason", "test", "--override", "source-down", "--override", "block", "--override", "destination-unknown")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    (folder / "keys").write_text(KEY_LINES)
    (folder / "keys").chmod(0o600)
    made = start(folder, secondaries={
        PARENT: "{ transfer_key_file: keys }",
        CHILD: "{ notify: ['127.0.0.1:9'] }",
        OTHER: "{ transfer_key_file: keys, allow_transfer: [192.0.2.0/24] }",
        **{zone: "{ allow_transfer: [127.0.0.0/8] }" for zone in RANDOM_ZONES},
    })
    yield made
    stop(made)


def query(zone, kind="AXFR", key=None, serial=None, edns=False):
    asked = dns.message.make_query(zone, kind, use_edns=0 if edns else False)
    if serial is not None:
        asked.authority.append(dns.rrset.from_text(zone + ".", 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    if key:
        asked.use_tsig(key)
    return asked


def ask(daemon, asked, tcp=True):
    if tcp:
        return dns.query.tcp(asked, daemon.site.dns[0], WAIT_S, daemon.site.dns[1])
    return dns.query.udp(asked, daemon.site.dns[0], WAIT_S, daemon.site.dns[1])


class Connection:
    def __init__(self, daemon):
        self.socket = socket.create_connection(daemon.site.dns, WAIT_S)

    def send(self, wire):
        self.socket.sendall(struct.pack("!H", len(wire)) + wire)

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self):
        return self.read(struct.unpack("!H", self.read(2))[0])

    def close(self):
        self.socket.close()


def transfer(daemon, zone, key=None, kind="AXFR", serial=None, edns=False):
    """All messages of a transfer, each signature checked, as dnspython reads them."""
    asked = query(zone, kind, key, serial, edns)
    connection = Connection(daemon)
    connection.send(asked.to_wire())
    messages, ends, context = [], 0, None
    while ends < 2:
        message = dns.message.from_wire(connection.receive(), keyring=key, request_mac=asked.mac, xfr=True,
                                        one_rr_per_rrset=True, tsig_ctx=context, multi=True,
                                        origin=dns.name.from_text(zone))
        assert message.id == asked.id and message.rcode() == dns.rcode.NOERROR
        assert message.had_tsig == bool(key)
        context = message.tsig_ctx
        messages.append(message)
        ends += sum(r.rdtype == dns.rdatatype.SOA for r in message.answer)
    connection.close()
    return messages


def records(messages):
    """(owner, type, TTL, data) of each record, in order; names in data are in lower case."""
    return [(r.name.derelativize(m.origin).to_text().lower(), dns.rdatatype.to_text(r.rdtype), r.ttl,
             r[0].to_digestable(m.origin)) for m in messages for r in m.answer]


def expected(zone, serial, place=0):
    text = "$TTL 1h\n" + zone_text(zone, serial, place, still=0)
    read = dns.zone.from_text(text, zone, relativize=False, check_origin=False)
    return sorted((name.to_text().lower(), dns.rdatatype.to_text(rds.rdtype), rds.ttl, rd.to_digestable())
                  for name, rds in read.iterate_rdatasets() for rd in rds)


def check_whole(daemon, zone, key, place=0):
    got = records(transfer(daemon, zone, key))
    serial = ask(daemon, query(zone, "SOA")).answer[0][0].serial
    assert got[0] == got[-1] and got[0][1] == "SOA" and got[0][0] == zone + "."
    assert [r for r in got if r[1] == "SOA"] == [got[0]] * 2
    wanted = expected(zone, serial, place)
    assert (sorted(set(got) - set(wanted)), sorted(set(wanted) - set(got))) == ([], [])
    assert sorted(got[1:]) == wanted
    return serial


@pytest.mark.parametrize("alg", KEYS)
def test_a_signed_transfer_is_the_zone(daemon, alg):
    check_whole(daemon, PARENT, KEYS[alg])


@pytest.mark.parametrize("zone", [CHILD, *RANDOM_ZONES])
def test_a_transfer_by_address_is_the_zone(daemon, zone):
    check_whole(daemon, zone, None)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_query_with_edns_has_it_in_the_first_message(daemon, key):
    for edns in (True, False):
        messages = transfer(daemon, PARENT if key else CHILD, key, edns=edns)
        assert [m.edns for m in messages] == [0 if edns and m is messages[0] else -1 for m in messages]


def test_every_flip_is_in_the_next_transfer_with_a_newer_serial(daemon):
    before = check_whole(daemon, PARENT, KEY)
    for place, to in ((1, "usw2"), (0, "use1")):
        daemon.run("switch", "prod", "--to", to, *ANYWAY)
        after = check_whole(daemon, PARENT, KEY, place)
        assert after > before
        before = after


def test_messages_are_compressed_and_none_is_long_without_need(daemon):
    asked = query(PARENT, key=KEY)
    whole = records(transfer(daemon, PARENT, KEY))
    connection = Connection(daemon)
    connection.send(asked.to_wire())
    wires, n = [], 0
    while n < len(whole):
        wires.append(connection.receive())
        n += struct.unpack("!H", wires[-1][6:8])[0]
    connection.close()
    assert len(wires) > 1 and all(8192 < len(w) <= 16384 for w in wires[:-1])
    owners = sum(len(dns.name.from_text(name).to_wire()) for name, _, _, _ in whole)
    assert sum(map(len, wires)) < owners / 2 + sum(10 + len(data) for _, _, _, data in whole)
    assert [struct.unpack("!H", w[4:6])[0] for w in wires] == [1] + [0] * (len(wires) - 1)


@pytest.mark.parametrize("zone,key", [(PARENT, None), (OTHER, KEY), (OTHER, None), (DEEP, None), (DEEP, KEY)])
@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_everyone_else_is_refused(daemon, zone, key, kind):
    answer = ask(daemon, query(zone, kind, key, 1 if kind == "IXFR" else None, edns=True))
    assert answer.rcode() == dns.rcode.REFUSED and not answer.answer
    assert [o.code for o in answer.options if o.otype == 15] == [18]
    assert answer.had_tsig == bool(key)


def test_what_is_no_zone_here_is_not_transferred(daemon):
    for name in ("example.net", f"www.{PARENT}", "."):
        assert ask(daemon, query(name)).rcode() == dns.rcode.NOTAUTH


@pytest.mark.parametrize("tcp", [True, False])
@pytest.mark.parametrize("alg", KEYS)
def test_signed_questions_are_answered_signed(daemon, tcp, alg):
    for name, kind in ((PARENT, "SOA"), (f"www.{PARENT}", "A"), (f"no.{PARENT}", "A"), (DEEP, "SOA"), ("x.net", "A")):
        plain = ask(daemon, query(name, kind, None), tcp)
        signed = ask(daemon, query(name, kind, KEYS[alg]), tcp)  # dnspython checks the signature
        assert signed.had_tsig and signed.rcode() == plain.rcode()
        assert (signed.answer, signed.authority) == (plain.answer, plain.authority)


@pytest.mark.parametrize("tcp", [True, False])
@pytest.mark.parametrize("kind", ["SOA", "AXFR"])
def test_bad_signatures_are_told_what_is_bad(daemon, tcp, kind):
    for key, error in ((UNKNOWN, 17), (WRONG, 16), (OTHER_ALGORITHM, 17)):
        asked = query(PARENT, kind, key)
        wire = send(daemon, asked.to_wire(), tcp)
        tsig = tsig_of(wire, key)
        assert wire[3] & 15 == dns.rcode.NOTAUTH and wire[6:10] == bytes(4)
        assert tsig.error == error and tsig.mac == b"" and tsig.original_id == asked.id


def tsig_of(wire, key):
    """The record that ends the message."""
    at = wire.rindex(key.name.canonicalize().to_wire()) + len(key.name.to_wire())
    kind, _, _, n = struct.unpack("!HHIH", wire[at:at + 10])
    assert kind == dns.rdatatype.TSIG and at + 10 + n == len(wire)
    return dns.rdata.from_wire(dns.rdataclass.ANY, kind, wire, at + 10, n)


def send(daemon, wire, tcp):
    if tcp:
        connection = Connection(daemon)
        connection.send(wire)
        answer = connection.receive()
        connection.close()
        return answer
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.settimeout(WAIT_S)
        udp.sendto(wire, daemon.site.dns)
        return udp.recv(4096)


@pytest.mark.parametrize("tcp", [True, False])
def test_a_wrong_clock_is_told_the_time_signed(daemon, tcp, monkeypatch):
    asked = query(PARENT, "SOA", KEY)
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: 1000000000)
        wire = asked.to_wire()
    answer = send(daemon, wire, tcp)
    tsig = tsig_of(answer, KEY)
    assert answer[3] & 15 == dns.rcode.NOTAUTH
    assert (tsig.error, tsig.time_signed, len(tsig.other), len(tsig.mac)) == (18, 1000000000, 6, 32)


def test_a_signature_that_is_not_last_is_malformed(daemon):
    wire = bytearray(query(PARENT, "SOA", KEY).to_wire())
    wire += b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
    wire[11] += 1
    assert send(daemon, bytes(wire), False)[3] & 15 == dns.rcode.FORMERR


def test_ixfr_is_the_whole_zone_or_the_serial_alone(daemon):
    serial = ask(daemon, query(PARENT, "SOA")).answer[0][0].serial
    whole = records(transfer(daemon, PARENT, KEY))
    assert records(transfer(daemon, PARENT, KEY, "IXFR", serial - 1)) == whole
    for tcp, theirs in ((True, serial), (True, serial + 5), (False, serial - 1), (False, serial)):
        answer = ask(daemon, query(PARENT, "IXFR", KEY, theirs), tcp)
        assert [r.rdtype for r in answer.answer] == [dns.rdatatype.SOA]
        assert answer.answer[0][0].serial == serial and answer.flags & dns.flags.AA
    assert ask(daemon, query(PARENT, "IXFR", KEY)).rcode() == dns.rcode.FORMERR
    assert ask(daemon, query(PARENT, "AXFR", KEY), tcp=False).rcode() == dns.rcode.REFUSED


def test_questions_around_a_transfer_are_answered_in_order(daemon):
    connection = Connection(daemon)
    asked = [query(PARENT, "SOA"), query(RANDOM_ZONES[0], "AXFR"), query(PARENT, "A"), query(CHILD, "AXFR"), query(CHILD, "SOA")]
    for one in asked:
        one.id = asked.index(one) + 1
    wires = b"".join(struct.pack("!H", len(w)) + w for w in (q.to_wire() for q in asked))
    connection.socket.sendall(wires)
    ids = []
    while not ids or ids[-1] != asked[-1].id:
        ids.append(struct.unpack("!H", connection.receive()[:2])[0])
    connection.close()
    assert sorted(set(ids)) == [q.id for q in asked] and ids == sorted(ids)


def test_no_more_transfers_at_once_than_the_limit_and_others_are_still_answered(daemon):
    """Readers that read nothing: the ninth is refused; a question still has its answer."""
    big = [Connection(daemon) for _ in range(9)]
    for one in big:
        one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    for one in big:
        for _ in range(30):  # behind each other, more than any buffer takes
            one.send(query(PARENT, key=KEY).to_wire())
    assert ask(daemon, query(PARENT, "SOA")).answer
    assert ask(daemon, query(PARENT, "SOA"), tcp=False).answer
    for one in big:
        one.close()
    wait_until(lambda: len(transfer(daemon, PARENT, KEY)) > 0, "there is room again")


def test_a_key_file_is_read_anew_by_a_reload_and_a_bad_one_refused_with_its_place(daemon):
    path = daemon.site.folder / "keys"
    new = dns.tsig.Key("new.key.test.", b"n" * 32, "hmac-sha256")
    for bad, words in (("x:hmac-md5:QUJD\n", ":1:1: key x: the algorithm 'hmac-md5'"), ("", "holds no key")):
        path.write_text(bad)
        said = daemon.run("reload", code=1)
        assert str(path) in said and words in said
        assert transfer(daemon, PARENT, KEY)
    path.write_text(KEY_LINES + f"new.key.test:hmac-sha256:{base64.b64encode(new.secret).decode()}\n")
    try:
        daemon.run("reload")
        assert transfer(daemon, PARENT, new) and transfer(daemon, PARENT, KEY)
    finally:
        path.write_text(KEY_LINES)
        daemon.run("reload")
    assert tsig_of(send(daemon, query(PARENT, "SOA", new).to_wire(), False), new).error == 17


def test_without_its_keys_no_daemon_starts(tmp_path):
    site = DnsSite(tmp_path, secondaries={PARENT: "{ transfer_key_file: no-such-file }"})
    made = Daemon(site, site.config(has_new=False))
    try:
        made.init("--active", "use1")
        made.launch()
        assert made.process.wait(WAIT_S) == 1
        assert "no-such-file cannot be read by the user that dnsflip runs as" in made.log.read_text()
    finally:
        stop(made)


def test_secrets_are_in_no_file_and_no_log(daemon):
    secret = KEY_LINES.split(":")[2].split()[0].encode()
    for path in pathlib.Path(daemon.site.folder).rglob("*"):
        if path.is_file() and path.name != "keys":
            assert secret not in path.read_bytes() and SECRET not in path.read_bytes(), path
