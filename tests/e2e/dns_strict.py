"""DNS messages to the byte: a builder that can lie and a reader that forgives nothing.

dnspython refuses some legal answers and forgives some malformed ones, so it is no judge here."""
import random
import socket
import struct

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DNAME, OPT, DS, ANY = (
    1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 41, 43, 255)
NAPTR, CAA, SVCB, HTTPS, TSIG, IXFR, AXFR = 35, 257, 64, 65, 250, 251, 252
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, NOTAUTH, BADVERS = 0, 1, 2, 3, 4, 5, 6, 9, 16
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
CLEAR = 0x0070  # Z, AD, CD: no answer of ours sets them
LABEL_BYTES, NAME_BYTES = 63, 255

# Where names lie in rdata: numbers of fixed bytes, "n" for a name that may be compressed (the types
# of RFC 1035), "u" for one that may not, "s" for a character-string, "*" for the rest.
RDATA = {NS: "n", CNAME: "n", PTR: "n", SOA: ("n", "n", 20), MX: (2, "n"), SRV: (6, "u"),
         DNAME: "u", NAPTR: (4, "s", "s", "s", "u"), SVCB: (2, "u", "*"), HTTPS: (2, "u", "*"),
         A: (4,), AAAA: (16,)}


class Malformed(Exception):
    pass


def check(condition, *what):
    if not condition:
        raise Malformed(*what)


def wire(text):
    """A name on the wire; \\DDD and \\X are escapes."""
    labels, label, at = [], bytearray(), 0
    text = text if text.endswith(".") else text + "."
    if text == ".":
        return b"\0"
    while at < len(text):
        if text[at] == "\\":
            if text[at + 1].isdigit():
                label.append(int(text[at + 1:at + 4]))
                at += 4
            else:
                label.append(ord(text[at + 1]))
                at += 2
        elif text[at] == ".":
            labels.append(bytes(label))
            label = bytearray()
            at += 1
        else:
            label.append(ord(text[at]))
            at += 1
    return b"".join(bytes([len(one)]) + one for one in labels) + b"\0"


def lower(name):
    """A-Z alone: length bytes are no letters, other bytes have no case (RFC 4343)."""
    return bytes(b + 32 if 65 <= b <= 90 else b for b in name)


def mixed(name, rng):
    """0x20: each letter in a case of its own."""
    return bytes(b ^ 0x20 if chr(b).isalpha() and b < 128 and rng.random() < 0.5 else b
                 for b in name)


def opt(size=1232, rcode=0, version=0, flags=0, options=(), rdata=None, owner=b"\0"):
    if rdata is None:
        rdata = b"".join(struct.pack("!HH", code, len(data)) + data for code, data in options)
    return owner + struct.pack("!HHBBHH", OPT, size, rcode, version, flags, len(rdata)) + rdata


def query(name, qtype=A, qclass=1, ident=0x1234, flags=0, additional=(), counts=None):
    """A QUERY.  name: text or wire bytes; counts: what the header says instead of the truth."""
    name = wire(name) if isinstance(name, str) else name
    counts = counts or (1, 0, 0, len(additional))
    return (struct.pack("!6H", ident, flags, *counts) + name + struct.pack("!HH", qtype, qclass)
            + b"".join(additional))


class Record:
    """One record: rdata with its names whole and in lower case."""

    def __init__(self, owner, rtype, rclass, ttl, rdata):
        self.owner, self.type, self.rclass, self.ttl, self.rdata = owner, rtype, rclass, ttl, rdata

    def key(self):
        return (lower(self.owner), self.type, self.rclass, self.ttl, self.rdata)

    def __repr__(self):
        return f"<{self.owner!r} {self.type} {self.ttl} {self.rdata[:60]!r}>"


class Answer:
    """A message read strictly: Malformed is raised for whatever is not as it must be."""

    def __init__(self, data):
        check(len(data) >= 12, "no header", len(data))
        self.data, self.at = data, 12
        self.id, self.flags, qd, *counts = struct.unpack("!6H", data[:12])
        check(qd <= 1, "QDCOUNT", qd)
        self.rcode, self.opcode = self.flags & 15, self.flags >> 11 & 15
        self.question = self.opt = None
        if qd:
            start = self.at
            self.name(may_point=False)
            self.at += 4
            check(self.at <= len(data), "question cut off")
            self.question = data[start:self.at]
        self.answer, self.authority, self.additional = ([self.record() for _ in range(n)]
                                                        for n in counts)
        check(self.at == len(data), "bytes behind the last record", len(data) - self.at)
        for record in self.answer + self.authority:
            check(record.type != OPT, "OPT outside the additional section")
        opts = [r for r in self.additional if r.type == OPT]
        check(len(opts) <= 1, "more than one OPT")
        if opts:
            self.opt = opts[0]
            check(self.opt.owner == b"\0", "OPT's owner is not the root")
            self.rcode |= self.opt.ttl >> 24 << 4
            self.additional.remove(self.opt)

    def name(self, may_point=True, end=None):
        """Reads the name at self.at; pointers lead strictly back."""
        out, at, last, after = b"", self.at, self.at, None
        while True:
            check(at < len(self.data), "a name is cut off")
            label = self.data[at]
            if label >= 0xc0:
                check(may_point, "a pointer where none may be")
                check(at + 1 < len(self.data), "a pointer is cut off")
                target = (label & 0x3f) << 8 | self.data[at + 1]
                check(12 <= target < last, "a pointer that leads not back", target, last)
                after = at + 2 if after is None else after
                at = last = target
                continue
            check(label <= LABEL_BYTES, "label type", label)
            out += self.data[at:at + 1 + label]
            at += 1 + label
            check(at <= len(self.data), "a label is cut off")
            if label == 0:
                break
        check(len(out) <= NAME_BYTES, "a name of", len(out))
        self.at = at if after is None else after
        check(end is None or self.at <= end, "a name leaves its rdata")
        return out

    def record(self):
        owner = self.name()
        check(self.at + 10 <= len(self.data), "a record is cut off")
        rtype, rclass, ttl, length = struct.unpack("!HHIH", self.data[self.at:self.at + 10])
        self.at += 10
        end = self.at + length
        check(end <= len(self.data), "rdata is cut off")
        check(rtype == OPT or ttl < 1 << 31, "TTL", ttl)
        check(rtype == OPT or rclass == (255 if rtype == TSIG else 1), "class", rclass)
        record = Record(owner, rtype, rclass, ttl, self.rdata(rtype, end))
        check(self.at == end, "rdata has another length than it says", rtype)
        return record

    def rdata(self, rtype, end):
        out = b""
        for part in RDATA.get(rtype, "*"):
            if part in ("n", "u"):
                out += lower(self.name(part == "n", end))
                continue
            if part == "*":
                n = end - self.at
            else:
                check(self.at < end, "rdata is too short", rtype)
                n = 1 + self.data[self.at] if part == "s" else part
            out += self.data[self.at:self.at + n]
            self.at += n
            check(self.at <= end, "rdata is too short", rtype)
        return out

    def keys(self, section):
        return sorted(record.key() for record in getattr(self, section))


def expect_reply(data, asked):
    """Reads an answer and checks what every answer owes its query."""
    got = Answer(data)
    (flags,) = struct.unpack("!H", asked[2:4])
    check(got.id == struct.unpack("!H", asked[:2])[0], "ID", got.id)
    check(got.flags & QR, "QR is clear")
    check(got.opcode == flags >> 11 & 15, "opcode", got.opcode)
    check(got.flags & RD == flags & RD, "RD is not copied")
    check(not got.flags & (RA | CLEAR), "RA, Z, AD or CD", hex(got.flags))
    if got.question is not None:
        check(asked[12:12 + len(got.question)] == got.question, "the question is not echoed")
    if got.flags & TC:
        check(not got.answer + got.authority + got.additional, "records in a truncated answer")
    return got


def family_of(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


class Udp:
    """A connected UDP socket: what others send does not get in."""

    def __init__(self, address, timeout_s=2):
        self.socket = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.socket.settimeout(timeout_s)

    def ask_raw(self, data):
        self.socket.send(data)
        return self.socket.recv(65535)

    def ask(self, data):
        return expect_reply(self.ask_raw(data), data)

    def close(self):
        self.socket.close()


class Tcp:
    """One TCP connection."""

    def __init__(self, address, timeout_s=2):
        self.socket = socket.create_connection(address, timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *messages):
        self.socket.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))

    def read(self, n):
        out = b""
        while len(out) < n:
            more = self.socket.recv(n - len(out))
            if not more:
                raise EOFError(f"closed after {len(out)} of {n} bytes")
            out += more
        return out

    def receive(self):
        return self.read(struct.unpack("!H", self.read(2))[0])

    def ask_raw(self, data):
        self.send(data)
        return self.receive()

    def ask(self, data):
        return expect_reply(self.ask_raw(data), data)

    def close(self):
        self.socket.close()


def seeded(seed):
    return random.Random(seed)
