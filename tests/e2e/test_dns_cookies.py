"""Cookies as servers and operators meet them: past the rate limit, through deaths and reloads, and in
a set of servers that share a secret."""
import secrets
import socket
import struct

import dns_site
import namespaces
from dns_strict import Answer, Udp, opt, query
from world import wait_until

SERVER = "192.0.2.53"
NAME = "www.dr.example.test"
CLIENT = b"12345678"
COOKIE, BADCOOKIE = 10, 23
RATE, FLOOD = 1, 400
ANSWER_S = 20


def cookie_of(got):
    code, n = struct.unpack("!HH", got.opt.rdata[:4])
    assert (code, n) == (COOKIE, len(got.opt.rdata) - 4)
    return got.opt.rdata[4:]


def ask(address, cookie):
    asker = Udp(address)
    try:
        return asker.ask(query(NAME, additional=(opt(options=[(COOKIE, cookie)]),)))
    finally:
        asker.close()


def is_right(address, cookie):
    """A young cookie that is right comes back as it is."""
    return cookie_of(ask(address, cookie)) == cookie


def flood(address, cookie, n=FLOOD):
    """The answers to n equal questions, one after the other, of a server that drops none."""
    got = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect(address)
        asker.settimeout(ANSWER_S)
        for ident in range(n):
            asker.send(query(NAME, ident=ident, additional=(opt(options=[(COOKIE, cookie)]),)))
            got.append(Answer(asker.recv(4096)))
    return got


def test_who_shows_a_right_cookie_is_past_the_rate_limit(folder):
    def body():
        daemon = dns_site.start(folder, listen=(SERVER,), dns=f"{{ rate_limit: {RATE}, rate_slip: 1 }}")
        try:
            got = flood(daemon.site.dns, CLIENT)
            asked_back = [a for a in got if a.rcode == BADCOOKIE]
            assert len(asked_back) > FLOOD // 2
            assert not any(a.answer or a.authority or a.flags & 0x0600 for a in asked_back)
            # With the cookie that it brought the next question is answered, and so are all others.
            cookie = cookie_of(asked_back[-1])
            got = flood(daemon.site.dns, cookie)
            assert all(a.answer for a in got)
            counts = daemon.status()["face"]["counts"]
            assert counts["cookies"] == FLOOD and counts["rate_dropped"] == 0
        finally:
            dns_site.stop(daemon)

    namespaces.alone([SERVER], body)


def test_cookies_live_through_deaths_and_reloads_and_change_with_the_file(folder):
    daemon = dns_site.start(folder)
    try:
        address = daemon.site.dns
        cookie = cookie_of(ask(address, CLIENT))
        for which in ("face", "judge"):
            before = daemon.children()[which]
            daemon.kill(which)
            wait_until(lambda: daemon.children().get(which, before) != before and daemon.is_serving(),
                       f"a new {which} serves")
            assert is_right(address, cookie), which
        daemon.run("reload")
        assert is_right(address, cookie)

        first, second = secrets.token_hex(16), secrets.token_hex(16)
        path = folder / "cookie.secret"
        path.write_text(f"# shared\n{first}\n")
        path.chmod(0o600)
        daemon.write(daemon.path.read_text().replace("dns: {}", "dns: { cookie_secret_file: cookie.secret }"))
        daemon.run("reload")
        assert not is_right(address, cookie)
        cookie = cookie_of(ask(address, CLIENT))
        path.write_text(f"{second}\n{first}\n")
        daemon.run("reload")
        # Of the secret before: taken, and a new one comes with the answer, which is right from now on.
        renewed = cookie_of(ask(address, cookie))
        assert renewed != cookie and is_right(address, renewed)
        said = daemon.log.read_text() + daemon.run("check", "--print") + (folder / "state/journal.jsonl").read_text()
        assert first not in said and second not in said
        path.write_text("nonsense\n")
        said = daemon.run("reload", code=1)
        assert "cookie.secret:1:1: is no secret of 32 hexadecimal digits" in said and "nonsense" not in said
        assert is_right(address, renewed)
    finally:
        dns_site.stop(daemon)


def test_servers_that_share_a_secret_take_each_others_cookies(tmp_path_factory):
    path = tmp_path_factory.mktemp("k") / "secret"
    path.write_text(secrets.token_hex(16) + "\n")
    path.chmod(0o640)
    option = f"{{ cookie_secret_file: {path} }}"
    one, other = (dns_site.start(tmp_path_factory.mktemp("d"), dns=option) for _ in range(2))
    try:
        assert is_right(other.site.dns, cookie_of(ask(one.site.dns, CLIENT)))
    finally:
        dns_site.stop(one)
        dns_site.stop(other)
