"""Random and mutated messages against the live ports.

A model of the reading of a query, written apart from the server's, says what each message deserves:
silence, an error, or an answer.  No message may kill the face, and every reply must be a message."""
import os
import random
import select
import struct
import time

import pytest

import dns_site
from dns_strict import (A, ANY, BADVERS, FORMERR, IXFR, NOTAUTH, NOTIMP, OPT, REFUSED, TSIG, TXT, Malformed, Tcp, Udp,
                        expect_reply, mixed, opt, query, wire)

SEED = int(os.environ.get("DNSFLIP_SEED", "7"))
SECONDS = float(os.environ.get("DNSFLIP_FUZZ_SECONDS", "6"))
BATCH = 32
COOKIE = 10  # the EDNS option
UDP_QUERY_BYTES, TCP_QUERY_BYTES = 1232, 4094  # longer ones are cut, or end their connection
SILENT, ANSWERED, SIGNED, TRANSFER = "silence", "an answer", "a wrong signature", "no transfer"
OTHERS = {SIGNED: (FORMERR, NOTAUTH), TRANSFER: (REFUSED, NOTAUTH)}
NAMES = ["www", "app", "new", "x.wild", "docs", "sub", "host.dn", "a.dnloop", "nothing", "x.huge", "hugetxt",
         "longtxt", "ent", "a200", "chain1", "x.wloop", "a.dnlong", "\\000nul", "l" * 63]


# ---- the model


def skip_name(data, at, may_point):
    """The end of the name at data[at]; None if it is malformed."""
    start = at
    while at < len(data):
        label = data[at]
        if label == 0:
            return at + 1 if at + 1 - start <= 255 or may_point else None
        if label >= 0xc0 and may_point:
            return at + 2
        if label > 63:
            return None
        at += 1 + label
    return None


def is_options(data):
    """Well-formed, the first cookie too (RFC 7873, 5.2)."""
    has_cookie = False
    while data:
        code, length = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        if len(data) < 4 or len(data) < 4 + length:
            return False
        if code == COOKIE and not has_cookie and length != 8 and not 16 <= length <= 40:
            return False
        has_cookie |= code == COOKIE
        data = data[4 + length:]
    return True


def read_extra(data, at, n_skip, n):
    """(is well-formed, EDNS version or None, is signed) of the records behind the question."""
    version, is_signed = None, False
    for i in range(n_skip + n):
        owner, at = at, skip_name(data, at, True)
        if at is None or at + 10 > len(data):
            return False, None, False
        rtype, _, _, edns, _, length = struct.unpack("!HHBBHH", data[at:at + 10])
        end = at + 10 + length
        if end > len(data):
            return False, None, False
        if rtype == OPT and i >= n_skip:
            # What options of another version look like is not known.
            is_good = edns != 0 or is_options(data[at + 10:end])
            if version is not None or data[owner:at] != b"\0" or not is_good:
                return False, None, False
            version = edns
        is_signed |= rtype == TSIG and i >= n_skip
        at = end
    return at == len(data), version, is_signed


def deserved(data):
    """SILENT, an rcode, or ANSWERED."""
    if len(data) < 12 or data[2] & 0x80:
        return SILENT
    qd, an, ns, ar = struct.unpack("!4H", data[4:12])
    if data[2] >> 3 & 15:
        return NOTIMP
    at = skip_name(data, 12, False) if qd == 1 else None
    if at is None or at + 4 > len(data):
        return FORMERR
    qtype, qclass = struct.unpack("!HH", data[at:at + 4])
    if an or (ns and (qtype != IXFR or ns > 1)):
        return FORMERR
    is_good, version, is_signed = read_extra(data, at + 4, ns, ar)
    if not is_good or (not version and qclass == 1 and qtype == OPT):
        return FORMERR
    if version:
        return BADVERS
    if qclass != 1:
        return REFUSED
    if is_signed:
        return SIGNED
    if qtype in (251, 252):
        return TRANSFER
    return NOTIMP if 128 <= qtype < 255 else ANSWERED


# ---- messages


def seeds(rng):
    name = mixed(wire(rng.choice(NAMES) + "." + rng.choice(list(dns_site.ZONES))), rng)
    extra = [opt(rng.choice((0, 512, 1232, 65535)), flags=rng.choice((0, 0x8000)), version=rng.choice((0, 0, 0, 1)),
                 options=[(rng.randrange(20), rng.randbytes(rng.randrange(20)))] * rng.randrange(4)),
             wire("k.test") + struct.pack("!HHIH", TSIG, 255, 0, 4) + b"abcd",
             b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 0, 4) + b"abcd"]
    rng.shuffle(extra)
    return query(name, rng.choice((A, TXT, ANY, 2, 6, 15, 28, 251, 252, OPT, TSIG, rng.randrange(65536))),
                 rng.choice((1, 1, 1, 1, 3, 255)), additional=extra[:rng.randrange(len(extra) + 1)],
                 flags=rng.choice((0, 0x100, rng.randrange(0x8000))) & ~(0x7800 if rng.random() < 0.8 else 0))


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data)) if data else 0
        way = rng.randrange(8)
        if way == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif way == 1 and data:
            data[at] = rng.choice((0, 1, 12, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff))
        elif way == 2:
            del data[at:]
        elif way == 3:
            data[at:at] = rng.randbytes(rng.choice((1, 2, 10, 300)))
        elif way == 4:
            del data[at:at + rng.randrange(1, 12)]
        elif way == 5:
            data += data[at:at + 40]
        elif way == 6 and len(data) >= 12:
            count = 4 + 2 * rng.randrange(4)
            data[count:count + 2] = struct.pack("!H", rng.choice((0, 1, 2, 255, 65535)))
        elif way == 7:
            data += bytes(rng.choice((1, 11, 500, 1300)))
    return bytes(data)


def message(rng):
    if rng.random() < 0.05:
        return rng.randbytes(rng.choice((0, 1, 11, 12, 13, 40, 512, 1300)))
    return mutate(rng, seeds(rng))


def numbered(rng, n):
    """Messages with their place as their ID."""
    out = []
    for ident in range(n):
        data = message(rng)
        out.append(struct.pack("!H", ident) + data[2:] if len(data) >= 2 else data)
    return out


# ---- runs


def judge(data, reply):
    """Whether the reply is what the model says; the strict reader sees to its form."""
    got = expect_reply(reply, data)
    wanted = deserved(data)
    if wanted == ANSWERED:
        return got.rcode in (0, 2, 3, 5, 6) and got.question is not None
    if wanted in OTHERS:
        return got.rcode in OTHERS[wanted] and not got.answer + got.authority
    return got.rcode == wanted and not got.answer + got.authority


def check_all(asked, replies):
    """asked and replies by ID."""
    for ident, data in asked.items():
        wanted = deserved(data)
        if wanted == SILENT:
            assert ident not in replies, data.hex()
            continue
        assert ident in replies, f"no answer, {wanted} is deserved: {data.hex()}"
        try:
            assert judge(data, replies[ident]), f"{wanted}: {data.hex()} -> {replies[ident].hex()}"
        except Malformed as error:
            raise AssertionError(f"{error}: {data.hex()} -> {replies[ident].hex()}") from error


def run_udp(rng, udp, end):
    """A batch, then a question that everybody understands; when its answer is there, so is all."""
    n = 0
    while time.monotonic() < end:
        batch = numbered(rng, BATCH)
        replies = {}
        wanted = sum(deserved(data[:UDP_QUERY_BYTES]) != SILENT for data in batch)
        for data in batch:
            udp.socket.send(data)
        while len(replies) < wanted and select.select([udp.socket], [], [], 2)[0]:
            reply = udp.socket.recv(65535)
            assert len(reply) <= 1232
            replies[int.from_bytes(reply[:2], "big")] = reply
        check_all({i: data[:UDP_QUERY_BYTES] for i, data in enumerate(batch)}, replies)
        assert udp.ask(query("www.dr.example.test", ident=0xffff)).answer
        n += len(batch)
    return n


def run_tcp(rng, address, end):
    """Streams of messages in pieces of any size."""
    n = 0
    while time.monotonic() < end:
        batch = [data[:TCP_QUERY_BYTES] for data in numbered(rng, BATCH)]
        batch.append(query("www.dr.example.test", ident=0xffff))
        stream = b"".join(struct.pack("!H", len(data)) + data for data in batch)
        tcp = Tcp(address)
        while stream:
            size = rng.choice((1, 2, 3, 100, 5000, 100000))
            tcp.socket.sendall(stream[:size])
            stream = stream[size:]
        replies = {}
        while 0xffff not in replies:
            reply = tcp.receive()
            replies[int.from_bytes(reply[:2], "big")] = reply
        tcp.close()
        check_all(dict(enumerate(batch[:-1])), replies)
        n += len(batch)
    return n


def run_garbage(rng, address, end):
    """Streams that are no frames at all; the connection may end, others may not notice."""
    while time.monotonic() < end:
        tcp = Tcp(address)
        try:
            for _ in range(rng.randrange(1, 5)):
                tcp.socket.sendall(rng.randbytes(rng.choice((1, 2, 100, 5000))))
        except (BrokenPipeError, ConnectionResetError):
            pass
        tcp.close()
        other = Tcp(address)
        assert other.ask(query("www.dr.example.test")).answer
        other.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    made = dns_site.start(tmp_path_factory.mktemp("z"))
    yield made
    dns_site.stop(made)


def test_no_datagram_kills_the_face_or_is_answered_amiss(daemon):
    face, udp = daemon.children()["face"], Udp(daemon.site.dns)
    assert run_udp(random.Random(SEED), udp, time.monotonic() + SECONDS) > 1000
    udp.close()
    assert daemon.children()["face"] == face


def test_no_stream_kills_the_face_or_is_answered_amiss(daemon):
    face = daemon.children()["face"]
    assert run_tcp(random.Random(SEED + 1), daemon.site.dns, time.monotonic() + SECONDS) > 1000
    run_garbage(random.Random(SEED + 2), daemon.site.dns, time.monotonic() + SECONDS / 4)
    assert daemon.children()["face"] == face
