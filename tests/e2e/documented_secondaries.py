"""NSD, Knot and BIND as secondaries, in a network namespace of their own, configured as docs/secondaries.md
says."""
import re

from dns_peers import TOP, Process, unpack
from dns_site import DEEP, OTHER, PARENT, ZONES

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PRIMARY = "198.18.53.1"
ADDRESSES = {"nsd": "198.18.53.2", "knot": "198.18.53.3", "bind9": "198.18.53.4"}
KEYED = (PARENT, OTHER, DEEP)
PAGE = (TOP / "docs/secondaries.md").read_text()


def snippet(name, primary):
    """What the page says, for this primary."""
    text = re.search(rf"^```{name}\n(.*?)^```$", PAGE, re.M | re.S).group(1)
    return text.replace("192.0.2.53", primary).replace("SECRET", SECRET)


def by_zone(name, start_of_zone, primary):
    """A configuration with every zone: what comes before the zone in both snippets, and a zone for each."""
    heads, zones = [], []
    for wanted, which in ((KEYED, name), ([z for z in ZONES if z not in KEYED], f"{name}-by-address")):
        head, mark, zone = snippet(which, primary).partition(start_of_zone)
        heads.append(head)
        zones += [mark + zone.replace("dr.example.com", z) for z in wanted]
    return heads, zones


class Secondary(Process):
    def __init__(self, folder, net, primary=PRIMARY):
        unpack(self.package)
        self.folder, self.address, self.net, self.primary = folder / self.package, ADDRESSES[self.package], net, primary
        self.folder.mkdir()
        self.launch(net.run)

    def turn_to(self, primary):
        """What an administrator does when the primary has another address."""
        self.close()
        self.primary = primary
        self.launch(self.net.run)


class Nsd(Secondary):
    package = "nsd"

    def config(self):
        heads, zones = by_zone("nsd", "zone:\n", self.primary)
        return f"""server:
  server-count: 1
  ip-address: {self.address}
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  pidfile: "{self.folder}/pid"
  database: ""
  zonelistfile: "{self.folder}/zone.list"
  xfrdfile: "{self.folder}/xfrd.state"
  xfrdir: "{self.folder}"
  verbosity: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
""" + "".join(heads) + "".join(zones)

    def command(self):
        return ["nsd", "-d", "-c", str(self.folder / "conf")]


class Knot(Secondary):
    package = "knot"

    def config(self):
        heads, zones = by_zone("knot", "zone:\n", self.primary)
        sections = {}
        for head in heads:
            for title, body in re.findall(r"^(\w+:\n)((?:  .*\n)+)", head, re.M):
                sections[title] = sections.get(title, "") + body
        return f"""server:
  rundir: "{self.folder}"
  listen: {self.address}@53
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "{self.folder}"
template:
  - id: default
    storage: "{self.folder}"
""" + "".join(map("".join, sections.items())) + "zone:\n" + "".join(z.removeprefix("zone:\n") for z in zones)

    def command(self):
        return ["knotd", "-c", str(self.folder / "conf")]


class Bind(Secondary):
    package = "bind9"

    def config(self):
        heads, zones = by_zone("named", "zone ", self.primary)
        return f"""options {{
    directory "{self.folder}";
    pid-file "{self.folder}/pid";
    session-keyfile "{self.folder}/session.key";
    listen-on port 53 {{ {self.address}; }};
    listen-on-v6 {{ none; }};
    query-source address {self.address};
    transfer-source {self.address};
    recursion no;
    dnssec-validation no;
    notify no;
    max-records-per-type 0;
}};
controls {{ }};
""" + "".join(heads) + "".join(zones)

    def command(self):
        return ["named", "-g", "-n", "1", "-c", str(self.folder / "conf")]
