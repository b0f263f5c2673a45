"""Networks of a test's own: one with loopback alone, or two joined by a pair of interfaces, each with a thread
that lives in it."""
import concurrent.futures
import ctypes
import itertools
import os
import subprocess

import pytest

CLONE_NEWNET = 0x40000000
NUMBERS = itertools.count()


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20, check=False)


class Namespace:
    """run(f, ...): f in this namespace; sockets and processes that it makes belong there."""

    def __init__(self, name):
        self.name = name
        made = ip("netns", "add", name)
        if made.returncode != 0:
            pytest.skip(f"no network namespace can be made: {made.stderr.strip()}")
        self.pool = concurrent.futures.ThreadPoolExecutor(1, initializer=self.enter)

    def enter(self):
        fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def run(self, function, *words, **more):
        return self.pool.submit(function, *words, **more).result()

    def ip(self, *words):
        # Not "ip -n", which wants to change the propagation of "/": in a chroot it has none.
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.name}", "ip", *words], capture_output=True,
                              text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr

    def close(self):
        self.pool.shutdown()
        ip("netns", "del", self.name)


class Pair:
    """Namespaces a and b; addresses: each side's, IPv4, of one network."""

    def __init__(self, a_addresses, b_addresses, bits=24):
        number = f"{os.getpid()}-{next(NUMBERS)}"
        self.a = Namespace(f"dnsflip-{number}-a")
        try:
            self.b = Namespace(f"dnsflip-{number}-b")
        except BaseException:
            self.a.close()
            raise
        try:
            made = ip("link", "add", "veth0", "netns", self.a.name, "type", "veth", "peer", "name", "veth0",
                      "netns", self.b.name)
            if made.returncode != 0:
                pytest.skip(f"no pair of interfaces can be made: {made.stderr.strip()}")
            for side, addresses in ((self.a, a_addresses), (self.b, b_addresses)):
                for address in addresses:
                    side.ip("address", "add", f"{address}/{bits}", "dev", "veth0")
                side.ip("link", "set", "lo", "up")
                side.ip("link", "set", "veth0", "up")
        except BaseException:
            self.close()
            raise

    def close(self):
        self.a.close()
        self.b.close()


def alone(addresses, body):
    """body() in a network that has nothing but loopback, with these IPv4 addresses too; its result."""
    one = Namespace(f"dnsflip-{os.getpid()}-{next(NUMBERS)}")
    try:
        for address in addresses:
            one.ip("address", "add", f"{address}/32", "dev", "lo")
        one.ip("link", "set", "lo", "up")
        return one.run(body)
    finally:
        one.close()
