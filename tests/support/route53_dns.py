"""The name servers of the emulated Route 53: they answer from what is INSYNC."""
import socketserver
import struct
import threading

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

ALIAS_TTL_S = 60  # of an alias of a load balancer
# What an alias of a load balancer answers: its address is not in our zones.
ELSEWHERE = {"A": "192.0.2.200", "AAAA": "2001:db8::200"}


class NameServers:
    """UDP and TCP at one address.  private: answers from private zones, as the resolver of a VPC."""

    def __init__(self, emulator, ip, port, private=False):
        self.emulator, self.private, self.silent = emulator, private, False
        self.elsewhere = {}  # alias target (with last dot): {type: value}
        self.servers = [socketserver.ThreadingUDPServer((ip, port), self.handler(self.datagram))]
        self.address = self.servers[0].server_address
        self.servers.append(Tcp(self.address, self.handler(self.stream)))
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @staticmethod
    def handler(function):
        return type("Handler", (socketserver.BaseRequestHandler,),
                    {"handle": lambda self: function(self.request, self.client_address)})

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def datagram(self, request, client):
        wire, link = request
        answer = self.answer(wire)
        if answer:
            link.sendto(answer, client)

    def answer(self, wire):
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if self.silent or not query.question:
            return None
        answer = dns.message.make_response(query)
        asked = query.question[0]
        kind = dns.rdatatype.to_text(asked.rdtype)
        zone, exists, found = self.emulator.answer(asked.name.to_text(), kind, self.private)
        if zone is None:
            answer.set_rcode(dns.rcode.REFUSED)
            return answer.to_wire()
        answer.flags |= dns.flags.AA
        for name, record in found:
            values, ttl, its = record.values, record.ttl, record.type
            if record.alias:
                value = self.elsewhere.get(record.alias[1], ELSEWHERE).get(record.type)
                values, ttl, its = [value] if value else [], ALIAS_TTL_S, record.type
            if values:
                answer.answer.append(dns.rrset.from_text(name, ttl, "IN", its, *values))
        if not exists:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if not answer.answer:
            soa = zone.served[zone.name, "SOA", None]
            answer.authority.append(dns.rrset.from_text(zone.name, soa.ttl, "IN", "SOA", *soa.values))
        return answer.to_wire()

    def stream(self, link, _):
        link.settimeout(10)
        try:
            while True:
                size = struct.unpack("!H", exactly(link, 2))[0]
                answer = self.answer(exactly(link, size))
                if answer is None:
                    return
                link.sendall(struct.pack("!H", len(answer)) + answer)
        except (OSError, EOFError):
            return


class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


def exactly(link, size):
    got = b""
    while len(got) < size:
        part = link.recv(size - len(got))
        if not part:
            raise EOFError
        got += part
    return got
