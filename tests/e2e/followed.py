"""A daemon that NSD, Knot and BIND follow, in a namespace of documented_secondaries' network, and what may happen
to it."""
import dns.exception
import dns.message
import dns.query

from documented_secondaries import ADDRESSES, PRIMARY, SECRET
from world import ZONE, Daemon, Site, hostnames, wait_until

FOLLOW_S = 180
NAMES = hostnames("sales", "risk")
GUARDS = ("destination-fenced", "destination-unknown", "destination-down", "startup-hold", "tilt", "isolated")
OVERRIDES = [word for rule in GUARDS for word in ("--override", rule)]


def serial(address):
    try:
        answer = dns.query.udp(dns.message.make_query(ZONE, "SOA", flags=0), address, timeout=2)
    except (OSError, dns.exception.DNSException):
        return None
    return answer.answer[0][0].serial if answer.answer else None


class Story:
    """One daemon with three secondaries, and what happens to it."""

    def __init__(self, folder, network, address=PRIMARY):
        self.site = Site(folder, network)
        self.site.dns = (address, 53)
        (folder / "keys").write_text(f"dnsflip-transfer:hmac-sha256:{SECRET}\n")
        (folder / "keys").chmod(0o600)
        notify = ", ".join(ADDRESSES.values())
        self.text = self.site.config(self.site.group(mode="observe")).replace(
            "    records: static.zone\n",
            f"    records: static.zone\n    secondaries: {{ notify: [{notify}], transfer_key_file: keys }}\n").replace(
            "  name: test\n", "  name: test\n  dns: { rate_limit: 0 }\n")
        self.daemon = Daemon(self.site, self.text)
        self.active = "use1"

    def flip(self, n):
        self.active = ("usw2", "use1")[n % 2]
        self.daemon.run("failover", "prod", "--to", self.active, "--reason", "soak", *OVERRIDES)
        right = {"usw2": self.site.usw2.ip, "use1": self.site.use1.ip}[self.active]
        assert self.daemon.addresses(NAMES) == {right}, f"after flip {n}"

    def reload(self, n):
        self.daemon.write(self.text.replace("static.zone", f"static{n % 2}.zone"))
        (self.daemon.folder / f"static{n % 2}.zone").write_text(f"note{n} TXT \"{n}\"\n")
        self.daemon.run("reload")

    def upgrade(self, _):
        self.daemon.run("upgrade")

    def kill_judge(self, _):
        self.kill("judge")

    def kill_face(self, _):
        self.kill("face")

    def kill(self, which):
        dead = self.daemon.kill(which)
        wait_until(lambda: self.daemon.children().get(which) not in (None, dead), f"another {which}")

    def kill_supervisor(self):
        self.daemon.kill("supervisor")
        self.daemon.process.wait()
        self.daemon.start(judged=False)

    def lagging(self):
        """Secondaries that are not on the last serial."""
        ours = self.daemon.ask(ZONE, "SOA").answer[0][0].serial
        return [name for name, address in ADDRESSES.items() if serial(address) != ours]
