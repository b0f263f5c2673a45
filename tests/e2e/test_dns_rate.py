"""What a flood of questions gets from the real face: some answers, some truncated ones, and nobody
else notices.  Loopback is exempt, so that servers and clients stand in a network of their own."""
import contextlib
import socket

import dns_site
import namespaces
from dns_strict import A, NOERROR, TC, TXT, Answer, Tcp, Udp, opt, query

SERVER, NEIGHBOUR, FRIEND = "192.0.2.53", "198.51.100.7", "203.0.113.7"
NAME, OTHER = "www.dr.example.test", "dual.dr.example.test"
LAST, LAST_ID = "mx.dr.example.test", 0xffff
RATE, FLOOD, CHUNK = 20, 2000, 50
PAUSE_S, ANSWER_S = 0.005, 20


@contextlib.contextmanager
def serving(folder, dns):
    daemon = dns_site.start(folder, listen=(SERVER,), dns=dns)
    try:
        yield daemon
    finally:
        dns_site.stop(daemon)


def flood(daemon, source, name=NAME, qtype=A, n=FLOOD):
    """Answers to n equal questions from that address.  One thread answers one socket in order: all
    have come when that to a last question, of another kind, is there."""
    got = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind((source, 0))
        asker.connect(daemon.site.dns)
        for start in range(0, n, CHUNK):
            for ident in range(start, min(n, start + CHUNK)):
                asker.send(query(name, qtype, ident=ident, additional=(opt(),)))
            asker.settimeout(PAUSE_S)
            with contextlib.suppress(TimeoutError):
                while True:
                    got.append(Answer(asker.recv(4096)))
        asker.settimeout(ANSWER_S)
        asker.send(query(LAST, ident=LAST_ID))
        got.append(Answer(asker.recv(4096)))
        while got[-1].id != LAST_ID:
            got.append(Answer(asker.recv(4096)))
    return got[:-1]


def counters(daemon):
    return daemon.status()["face"]["counts"]


def test_a_flood_is_answered_in_part_truncated_in_part_and_counted(folder):
    def body():
        with serving(folder, f"{{ rate_limit: {RATE} }}") as daemon:
            got = flood(daemon, SERVER)
            slipped = [a for a in got if a.flags & TC]
            whole = [a for a in got if not a.flags & TC]
            counted = counters(daemon)
            # The burst of 2 s is whole, so is what time has earned since; half of the rest slips.
            assert 2 * RATE <= len(whole) < FLOOD // 2 and all(a.answer for a in whole)
            assert all(a.rcode == NOERROR and not a.answer and not a.authority and a.opt for a in slipped)
            dropped = FLOOD - len(got)
            assert abs(dropped - len(slipped)) <= 1 and len(slipped) > 0
            assert (counted["rate_slipped"], counted["rate_dropped"]) == (len(slipped), dropped)
            # Whoever comes back over TCP is answered; so are other names, and other networks.
            tcp = Tcp(daemon.site.dns)
            assert tcp.ask(query(NAME)).answer
            tcp.close()
            asker = Udp(daemon.site.dns)
            assert asker.ask(query(OTHER)).answer and asker.ask(query(NAME, TXT)).rcode == NOERROR
            asker.close()
            assert flood(daemon, NEIGHBOUR, n=1)[0].answer

    namespaces.alone([SERVER, NEIGHBOUR], body)


def test_networks_named_are_exempt_and_so_is_everybody_without_a_limit(folder):
    def body():
        with serving(folder, f'{{ rate_limit: {RATE}, rate_exempt: ["203.0.113.0/24"] }}') as daemon:
            got = flood(daemon, FRIEND, n=500)
            assert len(got) == 500 and all(a.answer for a in got)
            assert len(flood(daemon, SERVER, n=500)) < 500
            text = daemon.path.read_text().replace(f"rate_limit: {RATE}", "rate_limit: 0")
            daemon.write(text)
            daemon.run("reload")
            assert len(flood(daemon, SERVER, n=500)) == 500

    namespaces.alone([SERVER, FRIEND], body)


def test_a_limit_that_never_slips_drops_all(folder):
    def body():
        with serving(folder, f"{{ rate_limit: {RATE}, rate_slip: 0 }}") as daemon:
            got = flood(daemon, SERVER, name="nothing.dr.example.test")
            assert 2 * RATE <= len(got) < FLOOD and not any(a.flags & TC for a in got)
            assert counters(daemon)["rate_dropped"] == FLOOD - len(got)

    namespaces.alone([SERVER], body)
