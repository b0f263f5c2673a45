"""A network of its own for one thread and the programs it starts: loopback with more addresses."""
import ctypes
import fcntl
import os
import socket
import struct
import threading

import pytest

CLONE_NEWNET = 0x40000000
SIOCSIFADDR, SIOCSIFFLAGS, IFF_UP = 0x8916, 0x8914, 1


def _configure(name, request, rest):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        fcntl.ioctl(link, request, struct.pack("16s24s", name.encode(), rest))


def _set_up(addresses):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        pytest.skip(f"no network namespace can be made here: {os.strerror(ctypes.get_errno())}")
    _configure("lo", SIOCSIFFLAGS, struct.pack("h", IFF_UP))
    for number, address in enumerate(addresses):
        _configure(f"lo:{number}", SIOCSIFADDR,
                   struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(address)))


def run(addresses, body):
    """body() in a thread of a network that has loopback and these IPv4 addresses; its result."""
    done = {}

    def thread():
        try:
            _set_up(addresses)
            done["result"] = body()
        except BaseException as failure:  # pylint: disable=broad-except
            done["failure"] = failure

    one = threading.Thread(target=thread)
    one.start()
    one.join()
    if "failure" in done:
        raise done["failure"]
    return done["result"]
