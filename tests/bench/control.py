#!/usr/bin/env python3
"""How long the control socket takes to answer while 10,000 endpoints are watched: `status`, `explain`
and `plan`, one call at a time on one connection, milliseconds from the request's last byte to the
answer's.

usage: control.py [ENDPOINTS [CALLS]]      (10000 and 1000)
Reads DNSFLIP_BUILD (build/release).  Exit code 1 if status misses its aim."""
import json
import pathlib
import socket
import sys
import tempfile
import time

from flip import Daemon

AIM_MS = 20.0


class Socket:
    """One connection to the control socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.id = 0

    def call(self, method, **params):
        """(milliseconds, bytes) of one call."""
        self.id += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}).encode() + b"\n"
        begin = time.perf_counter()
        self.socket.sendall(line)
        answer = self.lines.readline()
        took = (time.perf_counter() - begin) * 1e3
        assert "result" in json.loads(answer), answer[:300]
        return took, len(answer)


def main():
    endpoints, calls = [int(w) for w in sys.argv[1:]] + [10000, 1000][len(sys.argv) - 1:]
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        daemon = Daemon(directory, endpoints)
        try:
            control = Socket(directory / "s")
            print(f"{endpoints} endpoints, {calls} calls each")
            worst = 0.0
            for method, params in (("status", {}), ("explain", {"group": "all"}),
                                   ("plan", {"group": "all", "to": "usw2"})):
                seen = sorted(control.call(method, **params) for _ in range(calls))
                p50, p99 = seen[calls // 2][0], seen[calls * 99 // 100][0]
                print(f"  {method:8} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {seen[-1][1]:9} bytes")
                worst = p99 if method == "status" else worst
        finally:
            daemon.stop()
    print(f"aim: status p99 <= {AIM_MS:.0f} ms")
    return worst > AIM_MS


if __name__ == "__main__":
    sys.exit(main())
