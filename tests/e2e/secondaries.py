"""A secondary that does what the test says: it hears NOTIFY, takes the zone, or lies about it."""
import socket
import threading

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
from world import ZONE, free_port, hostnames

NAMES = hostnames("sales", "risk")
SOA_TEXT = "ns1.{zone}. hostmaster.{zone}. {serial} 30 10 1209600 5"


class Secondary:
    """Serves on address until closed.  What it serves (serial, addresses by name) it takes from the
    primary whenever it is told, unless follows is off; deaf: it hears nothing at all."""

    def __init__(self, ip, names=NAMES):
        self.address = (ip, free_port(ip))
        self.names = names
        self.serial, self.addresses, self.primary = None, {}, None
        self.follows, self.deaf, self.rcode = True, False, dns.rcode.NOERROR
        self.lost = 0       # so many NOTIFYs get lost on the way
        self.notifies = []  # (source ip, id) of those that were heard
        self.socket, self.thread = None, None
        self.open()

    def text(self):
        return f"{self.address[0]}:{self.address[1]}"

    def open(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        """As if it had been stopped: nobody listens there."""
        if self.socket:
            mine, self.socket = self.socket, None
            self.thread.join(10)
            mine.close()

    def serve(self):
        mine = self.socket
        while self.socket is mine:
            try:
                wire, source = mine.recvfrom(4096)
            except (TimeoutError, OSError):
                continue
            if self.deaf:
                continue
            answer = self.answer(dns.message.from_wire(wire), source)
            if answer is not None:
                mine.sendto(answer.to_wire(), source)

    def answer(self, query, source):
        answer = dns.message.make_response(query)
        if query.opcode() == dns.opcode.NOTIFY:
            if self.lost > 0:
                self.lost -= 1
                return None
            self.notifies.append((source[0], query.id))
            answer.set_rcode(self.rcode)
            if self.follows and self.rcode == dns.rcode.NOERROR:
                threading.Thread(target=self.take, daemon=True).start()
            return answer
        name = query.question[0].name.to_text(omit_final_dot=True)
        kind = query.question[0].rdtype
        if self.serial is None:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name == ZONE and kind == dns.rdatatype.SOA:
            soa = SOA_TEXT.format(zone=ZONE, serial=self.serial)
            answer.answer.append(dns.rrset.from_text(name + ".", 30, "IN", "SOA", soa))
        elif kind == dns.rdatatype.A and name in self.addresses:
            address = self.addresses[name]
            answer.answer.append(dns.rrset.from_text(name + ".", 30, "IN", "A", address))
        elif name not in self.addresses:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if self.serial is not None:
            answer.flags |= dns.flags.AA
        return answer

    def take(self):
        """A transfer, by questions; anew if the zone changed meanwhile."""
        try:
            while True:
                serial = self.ask(ZONE, "SOA")[0].serial
                if self.serial is not None and not 0 < (serial - self.serial) % 2**32 < 2**31:
                    return  # not newer (RFC 1982)
                addresses = {name: self.ask(name, "A")[0].address for name in self.names}
                if serial == self.ask(ZONE, "SOA")[0].serial:
                    self.addresses, self.serial = addresses, serial
                    return
        except (dns.exception.Timeout, OSError):
            return  # as a real one: it tries again when it is told again

    def ask(self, name, kind):
        query = dns.message.make_query(name, kind, flags=0)
        return dns.query.udp(query, self.primary[0], port=self.primary[1], timeout=3).answer[0]


def with_secondaries(site, *servers, **more):
    """The site's configuration, these secondaries in it."""
    listed = ", ".join(f'"{s.text()}"' for s in servers)
    return site.config(**more).replace(
        "    records: static.zone\n",
        f"    secondaries: {{ notify: [{listed}] }}\n    records: static.zone\n")


def seen(daemon, server):
    """What the daemon says of one."""
    return next(s for s in daemon.status()["secondaries"] if s["address"] == server.text())


def serial_of(daemon):
    return daemon.ask(ZONE, "SOA").answer[0][0].serial


def is_followed(daemon, *servers):
    return all(seen(daemon, s)["state"] == "follows" for s in servers)
