#!/usr/bin/env python3
"""Resident memory with 240 hostnames that are checked and asked for, by UDP and over TCP: dnsflip's
three processes, and gdnsd on the same checks.  resident: VmRSS; share: PSS, where pages that several
processes map count by their part; own: pages that nobody else maps.

usage: memory.py
Reads DNSFLIP_BUILD (build/release).  A server that cannot be had is a SKIP line with the reason.
Exit code 1 if the face is larger than it may be, or did not answer."""
import pathlib
import re
import signal
import socket
import struct
import sys
import tempfile
import time

import race

AIM_FACE_MB = 8.0
ROUNDS = 20          # of questions for every name
CONNECTIONS = 16     # over which every name is asked for once
READY_S = 60


def memory_of(pid):
    """MB: resident, share, own."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    kb = {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    return [n / 1024 for n in (kb["Rss"], kb["Pss"], kb["Private_Clean"] + kb["Private_Dirty"])]


def processes_of(pid):
    """{name: pid} of a process and its children."""
    found = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip(): pid}
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        word = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        face = b"dnsflip-face" in word[0]
        found["face" if face else "judge" if b"judge-process" in word else f"child {child}"] = int(child)
    return found


def ask_by_tcp(observer, port):
    """Every name once on each of several connections, which stay open; the sockets."""
    opened = []
    for _ in range(CONNECTIONS):
        connection = socket.create_connection((race.SERVER, port), 5)
        opened.append(connection)
        with connection.makefile("rb") as answers:
            for query in observer.queries:
                connection.sendall(struct.pack(">H", len(query)) + query)
                observer.take(answers.read(struct.unpack(">H", answers.read(2))[0]))
    return opened


def measure(name, directory, web):
    """{process: [resident, share, own]} after all names were asked for."""
    port = race.free_port()
    running, is_ready = race.SERVERS[name](directory, port, web.port)
    observer, opened = race.Observer(port), []
    try:
        end = time.monotonic() + READY_S
        while len(observer.seen) < len(race.NAMES) or not is_ready():
            observer.go(0.2)
            running.check()
            if time.monotonic() > end:
                raise race.Missing(f"not ready within {READY_S} s")
        for _ in range(ROUNDS):
            observer.round()
        opened = ask_by_tcp(observer, port)
        return {who: memory_of(pid) for who, pid in processes_of(running.process.pid).items()}
    finally:
        for each in opened:
            each.close()
        observer.socket.close()
        running.stop()


def report(name, found):
    for who, (resident, share, own) in found.items():
        print(f"{name:10} {who:16} {resident:9.1f} {share:9.1f} {own:9.1f}")
    if len(found) > 1:
        total = [sum(column) for column in zip(*found.values())]
        print(f"{name:10} {'all':16} {'':9} {total[1]:9.1f} {total[2]:9.1f}")


def main():
    failed = False
    print(f"{'MB':10} {'process':16} {'resident':>9} {'share':>9} {'own':>9}")
    with tempfile.TemporaryDirectory(prefix="dnsflip-memory-") as made:
        directory, web = pathlib.Path(made), None
        try:
            web = race.Web(directory, race.free_port())
            web.start("references", *race.REFERENCES)
            web.start("primary", race.PRIMARY)
            web.start("secondary", race.SECONDARY)
            for name in ("dnsflip", "gdnsd"):
                home = directory / name
                home.mkdir()
                try:
                    found = measure(name, home, web)
                except race.Missing as reason:
                    print(f"SKIP: {name}: {reason}")
                    failed |= name == "dnsflip"
                    continue
                report(name, found)
                if name == "dnsflip":
                    face = found["face"][0]
                    print(f"aim: face at most {AIM_FACE_MB} MB resident: {'met' if face <= AIM_FACE_MB else 'MISSED'}")
                    failed |= face > AIM_FACE_MB
        except race.Missing as reason:
            print(f"SKIP: memory: {reason}")
        finally:
            if web:
                web.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
