"""The records of a zone: what other name servers refuse, `dnsflip check` refuses; what is right, it
takes; and all mistakes are told at once, with file and line."""
import pathlib
import random
import re
import subprocess

import pytest

from dns_peers import environment, unpack
from world import BUILD
from zone_tables import ILL_FORMED, WELL_FORMED

ZONE = "dr.example.com"
CHECK_S = 60
# kzonecheck 3.2 does not come to an end on some records: then it has not said anything.
PEER_S = 5
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden/zone"

CONFIG = """version: 1
node: {{ name: n1, state_dir: {folder}/state, control_socket: {folder}/c.sock }}
references: ["tcp://192.0.2.200:443"]
clusters:
  use1: {{ region: us-east-1, target: {{ A: [198.51.100.10] }} }}
  usw2: {{ region: us-west-2, target: {{ A: [203.0.113.10] }} }}
providers:
  dns:
    kind: local
    listen: ["127.0.0.1:5300"]
    zone: dr.example.com
    nameservers: {{ ns1.dr.example.com: [192.0.2.53], ns2.example.net: [] }}
    soa: {{ contact: hostmaster@example.com, minimum: 5s }}
    records: zone.txt
policies:
  p: {{ interval: 10s, fall: 3, rise: 6, min_outage: 120s, down_if: {{ ui: 50% }} }}
groups:
  prod:
    clusters: [use1, usw2]
    mode: observe
    policy: p
    provider: dns
    ttl: 30s
    promotion: not-needed
    deployments: [app]
    endpoints:
      - {{ hostname: "{{deployment}}.dr.example.com", class: ui, probe: {{ kind: airflow }} }}
"""

# What the configuration above puts into the zone.
APEX = """$ORIGIN dr.example.com.
$TTL 3600
@ 60 SOA ns1 hostmaster.example.com. 1 30 10 1209600 5
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
app 30 A 198.51.100.10
"""

PEERS = {
    "nsd": ("nsd", ["nsd-checkzone", ZONE]),
    "knot": ("knot-dnssecutils", ["kzonecheck", "-o", ZONE]),
    "bind": ("bind9-utils", ["named-checkzone", "-i", "local", "-k", "fail", "-n", "fail", "-m",
                             "fail", "-r", "fail", ZONE]),
}

# Right by its RFC, but two of the three cannot read it.
UNKNOWN_TO_PEERS = {"hip ok": "NSD 4.6 and Knot 3.2 do not know HIP (RFC 8005)"}


@pytest.fixture
def check(folder):
    """check(records): (exit code, what `dnsflip check` says)."""
    config = folder / "dnsflip.yaml"
    config.write_text(CONFIG.format(folder=folder))

    def one(records):
        (folder / "zone.txt").write_text(records)
        done = subprocess.run([BUILD / "dnsflip", "check", "--config", config], capture_output=True,
                              text=True, errors="replace", timeout=CHECK_S, check=False)
        return done.returncode, done.stdout + done.stderr

    return one


@pytest.fixture(scope="module")
def peers():
    for package, _ in PEERS.values():
        unpack(package)
    return environment()


def refusing(peers, folder, records):
    """Names of the peers that refuse these records."""
    path = folder / "whole.zone"
    path.write_text(APEX + records)
    found = set()
    for name, (_, argv) in PEERS.items():
        try:
            code = subprocess.run([*argv, path], env=peers, capture_output=True, timeout=PEER_S,
                                  check=False).returncode
        except subprocess.TimeoutExpired:
            continue
        if code != 0:
            found.add(name)
    return found


def test_ill_formed_zones_are_refused_with_file_and_line(check):
    taken = {}
    for name, records in ILL_FORMED.items():
        code, text = check(records)
        if code != 1 or not re.search(r"zone\.txt:\d+: zone dr\.example\.com: ", text):
            taken[name] = (code, text[:300])
    assert not taken


def test_odd_but_well_formed_zones_are_taken(check):
    refused = {name: text for name, records in WELL_FORMED.items()
               for code, text in [check(records)] if code != 0}
    assert not refused


def test_what_two_other_name_servers_refuse_is_refused(check, peers, folder):
    assert not refusing(peers, folder, "")
    taken = {}
    for name, records in WELL_FORMED.items():
        others = refusing(peers, folder, records)
        if len(others) >= 2 and name not in UNKNOWN_TO_PEERS:
            taken[name] = others
    assert not taken
    # The table is worth asking: they refuse most of what we do.
    refused = sum(len(refusing(peers, folder, records)) >= 2 for records in ILL_FORMED.values())
    assert refused > len(ILL_FORMED) // 2


def host(rng):
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randint(1, 9)))


def some_data(rng, hosts):
    """A type and data that need no other name; hosts have addresses."""
    octets = ".".join(str(rng.randint(1, 254)) for _ in range(4))
    return rng.choice((
        ("A", octets), ("AAAA", f"2001:db8::{rng.randint(1, 9999)}"),
        ("TXT", " ".join(f'"{host(rng)} ; {host(rng)}"' for _ in range(rng.randint(1, 4)))),
        ("MX", f"{rng.randint(0, 65535)} {rng.choice(hosts)}"),
        ("SRV", f"{rng.randint(0, 9)} 0 {rng.randint(1, 65535)} {rng.choice(hosts)}"),
        ("CAA", f'{rng.choice((0, 128))} issue "{host(rng)}.example.net"'),
        ("HTTPS", f"1 . alpn=h2,h3 port={rng.randint(1, 65535)} ipv4hint={octets}"),
        ("SVCB", f"2 {host(rng)}.example.net. mandatory=alpn alpn=h2"),
        ("SSHFP", "1 1 " + "ab" * 20), ("TLSA", "3 1 1 " + "cd" * 32),
        ("NAPTR", f'10 20 "s" "x" "" {rng.choice(hosts)}'), ("PTR", f"{host(rng)}.example.net."),
        ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"), ("HINFO", '"a" "b"'),
        ("URI", f'1 1 "https://{host(rng)}/"'), ("TYPE65280", "\\# 4 01020304"),
        ("APL", "1:192.0.2.0/24 !2:2001:db8::/32"), ("EUI48", "00-11-22-33-44-55"),
        ("RP", f"{rng.choice(hosts)} ."), ("CERT", "1 2 3 AQAB"), ("DHCID", "AAAB"),
    ))


def generated_zone(seed):
    rng = random.Random(seed)
    hosts = [f"h{i}{host(rng)}" for i in range(4)]
    lines = [f"{name} A 192.0.2.{10 + i}" for i, name in enumerate(hosts)]
    for i in range(rng.randint(1, 25)):
        owner = rng.choice((f"n{i}{host(rng)}", f"*.w{i}", f"a.b.n{i}", f"_x._tcp.n{i}", "@"))
        kind, data = some_data(rng, hosts)
        is_odd = owner[0] == "_" and kind in ("A", "AAAA", "MX")  # to BIND
        if not is_odd and (owner != "@" or kind in ("MX", "TXT", "CAA")):
            lines.append(f"{owner} {rng.choice(('', '300 ', 'IN ', '1h IN '))}{kind} {data}")
    for i in range(rng.randint(0, 4)):
        lines += rng.choice((
            [f"c{i} CNAME {rng.choice(hosts)}"], [f"*.cw{i} CNAME {host(rng)}.example.org."],
            [f"s{i} NS ns.s{i}", f"ns.s{i} A 192.0.2.{100 + i}"], [f"s{i} NS ns.example.net."],
            [f"d{i} DNAME d.example.org.", f"d{i} TXT x"]))
    # One set, one TTL: the records of the apex and of n0 may meet others of their type.
    kept, seen = [], set()
    for line in lines:
        owner, *words = line.split()
        kind = next(w for w in words if w not in ("IN", "300", "1h"))
        if (owner, kind) not in seen:
            kept.append(line)
        seen.add((owner, kind))
    return "\n".join(kept) + "\n"


@pytest.mark.parametrize("seed", range(40))
def test_generated_well_formed_zones_are_taken_by_all(check, peers, folder, seed):
    records = generated_zone(seed)
    code, text = check(records)
    assert code == 0, text + records
    assert not refusing(peers, folder, records), records


def mistakes(text):
    """Lines about the records file, without its folder."""
    return [re.sub(r"^.*/zone\.txt:", "zone.txt:", line) for line in text.splitlines()
            if "/zone.txt:" in line]


def test_all_mistakes_of_a_file_are_told_at_once_in_its_order(check):
    code, text = check((GOLDEN / "mistakes.zone").read_text())
    assert code == 1
    assert "\n".join(mistakes(text)) + "\n" == (GOLDEN / "mistakes.out").read_text()


def test_more_than_a_thousand_mistakes_are_counted(check):
    code, text = check("".join(f"x{i} A 192.0.2.256\n" for i in range(1500)))
    assert code == 1
    told = len(mistakes(text))
    more = re.search(r"^and (\d+) more$", text, re.MULTILINE)
    assert 900 <= told <= 1000 and more and told + int(more.group(1)) >= 1500
