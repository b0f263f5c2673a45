"""Fake clusters: small Airflow 3 shaped HTTP(S) servers that can be broken in every way."""
import asyncio
import datetime
import json
import threading

HTML = "<!doctype html><html><body><div id=root></div></body></html>"
# What a cluster may do instead of being well.
MODES = ("up", "refuse", "hang", "html", "bad-json", "unhealthy", "error")


class Network:
    """One event loop in a thread of its own, for all servers of a test."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.clusters = []

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def close(self):
        for cluster in self.clusters:
            self.run(cluster.stop())
        self.run(self.forget())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def forget(self):
        """Ends what still hangs."""
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cluster(self, ip, port, **how):
        made = Cluster(self, ip, port, **how)
        self.clusters.append(made)
        self.run(made.start())
        return made


class Cluster:
    """Answers at ip:port.  primary: whether its scheduler lives and its database takes writes."""

    def __init__(self, network, ip, port, tls=None, primary=False):
        self.network, self.ip, self.port, self.tls = network, ip, port, tls
        self.primary, self.mode = primary, "up"
        self.server, self.writers, self.asked = None, set(), []

    async def start(self):
        self.server = await asyncio.start_server(self.serve, self.ip, self.port, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        if self.server:
            self.server.close()
            await self.hang_up()
            self.server = None

    def be(self, mode):
        """Changes what it does, for connections that stand as well."""
        assert mode in MODES
        before, self.mode = self.mode, mode
        if mode == "refuse":
            self.network.run(self.stop())
        elif before == "refuse":
            self.network.run(self.start())

    async def hang_up(self):
        """Ends the connections that stand; new ones are welcome."""
        for writer in list(self.writers):
            writer.transport.abort()

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if self.mode == "hang":
                    await asyncio.Event().wait()
                self.asked.append(head.split(" ")[1])
                writer.write(self.answer(head.split(" ")[1]))
                await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def answer(self, path):
        status, kind, body = self.page(path)
        if isinstance(body, dict):
            body = json.dumps(body)
        return (f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def page(self, path):
        if self.mode == "html":
            return 200, "text/html", HTML
        if self.mode == "bad-json":
            return 200, "application/json", '{"version": "3.1.0", "status": "healthy"'
        if self.mode == "error":
            return 503, "application/json", {"error": "overloaded"}
        return 200, "application/json", self.healthy_page(path)

    def healthy_page(self, path):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        good = self.mode != "unhealthy"
        word = "healthy" if good else "unhealthy"
        if path == "/api/v2/version":
            return {"version": "3.1.0", "git_version": None}
        if path == "/api/v2/monitor/health":
            return {"metadatabase": {"status": word},
                    "scheduler": {"status": "healthy" if good and self.primary else "unhealthy",
                                  "latest_scheduler_heartbeat": now if self.primary else None},
                    "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
                    "dag_processor": {"status": None, "latest_dag_processor_heartbeat": None}}
        if path == "/writable":
            return {"writable": self.primary}
        return {"status": word}
