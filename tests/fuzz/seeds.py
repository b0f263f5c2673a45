#!/usr/bin/env python3
"""Writes first inputs for the fuzz targets, one file each.  usage: seeds.py FOLDER [NAME...]

They go to FOLDER/NAME/.  A fuzzer gets far from good ones; `make fuzz-corpus` keeps the few that
reach something that no other input does.
"""
import hashlib
import hmac
import json
import pathlib
import struct
import sys

NAMES = ("app.dr.example.com", "usw2.app.dr.example.com", "api.dr.example.com",
         "many.dr.example.com", "edge.other.example.net", "dr.example.com", "none.dr.example.com",
         "a.b.none.dr.example.com", "b.c.dr.example.com", "www.sub.dr.example.com",
         "ns.sub.dr.example.com", "sub.dr.example.com", "x.old.dr.example.com",
         "app.old.dr.example.com", "old.dr.example.com", "x.wild.dr.example.com",
         "y.wild2.dr.example.com", "wild.dr.example.com", "c1.dr.example.com",
         "out.dr.example.com", "svc.dr.example.com", "srv.dr.example.com", "big.dr.example.com", "mail.dr.example.com",
         "example.org", "", "_acme-challenge.app.dr.example.com", "ns1.dr.example.com",
         "a." * 119 + "dr.example.com", "x" * 63 + ".old.dr.example.com")
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
         "DNAME": 39, "DS": 43, "HTTPS": 65, "IXFR": 251, "AXFR": 252, "ANY": 255}


def wire_name(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def option(code, data=b""):
    return struct.pack(">HH", code, len(data)) + data


def opt(options=b"", payload=1232, version=0, flags=0):
    return b"\0" + struct.pack(">HHBBHH", 41, payload, 0, version, flags, len(options)) + options


def query(name, kind=1, additional=b"", flags=0, klass=1, counts=(1, 0, 0), n_additional=None):
    n = (1 if additional else 0) if n_additional is None else n_additional
    return (struct.pack(">HHHHHH", 0x1234, flags, *counts, n) + wire_name(name) +
            struct.pack(">HH", kind, klass) + additional)


def queries():
    for name in NAMES:
        yield query(name)
        yield query(name, TYPES["AAAA"], opt())
    for kind in TYPES.values():
        yield query("app.dr.example.com", kind)
        yield query("dr.example.com", kind, opt(flags=0x8000))
        yield query("App.OLD.dr.example.com", kind)
    for options in (option(10, b"8bytes.."), option(10, b"8bytes.." + b"s" * 16), option(10, b"1"),
                    option(3), option(8, b"\0\1\x18\0\xc0\0\2"), option(11), option(11, b"\0\x64"),
                    option(12, b"\0" * 32), option(15, b"\0\0"), option(65001, b"x"),
                    option(10, b"8bytes..") + option(3) + option(11)):
        yield query("app.dr.example.com", 1, opt(options))
        yield query("many.dr.example.com", TYPES["AAAA"], opt(options, payload=512))
    for payload in (0, 512, 1232, 4096):
        yield query("big.dr.example.com", TYPES["TXT"], opt(payload=payload))
    yield query("big.dr.example.com", TYPES["TXT"])
    yield query("app.dr.example.com", 1, opt(version=1))
    yield query("app.dr.example.com", 1, opt(payload=65535))
    yield query("app.dr.example.com", 1, opt() + opt(), n_additional=2)
    yield query("app.dr.example.com", 1, opt()[:-3])
    yield query("app.dr.example.com", klass=3)
    yield query("app.dr.example.com", klass=255)
    for opcode in (1, 2, 4, 5, 6):
        yield query("dr.example.com", TYPES["SOA"], flags=opcode << 11)
    yield query("app.dr.example.com", flags=0x8000)
    yield query("app.dr.example.com", flags=0x0110)
    yield query("app.dr.example.com", counts=(2, 0, 0))
    yield query("app.dr.example.com", counts=(0, 0, 0))
    # IXFR carries the SOA it has; a TSIG record stands last.
    soa = (wire_name("dr.example.com") + struct.pack(">HHIH", 6, 1, 60, 22) + b"\0\0" +
           struct.pack(">IIIII", 100, 30, 10, 1209600, 5))
    yield query("dr.example.com", TYPES["IXFR"], soa, counts=(1, 0, 1), n_additional=0)
    yield query("dr.example.com", TYPES["AXFR"], tsig(), n_additional=1)
    yield query("dr.example.com", TYPES["AXFR"])
    yield query("dr.example.com", TYPES["IXFR"], soa[:-20] + bytes(20), counts=(1, 0, 1), n_additional=0)
    for name, kind, extra in (("other.example.net", "AXFR", b""), ("other.example.net", "SOA", opt()),
                              ("app.dr.example.com", "A", b""), ("none.dr.example.com", "A", opt())):
        yield signed(query(name, TYPES[kind], extra))
    yield signed(query("other.example.net", TYPES["SOA"]), time_s=1)


def tsig(key="key.example.com", error=0, mac=b"m" * 32):
    data = (wire_name("hmac-sha256") + b"\0\0" + struct.pack(">IHH", 1900000000, 300, len(mac)) +
            mac + struct.pack(">HHH", 0x1234, error, 0))
    return wire_name(key) + struct.pack(">HHIH", 250, 255, 0, len(data)) + data


def signed(message, time_s=1700000000):
    """As the targets' own key and clock have it (tests/fuzz/question.c)."""
    name, algorithm, times = wire_name("key"), wire_name("hmac-sha256"), struct.pack(">HIH", 0, time_s, 300)
    mac = hmac.digest(bytes(16), message + name + struct.pack(">HI", 255, 0) + algorithm + times + bytes(4), "sha256")
    data = algorithm + times + struct.pack(">H", 32) + mac + message[:2] + bytes(4)
    n = struct.unpack(">H", message[10:12])[0] + 1
    return (message[:10] + struct.pack(">H", n) + message[12:] + name +
            struct.pack(">HHIH", 250, 255, 0, len(data)) + data)


def seeds_query():
    for message in queries():
        yield b"\x11" + message
    for words in (b"\x00", b"\x22", b"\x13", b"\xff"):
        for name in NAMES[:6]:
            yield words + query(name, 1, opt())


def seeds_transfer():
    soa = struct.pack(">IIIII", 100, 30, 10, 1209600, 5)
    names = ("dr.example.com", "other.example.net", "DR.example.com", "app.dr.example.com", "")
    for choice in (0, 1, 3, 7, 9, 11, 0x13, 0x23, 0x33, 2, 6, 8, 0x43, 0x47):
        patches = b"\0" * 24 if choice & 0x40 else b""
        for name in names:
            authority = wire_name(name) + struct.pack(">HHIH", 6, 1, 60, 22) + b"\0\0"
            asked = (query(name, TYPES["AXFR"]), query(name, TYPES["SOA"], opt()),
                     query(name, TYPES["IXFR"], authority + soa, counts=(1, 0, 1), n_additional=0),
                     query(name, TYPES["IXFR"], authority + b"\0\0\0\1" + soa[4:],
                           counts=(1, 0, 1), n_additional=0))
            for message in asked:
                yield bytes((choice, 0x11)) + patches + message
    for key in ("key.example.com", "other.key", "no.such.key"):
        for mac in (b"", b"m" * 9, b"m" * 10, b"m" * 16, b"m" * 32, b"m" * 64):
            yield b"\1\x11" + query("dr.example.com", TYPES["AXFR"], tsig(key, mac=mac))
            yield b"\0\x11" + query("dr.example.com", TYPES["SOA"], tsig(key, 16, mac) + opt(),
                                    n_additional=2)
            yield b"\0\x11" + query("dr.example.com", TYPES["SOA"], opt() + tsig(key, 18, mac),
                                    n_additional=2)
    for at in (8, 16, 24, 28, 32, 40, 104, 105, 106, 108, 112, 128, 240, 368):
        yield b"\x43\x11" + struct.pack("<HB", at, 255) + b"\0" * 21 + query("dr.example.com", 252)


def seeds_tcp():
    framed = [struct.pack(">H", len(message)) + message for message in queries()]
    for i in range(0, len(framed), 4):
        yield b"\x11" + bytes((1, 2, 3, 255, 255, 255, 255, 255)) + b"".join(framed[i:i + 4])
    yield b"\x11" + bytes((255,) * 8) + framed[0] + b"\xff\xff" + framed[1]
    yield b"\x11" + bytes((255,) * 8) + framed[0] + b"\0\0" + framed[1] + b"\0"
    yield b"\x11" + bytes((255,) * 8) + framed[0] + struct.pack(">H", 4094) + b"\0" * 4094


def record(name, kind, data, ttl=30, klass=1):
    owner = b"\xc0\x0c" if name is None else wire_name(name)
    return owner + struct.pack(">HHIH", kind, klass, ttl, len(data)) + data


def response(question, answers=(), authority=(), flags=0x8400):
    head = struct.pack(">HHHHHH", 0x1234, flags, 1, len(answers), len(authority), 0)
    return head + question[12:] + b"".join(answers) + b"".join(authority)


def seeds_secondary():
    soa = (b"\xc0\x0c\x0ahostmaster\xc0\x0c" + struct.pack(">IIIII", 2000000001, 30, 10, 99, 5))
    asked = [query("dr.example.com", 6), query("app.dr.example.com", 1),
             query("app.dr.example.com", 28), query("c1.dr.example.com", 5)]
    address, long_address = b"\xc0\0\2\1", b"\x20\1\x0d\xb8" + b"\0" * 11 + b"\1"
    target = b"\3app\xc0\x0f"
    answers = (
        (0, response(asked[0], [record(None, 6, soa)])),
        (0, response(asked[0], (), [record(None, 6, soa)], 0x8403)),
        (0, response(asked[0], [record(None, 6, soa[:-1])])),
        (0, response(asked[0], (), (), 0x8605)),
        (1, response(asked[1], [record(None, 1, address)] * 3)),
        (1, response(asked[1], [record(None, 5, target), record("app.dr.example.com", 1, address)])),
        (1, response(asked[1], [record(None, 1, address)] * 33)),
        (1, response(asked[1], [record(None, 1, address, ttl=0xffffffff)])),
        (1, response(asked[1], [record(None, 1, address[:3])])),
        (2, response(asked[2], [record(None, 28, long_address)])),
        (3, response(asked[3], [record(None, 5, target), record(None, 16, b"\1x")])),
        (3, response(asked[3], [record(None, 5, b"\x40\xc0\x0c")])),
        (1, struct.pack(">HHHHHH", 0x1234, 0x8001, 0, 0, 0, 0)),
    )
    for which, message in answers:
        yield bytes((which, 0)) + message
        yield bytes((which, 1)) + message
        yield bytes((which, 0)) + message[:-2]


AIRFLOW = (
    '{"metadatabase":{"status":"healthy"},"scheduler":{"status":"healthy",'
    '"latest_scheduler_heartbeat":"2027-01-15T08:00:00.123456+00:00"},"triggerer":{"status":'
    '"healthy","latest_triggerer_heartbeat":null},"dag_processor":{"status":"healthy"}}',
    '{"metadatabase":{"status":"unhealthy"},"scheduler":{"status":null}}',
    '{"metadatabase":{"status":"healthy"},"scheduler":{"status":"healthy","latest_heartbeat":'
    '"2027-01-15T07:59:00Z"},"triggerer":null}',
    '{"metadatabase":{"status":"healthy"},"scheduler":{"status":"healthy",'
    '"latest_scheduler_heartbeat":"never"}}',
    '{"metadatabase":{"status":"healthy"},"scheduler":{"status":"healthy"},"triggerer":{},'
    '"dag_processor":{"status":7}}',
    '{"version":"3.1.0","git_version":null}', '{"version":"\\u0001\\ud83d\\ude00 x"}',
    '{"status":"healthy"}', '{"status":"no"} ', '{"a":[0,{"b~/":true},[null,3,-1.5e3]],"":"x"}',
    "[" * 60 + "]" * 60, '"\\u12"', "nul", '{"a":1,"a":"healthy"}',
)


def seeds_airflow():
    for pointer in ("", "/status", "/a/1/b~1~0", "/a/2/1", "/a/99", "/metadatabase/status", "/a/-"):
        for body in AIRFLOW:
            yield f"{pointer}\n{body}".encode()


def entry(kind, **members):
    words = ',"time":"2026-11-23T03:04:05.678Z","kind":"%s"' % kind
    for name, value in members.items():
        text = {True: "true"}.get(value, value) if isinstance(value, bool) else value
        quoted = isinstance(value, str) and not value.startswith("[")
        words += f',"{name}":"{text}"' if quoted else f',"{name}":{text}'
    return words


def seeds_journal():
    op = {"group": "prod", "operation": "op1", "epoch": 12}
    head = [entry("init", epoch=10, detail="node1"), entry("start", reason="a" * 64, detail="0.1"),
            entry("adopt", group="prod", to="use1", epoch=11, actor="ann")]
    auto = entry("intent", **op, verb="auto", to="usw2", names=3, step=2, has_fence=True,
                 has_hook=True, has_proof=True, until="2026-11-23T04:04:05.000Z",
                 **{"from": "use1"})
    switch = entry("intent", **op, verb="switch", to="usw2", actor="ann", reason="drill",
                   request_id="r1", request_digest="b" * 64, overrides='["block","brake"]',
                   **{"from": "use1"})
    steps = [entry("step", **op, state=s, detail="token") for s in ("fencing", "promoting",
                                                                     "proving", "submitting")]
    moved = entry("moved", **op, to="usw2", verb="auto", is_forced=True, **{"from": "use1"})
    fence = entry("fence", group="prod", to="use1")
    settled = entry("settled", **op)
    ends = [entry("outcome", **op, state=s, names=3, step=3) for s in
            ("done", "not-converged", "partial", "needs-attention", "failed", "cancelled",
             "superseded", "abandoned")]
    acts = [entry("hold", group="prod", actor="ann", reason="x", until="2026-11-24T00:00:00.000Z"),
            entry("release", group="prod"), entry("ack"), entry("ack", group="prod"),
            entry("pause", actor="ann", reason="x"), entry("resume"),
            entry("rejoin", to="use1"), entry("rejoin", group="prod", to="use1"),
            entry("verdict", group="prod", to="use1", detail="active down"),
            entry("decision", group="prod", to="usw2", detail="move"),
            entry("alarm", detail="disk", reason="slow"), entry("reload", reason="c" * 64),
            entry("stop"), entry("adopt", group="stage", to="a")]
    second = entry("intent", group="prod", operation="op2", epoch=13, verb="failback", to="use1",
                   **{"from": "usw2"})
    for end in ends:
        yield "c" + "\n".join([*head, auto, *steps, moved, fence, settled, end])
        yield "c" + "\n".join([*head, switch, end, second])
    yield "c" + "\n".join([*head, auto, entry("refused", **op)])
    yield "c" + "\n".join([*head, moved, settled, ends[0]])
    yield "c" + "\n".join([*head, auto, ends[2], second])
    yield "c" + "\n".join([*head, *acts])
    for act in acts:
        yield "c" + "\n".join([*head, act, act])
    kept = [entry("kept-pause", actor="ann"), entry("kept-group", group="prod", to="use1", epoch=3,
                                                    is_adopted=True, is_held=True),
            entry("kept-fence", group="prod", to="usw2"),
            entry("kept-operation", **op, verb="auto", to="usw2", state="verifying"),
            entry("kept-ended", **op, verb="switch", state="done"),
            entry("kept-outage", to="use1"), entry("kept-request", request_id="r1")]
    yield "c" + "\n".join([entry("rotated", names=len(kept), epoch=9, detail="x"), *kept, *acts])
    yield "c" + "\n".join([entry("rotated", names=9, epoch=9), *kept, *acts])
    yield from journal_files(head + [auto, *steps, moved, fence, settled, ends[0]])


def journal_files(members):
    """Whole files with a true chain: good, torn, changed, out of order."""
    lines, prev = [], "0" * 64
    for seq, words in enumerate(members, 1):
        part = f'{{"v":1,"seq":{seq}{words},"prev":"{prev}"'
        prev = hashlib.sha256((part + "}").encode()).hexdigest()
        lines.append(f'{part},"hash":"{prev}"}}\n')
    whole = "".join(lines)
    yield whole
    yield whole[:-1]
    yield whole[:-30]
    yield whole[:-30] + "\n"
    yield whole[:-30] + "\n" + lines[0]
    yield whole.replace("usw2", "use1", 1)
    yield "".join(lines[:2] + lines[3:])
    yield lines[0] + "\n" + lines[1]
    yield whole.replace('"v":1', '"v":2', 1)
    yield ""


def seeds_http():
    fields = ("", "Host: x\r\n", "Authorization: Bearer s3cret-token\r\n",
              "authorization:bearer  s3cret-token \r\n", "Authorization: Bearer wrong\r\n",
              "Content-Length: 0\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
              "X: " + "y" * 3000 + "\r\n", ":\r\n", "no colon\r\n")
    lines = ("GET /metrics HTTP/1.1", "GET /healthz?x=1#y HTTP/1.0", "HEAD /metrics HTTP/1.1",
             "POST / HTTP/1.1", "GET / HTTP/2.0", "GET metrics HTTP/1.1", "GET  HTTP/1.1", "GET /",
             "", "GET / / HTTP/1.1")
    for line in lines:
        for choice in (0, 1, 2):
            yield bytes((choice, 255, 255, 255, 255)) + f"{line}\r\n{fields[2]}\r\n".encode()
    for field in fields:
        yield bytes((1, 1, 2, 30, 255)) + f"{lines[0]}\r\n{field}\r\nbody".encode()
    yield bytes((0, 60, 60, 60, 60)) + b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 2000
    yield bytes((0, 255, 255, 255, 255)) + b"GET /\0 HTTP/1.1\r\n\r\n"
    yield bytes((2, 255, 255, 255, 255)) + b"GET / HTTP/1.1\r\n"
    yield bytes((0, 255, 255, 255, 255)) + b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"


def rpc(method, id_=1, **params):
    words = {"jsonrpc": "2.0", "id": id_, "method": method}
    if params:
        words["params"] = params
    return json.dumps(words, separators=(",", ":"))


def seeds_control():
    acts = [rpc("switch", group="prod", to="usw2", reason="x", request_id="r1"),
            rpc("failover", group="prod", reason="x", to="usw2", override=["destination-unknown"]),
            rpc("failback", group="prod", reason="x", override="destination-fenced"),
            rpc("evacuate", cluster="use1", reason="x", planned=True, request_id="e"),
            rpc("hold", group="prod", reason="x", **{"for": "30m"}), rpc("release", group="prod"),
            rpc("ack"), rpc("ack", group="prod"), rpc("adopt", group="prod", active="usw2"),
            rpc("rejoin", cluster="use1"), rpc("pause", reason="x", **{"for": "1h"}), rpc("resume"),
            rpc("reload"), rpc("upgrade"), rpc("reload", accept="a" * 64, reason="x"),
            rpc("reload", adopt={"new": "use1"}),
            rpc("switch", group="prod", to="usw2", promoted=True, override="promotion", reason="x")]
    reads = [rpc("version"), rpc("status"), rpc("status", group="prod"), rpc("monitor", id_="a"),
             rpc("explain", group="prod"), rpc("plan", group="prod", to="usw2", verb="failover"),
             rpc("events", after=0, limit=5), rpc("subscribe"), rpc("operation.list", limit=3),
             rpc("status", group="nope"), rpc("statsu", id_=None), rpc("status", gruop="prod")]
    dead = "!n00\n!n01\n"
    asks = ["operation.show", "operation.cancel", "operation.resume", "operation.wait"]
    for act in acts:
        yield "\x0a" + "\n".join(["+90000", "!a10", act, "+5000", act, "+120000", *reads])
        yield "\x0b" + "\n".join([dead, act, rpc("subscribe"), "+600000", act, "!r", *reads[:3]])
    for number in (1800000002, 1800000003):
        for ask in asks:
            yield "\x0a" + "\n".join(["+90000", "!a10", acts[0],
                                      rpc(ask, operation=f"prod-{number}"), "+5000"])
    yield "\x0a" + "\n".join(reads)
    yield "\x00" + "\n".join(reads[:2])
    yield "\x0a" + "!d1\n+90000\n" + acts[0] + "\n+4000\n!d0\n+4000"
    yield "\x0a" + "!d2\n+90000\n" + acts[0] + "\n+4000\n!r\n+4000"
    yield "\x0a" + "!n01\n" + "+120000\n+120000\n" + acts[2] + "\n!f0\n" + acts[0]
    for text in ("{}", "[]", "", " ", "{", "nul", '{"jsonrpc":"2.0","method":7,"id":{}}',
                 '{"jsonrpc":"1.0","method":"status","id":1}', '{"jsonrpc":"2.0","method":"status"}',
                 '{"jsonrpc":"2.0","method":"status","id":1,"params":[1]}',
                 rpc("events", limit=0), rpc("events", limit=1e300), rpc("events", after=-1),
                 rpc("hold", group="prod", reason="", **{"for": "x"}), rpc("switch", group=7, to=[]),
                 rpc("switch", group="prod", to="usw2", override=["nope", 3], reason="x"),
                 rpc("status", id_="x" * 200), rpc("status", id_=1.5)):
        yield "\x0a" + text


ZONES = (
    "@ MX 10 mail\nmail A 192.0.2.25\nmail AAAA 2001:db8::25\n",
    "$TTL 1h30m\n$ORIGIN sub\na IN 300 TXT \"x\" ( \"y\"\n ; comment\n \"z\" )\n  300 A 192.0.2.1\n",
    "sub NS ns.sub\nns.sub A 192.0.2.8\nsub NS ns.example.net.\nwww.sub A 192.0.2.9\n",
    "old DNAME new\nx.old A 192.0.2.1\nold DNAME new2\n", "c CNAME d\nd CNAME c\nc TXT x\n",
    "*.wild CNAME app\n*.w NS x\n", "svc HTTPS 1 . alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.1 ech=AA==\n"
    "svc2 SVCB 0 app\n", "srv SRV 0 0 443 app\ncaa CAA 0 issue \"ca.example.net\"\n",
    "t TYPE65280 \\# 4 01020304\nu TYPE1 \\# 4 c0000201\n", "a\\.b\\032c TXT \"\\000\\\"\"\n",
    "x A 192.0.2.1\nx A 192.0.2.1\nx 60 A 192.0.2.2\n", "@ SOA a b 1 2 3 4 5\n@ NS x\n",
    "ns1 A 192.0.2.53\napp A 192.0.2.1\napp TXT x\nuse1.app TXT y\n_acme-challenge.app TXT z\n",
    "k DS 1 8 2 " + "ab" * 32 + "\nd DNSKEY 256 3 8 AAAA\n", "p PTR x.\nh HINFO a b\nn NAPTR 1 2 \"u\" \"s\" \"\" .\n",
    "l LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n", "s SSHFP 1 1 aabb\nt TLSA 3 1 1 aabb\n",
    "$INCLUDE x\n$GENERATE 1-2 a$ A 192.0.2.$\n", "y 99999999999 A 192.0.2.1\nz CH A 192.0.2.1\n",
    "low NS ns.low\nns.low A 192.0.2.1\n", "big TXT " + '"' + "t" * 255 + '" ' * 1 + "\n", "(\n\"", "\t\tA\n",
    "w 1w2d3h4m5s IN A 192.0.2.1 ; x\n", "APP.DR.example.com. TXT x\n", "m MX 70000 x\nm MX 1 .\n",
    "www.example.net. A 192.0.2.1\n", "a.b.c.d TXT x\n*.b.c.d A 192.0.2.7\nq URI 1 1 \"http://x/\"\n",
)


def seeds_zone():
    for zone in ZONES:
        yield "\0" + zone
        yield "\1" + zone
    yield "\0" + "".join(ZONES[:3])
    for long in ("a." * 124 + "a", ".".join(["l" * 62] * 4), "\\001" * 60 + "." + "m" * 63):
        yield "\0" + f"{long} A 192.0.2.1\n"
        yield "\0" + f"x CNAME {long}\ny MX 1 {long}\n$ORIGIN {long}\n"
    for path in pathlib.Path("tests/golden").rglob("*.zone"):
        yield b"\0" + path.read_bytes()


def seeds_config():
    for path in sorted(pathlib.Path("tests/golden").rglob("*.yaml")):
        if path.stat().st_size < 4000:
            yield path.read_bytes()
    for path in sorted(pathlib.Path("tests/sim").glob("*.yaml")) + [pathlib.Path("conf/dnsflip.yaml")]:
        yield path.read_bytes()


def seeds_view():
    for choice in (0, 1, 2, 4, 5, 0x80, 0x84):
        for word in (0, 1, 2, 3, 255):
            yield bytes((choice, word))
    for at in range(0, 400):
        for kind, value in ((0, 0xffffffff), (2, 4), (3, at + 1), (6, 8)):
            if at % 4 == kind % 4:
                yield bytes((at & 4, 1)) + struct.pack("<HBI", at, kind, value)


def seeds_beacon():
    for path in ("/beacon/second/usw2", "/beacon/second/use1", "/beacon/second/none", "/beacon/prod/use1",
                 "/beacon/second", "/beacon/second/", "/beacon//", "/", "/beacon/second/usw2/x"):
        for method in ("GET", "HEAD", "POST", "get", ""):
            yield b"\x21" + b"\x03" * 8 + f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\nmore".encode()
    for line in ("GET /beacon/second/usw2", "GET  / HTTP/1.1", "GET / HTTP/2.0", "GET /\0 HTTP/1.0", "\x16\x03\x01"):
        yield b"\x12" + b"\xff" * 8 + f"{line}\r\n\r\n".encode()
    yield b"\x12" + b"\x10" * 8 + b"GET / HTTP/1.1\r\nX: " + b"x" * 1100 + b"\r\n\r\n"


def seeds_upgrade():
    whole = ("dnsflip-hand-over 1\nfrom 0.1.0\npath /usr/sbin/dnsflip\ncount 3\nprograms 11 12\nbefore 13 14\n"
             "pair 7 5 6 9\nface 4711 8\nsocket 1 2 20 21 [::1]:53\nsocket 2 1 22 127.0.0.1:53\n"
             "socket 3 1 23 /run/a b/control\nsocket 4 1 24 [2001:db8::1]:8080\nend\n")
    yield whole
    for line in whole.splitlines(keepends=True):
        yield whole.replace(line, "")
        yield whole.replace(line, line + line)
    yield whole.replace("over 1", "over 2")
    for line in ("dnsflip 0.1.0 hand-over=1 link=1 journal=1 view=1\nmore", "dnsflip-face 0.1.0 view=1",
                 "dnsflip: no such command", "dnsflip 1 a=4294967296", "", " ", "a b c="):
        yield "f" + line


ROUTE53 = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'


def seeds_xml():
    record = ("<ResourceRecordSet><Name>\\052.app.example.com.</Name><Type>CNAME</Type><TTL>60</TTL><ResourceRecords>"
              "<ResourceRecord><Value>lb.example.net</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>")
    documents = (
        f'<?xml version="1.0"?>\n<ListResourceRecordSetsResponse {ROUTE53}><ResourceRecordSets>{record * 2}'
        "</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>",
        f"<ErrorResponse {ROUTE53}><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message>"
        "</Error><RequestId>1</RequestId></ErrorResponse>",
        f"<InvalidChangeBatch {ROUTE53}><Messages><Message>a</Message><Message>b</Message></Messages></InvalidChangeBatch>",
        "<r:A xmlns:r='urn:x' b='c'><!-- d --><?e f?><r:B>&lt;&#233;<![CDATA[<&]]></r:B><C/></r:A>",
        "<!DOCTYPE A [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><A>&b;</A>",
        "<a>" * 17 + "</a>" * 17,
        "<A>x<B/></A>",
        '{"__type":"com.x#ConflictException:http://x/","message":"no: x-amz-security-token:SECRET"}',
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>No. The Canonical String: token:x</Message>"
        "</Error></ErrorResponse>",
        "<" + "a" * 64 + "/>",
    )
    for document in documents:
        yield b"\0" + document.encode()
        yield b"\2" + document.encode()
        yield b"\0" + document[:len(document) // 2].encode()


def seeds_profile():
    keys = "aws_access_key_id = AKIAX\naws_secret_access_key: SECRET\naws_session_token=t\n"
    role = "role_arn = arn:aws:iam::1:role/a\nexternal_id = e\nduration_seconds = 900\n"
    config = (f"# c\n[default]\n{keys}s3 =\n  a = b\n\n[profile x]\n{role}source_profile = y\n[profile 'y']\n"
              f"{role}credential_source = Environment\n[profile z]\ncredential_process = 'a b' \"c\" \\d\n more\n")
    for choices in range(8):
        yield bytes([choices]) + config.encode() + b"\x01" + f"[y]\n{keys}[x]\n{role}source_profile = x\n".encode()
        yield bytes([choices]) + f"[DEFAULT]\n{keys}[profile x]\r\nsso_role_name = 1\n".encode()
        yield bytes([choices]) + b"[profile x]\nweb_identity_token_file = /t\n" + role.encode()
    for line in ("x", "= x", "[x]\n[x]\n", "[x]\na=1\nA=2", "[x]\nt =\n  u", "[]", "[profile x", "\xff"):
        yield b"\0" + line.encode("latin-1")


def seeds_credentials():
    both = '"AccessKeyId": "AKIAX", "SecretAccessKey": "SECRET", "Expiration": "2026-11-23T03:04:05Z"'
    yield "m{" + both + ', "Token": "t", "Code": "Success"}'
    yield "m{" + both + ', "Code": "Failed"}'
    yield "p{" + both + ', "SessionToken": "t", "Version": 1} x'
    yield "p{" + both + ', "Version": 1}\n'
    yield "p[[[1, 2.5e3, null, true, \"\\u00e9\"]]]"
    fields = "".join(f"<{name}>{text}</{name}>" for name, text in (
        ("AccessKeyId", "ASIAX"), ("SecretAccessKey", "SECRET"), ("SessionToken", "t"),
        ("Expiration", "2026-11-23T03:04:05Z")))
    yield ("s<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>" + fields +
           "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")
    yield "e<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code></Error></ErrorResponse>"


def main(argv):
    makers = {name[6:]: make for name, make in globals().items() if name.startswith("seeds_")}
    if not argv or not set(argv[1:]) <= makers.keys():
        print(__doc__, file=sys.stderr)
        return 64
    for name in argv[1:] or makers:
        folder = pathlib.Path(argv[0]) / name
        folder.mkdir(parents=True, exist_ok=True)
        for i, seed in enumerate(makers[name]()):
            (folder / f"seed-{i:04}").write_bytes(seed.encode() if isinstance(seed, str) else seed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
