"""A daemon whose zones hold about everything a zone can hold, and the same zones as text."""
import os
import random
import socket

from world import Daemon, free_port, wait_until

PARENT, CHILD, OTHER, DEEP = "dr.example.test", "child.dr.example.test", "other.test", "a.b.deep.test"
CLUSTERS = ("use1", "usw2")
PROBES_MAX = 4096  # connections that nobody takes
USE1, USW2 = "127.9.0.11", "127.9.0.12"
SOA_TTL_S, MINIMUM_S, NS_TTL_S, GROUP_TTL_S = 60, 7, 3600, 30

# name: its targets in use1 and usw2, as (type, text) pairs.  Group prod flips, group still does not.
FLIPPING = {
    "app.dr.example.test": ([("A", USE1)], [("A", USW2)]),
    "sales.airflow.dr.example.test": ([("A", USE1)], [("A", USW2)]),
    "www.child.dr.example.test": ([("A", USE1)], [("A", USW2)]),
}
STILL = {
    "dual.dr.example.test": ([("A", "192.0.2.1"), ("A", "192.0.2.2"), ("AAAA", "2001:db8::1")],
                             [("A", "192.0.2.3"), ("AAAA", "2001:db8::3")]),
    "h.dr.example.test": ([("A", "192.0.2.4"), ("HTTPS", "1 . alpn=h2,h3 port=8443")],
                          [("A", "192.0.2.5"), ("HTTPS", "1 . alpn=h2")]),
    "out.dr.example.test": ([("CNAME", "lb.use1.example.net.")], [("CNAME", "lb.usw2.example.net.")]),
    "in.dr.example.test": ([("CNAME", "www.dr.example.test.")], [("CNAME", "nowhere.dr.example.test.")]),
    "viadn.dr.example.test": ([("CNAME", "host.dn.dr.example.test.")],
                              [("CNAME", "no.dn.dr.example.test.")]),
    "six.dr.example.test": ([("AAAA", "2001:db8::6")], [("AAAA", "2001:db8::7")]),
    "m.other.test": ([("A", "192.0.2.8")], [("A", "192.0.2.9")]),
}
UNADOPTED = {"new.dr.example.test": ([("A", "192.0.2.20")], [("A", "192.0.2.21")])}


def _many(n, line):
    return "\n".join(line.format(i=i) for i in range(n))


PARENT_RECORDS = fr"""$TTL 300
@ TXT "v=spf1 -all"
@ MX 10 mail
@ CAA 0 issue "ca.example.net"
www A 192.0.2.80
www AAAA 2001:db8::80
www TXT ( "one" "two" ) ; a comment
mail 0 A 192.0.2.25
MiXeD A 192.0.2.26
MiXeD TXT "Case Of Text Stays"
longest 2147483647 A 192.0.2.27
app TXT "beside a managed name"
app MX 5 mail
new TXT "beside an unadopted one"
docs CNAME www
chain1 CNAME chain2
chain2 CNAME chain3
chain3 CNAME docs
dangling CNAME nothing
underwww CNAME x.y.www
toent CNAME ent
tomanaged CNAME app
tomanagedcname CNAME in
tonew CNAME new
tocut CNAME lab
belowcut CNAME host.lab
outside CNAME www.example.net.
tochild CNAME www.child
toother CNAME m.other.test.
todn CNAME host.dn
todnapex CNAME dn
towild CNAME x.wild
towildcname CNAME x.wcname
toself.cname CNAME x.y.z.wild
*.wild A 192.0.2.90
*.wild TXT "wild"
*.wild MX 10 a.wild
host.wild A 192.0.2.91
deep.ent.wild TXT "below an empty non-terminal"
*.wcname CNAME www
*.wmanaged CNAME app
*.wdangle CNAME nothing
*.wself CNAME x.wself2
*.wself2 CNAME www
*.wcut CNAME host.sub
*.wloop CNAME a.wloop2
*.wloop2 CNAME b.wloop
a.*.mid TXT "an asterisk in the middle"
*.*.two TXT "two asterisks"
sub.*.wst A 192.0.2.92
*.wst TXT "an asterisk with a name below"
*.www TXT "below a name that holds records"
*.app TXT "below a managed name"
x*y TXT "192.0.2.93"
** TXT "192.0.2.94"
some.ent TXT "below an empty non-terminal"
a.b.c.d.ents A 192.0.2.95
lab NS ns.lab.example.net.
lab NS ns2.lab.example.net.
sub NS ns1.sub
sub NS ns.deep.sub
sub NS elsewhere.example.net.
ns1.sub A 192.0.2.101
ns1.sub AAAA 2001:db8::101
ns.deep.sub A 192.0.2.102
sibling NS ns1.sub
sibling NS ns.sibling
ns.sibling A 192.0.2.103
mixns NS ns1
mixns NS www
mixns NS app
self NS self
self A 192.0.2.104
a.cut.ents NS ns.example.net.
child NS ns.example.net.
{_many(13, "big NS ns{i}.big")}
{_many(13, "ns{i}.big A 198.51.100.{i}")}
{_many(13, "ns{i}.big AAAA 2001:db8:1::{i}")}
{_many(40, "huge NS a-long-name-of-a-server-{i}.of-the-huge-zone.huge")}
{_many(40, "a-long-name-of-a-server-{i}.of-the-huge-zone.huge A 198.51.100.{i}")}
{_many(40, "a-long-name-of-a-server-{i}.of-the-huge-zone.huge AAAA 2001:db8:2::{i}")}
dn DNAME dnt
dn TXT "beside a DNAME"
host.dnt A 192.0.2.110
cname.dnt CNAME www
*.w.dnt A 192.0.2.111
dn2 DNAME dn
dnout DNAME example.net.
dnlong DNAME {'.'.join(['x' * 60] * 3)}.example.net.
dnloop DNAME dnloop
dnup DNAME dr.example.test.
dnping DNAME dnpong
dnpong DNAME dnping
dngrow DNAME x.y.dngrow
dnchild DNAME child
mx MX 10 www
mx MX 20 out.example.net.
mx MX 30 app
_sip._tcp SRV 1 2 5060 www
_sip._tcp SRV 1 2 5060 sip.example.net.
svcb SVCB 1 www alpn=h2 port=8443
svcbalias SVCB 0 app
https HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1
naptr NAPTR 100 10 "U" "E2U+sip" "!^.*$!sip:a@example.com!" .
naptr NAPTR 100 20 "" "" "" Www
ptr PTR www
caa CAA 128 iodef "mailto:a@example.com"
sshfp SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
_443._tcp TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
loc LOC 42 21 54 N 71 06 18 W -24m 30m
hinfo HINFO "Generic PC" "Linux"
rp RP www.example.net. txt
afsdb AFSDB 1 www
uri URI 10 1 "https://www.example.net/"
unknown TYPE65280 \# 4 01020304
unknown TYPE65280 \# 4 01020305
empty TYPE65281 \# 0
type1 TYPE1 \# 4 c0000270
a\.b TXT "192.0.2.120"
\000nul TXT "192.0.2.121"
a\032space TXT "192.0.2.122"
\255high TXT "192.0.2.123"
\065\066c A 192.0.2.124
semi\;colon TXT "192.0.2.125"
quo\"te TXT "192.0.2.126"
back\\slash TXT "192.0.2.127"
\@ TXT "192.0.2.128"
{'l' * 63} A 192.0.2.130
{'.'.join('a' * 119)} A 192.0.2.131
longtxt TXT {' '.join(['"' + 't' * 255 + '"'] * 12)}
{_many(40, "hugetxt TXT {i} " + ' '.join(['"' + 't' * 255 + '"'] * 5))}
{_many(29, "a29 A 192.0.2.{i}")}
{_many(30, "a30 A 192.0.2.{i}")}
{_many(200, "a200 A 192.0.2.{i}")}
tx1 TXT "{'e' * 250}" "{'e' * 200}"
"""
# One TXT at size.dr.example.test of each length: answers of exactly so many bytes, without OPT.
SIZES = [n + d for n in (512, 1232) for d in (-13, -12, -11, -10, -1, 0, 1)]


def _sized(total):
    """The strings of a TXT record that make the whole answer so many bytes long."""
    head = 12 + len(f"s{total}.{PARENT}") + 2 + 4 + 12
    left, out = total - head, []
    while left > 0:
        n = min(255, left - 1)
        n -= left - 1 - n == 1 and n > 1  # no single byte may be left over
        out.append('"' + "s" * n + '"')
        left -= n + 1
    return " ".join(out)


PARENT_RECORDS += "\n".join(f"s{n} TXT {_sized(n)}" for n in SIZES) + "\n"
CHILD_RECORDS = """$TTL 100
@ TXT "the child"
host A 192.0.2.140
up CNAME www.dr.example.test.
*.w A 192.0.2.141
cut NS ns.cut
ns.cut A 192.0.2.142
"""
OTHER_RECORDS = """$TTL 1h
w A 192.0.2.150
$ORIGIN sub.other.test.
@ A 192.0.2.151
w 1h30m IN A 192.0.2.152
w IN 5400 A 192.0.2.153
  TXT "owner of the line above"
dn DNAME dr.example.test.
* CNAME w
"""
DEEP_RECORDS = r"""w A 192.0.2.160
\* A 192.0.2.161
\* MX 10 w
"""


def random_records(rng, zone, labels=("a", "b", "*"), depth=4):
    """A zone of few names in every relation to each other: wildcards, cuts, aliases, redirects."""
    names = {}

    def any_name():
        return ".".join([rng.choice(labels) for _ in range(rng.randrange(1, depth + 1))] + [zone])

    def add(name, level):
        for label in labels:
            if rng.random() < 0.55 and level > 0:
                below = f"{label}.{name}"
                kinds = ["", "", "A", "TXT", "A TXT", "MX", "CNAME", "CNAME"]
                kind = rng.choice(kinds + (["NS", "DNAME"] if label != "*" else []))
                names[below] = kind
                if kind not in ("NS", "DNAME"):
                    add(below, level - 1)

    def ends(name, targets):
        """Chains in a circle are refused, and so are not made."""
        seen = []
        while targets.get(name) and len(seen) < 10:
            seen.append(name)
            name = targets[name]
        return len(seen) < 10

    add(zone, depth)
    lines, targets = [f"{zone}. TXT random"], {}
    for name, kinds in names.items():
        for kind in kinds.split():
            target = any_name()
            if kind == "CNAME":
                targets[name] = target
                if not ends(name, targets):
                    del targets[name]
                    continue
            if kind == "NS":
                glue = rng.choice(("ns.", "x.ns.", None))
                target = f"{glue}{name}" if glue else "ns.example.net"
                if glue:
                    lines.append(f"{target}. A 192.0.2.{rng.randrange(256)}")
            data = {"A": f"192.0.2.{rng.randrange(256)}", "TXT": f'"{rng.randrange(10)}"',
                    "MX": f"10 {target}."}
            lines.append(f"{name}. {kind} {data.get(kind, target + '.')}")
    return "\n".join(lines) + "\n"


_SEED = int(os.environ.get("DNSFLIP_SEED", "7"))
# Generated zones, by provider: few names deep, more names, many shallow ones, no wildcards.
RANDOM = {f"random{i}": (f"random{i}.test", random_records(random.Random(_SEED + i), f"random{i}.test", *shape))
          for i, shape in enumerate(((("a", "b", "*"), 4), (("a", "b", "c", "*"), 3),
                                     (tuple("abcdefgh*"), 2), (("a", "b"), 5)))}
ZONES = {PARENT: PARENT_RECORDS, CHILD: CHILD_RECORDS, OTHER: OTHER_RECORDS, DEEP: DEEP_RECORDS,
         **dict(RANDOM.values())}
SERVERS = {PARENT: {f"ns1.{PARENT}": ["127.0.0.1", "::1"], "ns.example.net": []},
           CHILD: {"ns.example.net": []},
           OTHER: {"ns.other.test": ["192.0.2.53"], "ns.example.net": []},
           DEEP: {"ns.example.net": []},
           **{zone: {"ns.example.net": []} for zone, _ in RANDOM.values()}}


def zone_of(name):
    inside = [z for z in ZONES if name == z or name.endswith("." + z)]
    return max(inside, key=len)


def zone_text(zone, serial, place=0, still=None):
    """The zone as other servers read it, while all adopted groups are active at that place; group still
    at another one."""
    first = next(iter(SERVERS[zone]))
    lines = [f"$ORIGIN {zone}.",
             f"@ {SOA_TTL_S} IN SOA {first}. host\\.master.example.test. "
             f"{serial} 30 10 1209600 {MINIMUM_S}"]
    for server, addresses in SERVERS[zone].items():
        lines.append(f"@ {NS_TTL_S} IN NS {server}.")
        lines += [f"{server}. {NS_TTL_S} IN {'AAAA' if ':' in a else 'A'} {a}" for a in addresses]
    for host, targets in (FLIPPING | STILL | UNADOPTED).items():
        if zone_of(host) != zone:
            continue
        active = [] if host in UNADOPTED else targets[place if still is None or host in FLIPPING else still]
        for name, target in ((host, active), (f"use1.{host}", targets[0]),
                             (f"usw2.{host}", targets[1])):
            lines += [f"{name}. {GROUP_TTL_S} IN {kind} {text}" for kind, text in target]
        lines.append(f"_acme-challenge.{host}. {GROUP_TTL_S} IN CNAME {host}.acme.example.net.")
    return "\n".join(lines) + "\n" + ZONES[zone]


def _target(records):
    one = {}
    for kind, text in records:
        one.setdefault(kind, []).append(text)
    parts = []
    for kind, texts in one.items():
        value = "[" + ", ".join(f'"{t}"' for t in texts) + "]" if kind in ("A", "AAAA") else f'"{texts[0].rstrip(".")}"'
        if kind == "HTTPS":
            value = f'"{texts[0]}"'
        parts.append(f"{kind}: {value}")
    return "{ " + ", ".join(parts) + " }"


class DnsSite:
    """Folder, addresses and configuration; what world.Daemon wants of a site."""

    def __init__(self, folder, listen=("127.0.0.1",), dns="{}", secondaries=None, port=None):
        """secondaries: zone to the text of its key of that name."""
        self.folder, self.options, self.secondaries = folder, dns, secondaries or {}
        port = port or free_port(listen[0])
        self.listen = [(ip, port) for ip in listen]
        self.dns = self.listen[0]
        self.listeners = []
        self.probe_port = self.listen_probes()

    def listen_probes(self):
        """One port at which both clusters take connections (probes of kind tcp)."""
        first = socket.create_server((USE1, 0), backlog=PROBES_MAX)
        port = first.getsockname()[1]
        self.listeners = [first, socket.create_server((USW2, port), backlog=PROBES_MAX)]
        return port

    def close(self):
        for listener in self.listeners:
            listener.close()

    def group(self, name, hosts, port):
        lines = [f"""
  {name}:
    clusters: [use1, usw2]
    policy: fast
    provider: [{", ".join(p for p in ("parent", "child", "other") if any(zone_of(h) == {
        "parent": PARENT, "child": CHILD, "other": OTHER}[p] for h in hosts))}]
    ttl: {GROUP_TTL_S}s
    promotion: not-needed
    acme: "{{hostname}}.acme.example.net"
    endpoints:"""]
        for host, (first, second) in hosts.items():
            lines.append(f"""
      - hostname: {host}
        class: custom
        probe: {{ kind: tcp, port: {port} }}
        target: {{ use1: {_target(first)}, usw2: {_target(second)} }}""")
        return "".join(lines)

    def config(self, has_new):
        providers = ""
        for name, zone in (("parent", PARENT), ("child", CHILD), ("other", OTHER), ("deep", DEEP),
                           *((name, zone) for name, (zone, _) in RANDOM.items())):
            (self.folder / f"{name}.zone").write_text(ZONES[zone])
            servers = ", ".join(f'{s}: [{", ".join(chr(34) + a + chr(34) for a in ips)}]'
                                for s, ips in SERVERS[zone].items())
            listen = ", ".join('"' + (f"[{ip}]" if ":" in ip else ip) + f':{port}"'
                               for ip, port in self.listen)
            providers += f"""
  {name}:
    kind: local
    listen: [{listen}]
    zone: {zone}
    nameservers: {{ {servers} }}
    ns_ttl: {NS_TTL_S}s
    secondaries: {self.secondaries.get(zone, "{}")}
    soa: {{ contact: host.master@example.test, refresh: 30s, retry: 10s, minimum: {MINIMUM_S}s, ttl: {SOA_TTL_S}s }}
    records: {name}.zone"""
        groups = self.group("prod", FLIPPING, self.probe_port) + self.group("still", STILL, 9)
        if has_new:
            groups += self.group("new", UNADOPTED, 9)
        return f"""version: 1
node:
  name: test
  state_dir: {self.folder}/state
  control_socket: {self.folder}/s
  access: {{ admin: ["uid:{os.getuid()}"] }}
  http: none
  dns: {self.options}
clusters:
  use1: {{ region: us-east-1, target: {{ A: [{USE1}] }} }}
  usw2: {{ region: us-west-2, target: {{ A: [{USW2}] }} }}
policies:
  fast: {{ interval: 1s, fast_interval: 100ms, timeout: 500ms, rise: 2, startup_rounds: 1 }}
providers:{providers}
groups:{groups}
"""


def start(folder, listen=("127.0.0.1",), active="use1", dns="{}", secondaries=None, port=None):
    """A daemon that serves; group new came after init and was never adopted."""
    site = DnsSite(folder, listen, dns, secondaries, port)
    daemon = Daemon(site, site.config(has_new=False))
    daemon.init("--active", active)
    daemon.write(site.config(has_new=True))
    daemon.launch()
    try:
        wait_until(daemon.is_serving, f"the daemon serves: {daemon.log}")
    except BaseException:
        stop(daemon)
        raise
    return daemon


def stop(daemon):
    daemon.stop()
    daemon.site.close()


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.bind(("::1", 0))
        return True
    except OSError:
        return False
