#!/usr/bin/env python3
"""How long a new client waits for an answer over TCP, from connect to the last byte, while 400 others
hold idle connections open: the face and other servers on the same zone, one after the other.

usage: idle.py [NEW_CONNECTIONS]      (200)
Reads DNSFLIP_BUILD (build/release).  A server that cannot be had is a SKIP line with the reason.
Exit code 1 if the face gave a wrong answer, none, or one after 100 ms."""
import contextlib
import os
import pathlib
import socket
import statistics
import struct
import sys
import tempfile
import time

import answers

IDLE = 400
LIMIT_S = 10
AIM_S = 0.1


def query(number):
    name = b"".join(bytes([len(label)]) + label.encode()
                    for label in f"n{number % answers.NAMES}.{answers.ZONE}".split("."))
    message = struct.pack("!6H", number, 0, 1, 0, 0, 0) + name + b"\0" + struct.pack("!2H", 1, 1)
    return struct.pack("!H", len(message)) + message


def read(stream, n):
    out = b""
    while len(out) < n:
        more = stream.recv(n - len(out))
        if not more:
            raise ConnectionError("closed")
        out += more
    return out


def ask(port, number):
    """Seconds; an error if there is no right answer."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as stream:
        stream.settimeout(LIMIT_S)
        stream.sendall(query(number))
        answer = read(stream, struct.unpack("!H", read(stream, 2))[0])
        seconds = time.monotonic() - start
    ident, flags, _, records = struct.unpack("!4H", answer[:8])
    if ident != number or flags & 0x820f != 0x8000 or records == 0:
        raise ConnectionError("a wrong answer")
    return seconds


def measure(port, n):
    """(seconds of each answer, what went wrong)."""
    took, wrong = [], []
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), LIMIT_S))
        for number in range(n):
            try:
                took.append(ask(port, number))
            except OSError as why:
                wrong.append(str(why))
                if len(wrong) == 3:
                    break
    return took, wrong


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    cores = sorted(os.sched_getaffinity(0))
    bad = False
    print(f"{'server':10} {'median ms':>10} {'p99 ms':>8} {'max ms':>8} {'answers':>8} {'failed':>7}")
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        directory = pathlib.Path(temporary)
        names = directory / "names"
        names.write_text("".join(f"n{i}.{answers.ZONE}\n" for i in range(answers.NAMES)))
        del answers.SERVERS["echo"]  # speaks no TCP
        running = answers.start_all(stack, directory, names, [cores[0], cores[-1]])
        for name, (_, port) in running.items():
            took, wrong = measure(port, n)
            ms = sorted(1000 * each for each in took) or [float("nan")]
            print(f"{name:10} {statistics.median(ms):10.3f} {ms[len(ms) * 99 // 100]:8.3f} {ms[-1]:8.3f} "
                  f"{len(took):8} {len(wrong):7}", *wrong[:1])
            if name == "dnsflip":
                bad = bool(wrong) or max(took) > AIM_S
        bad |= "dnsflip" not in running
    print(f"aim: dnsflip max <= {1000 * AIM_S:.0f} ms, none failed, with {IDLE} idle connections")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
