"""A small HTTP(S) server in threads, for test doubles that must see requests as they came and may answer with
anything, or with nothing."""
import email.utils
import http.server
import socket
import struct
import threading
import time


class Answer:
    """headers: extra ones.  act: None, "reset" (without an answer), "hang", "half" (of the body, then a reset)."""

    def __init__(self, status=200, body=b"", kind="text/xml", headers=(), act=None, wait_s=0):
        self.status, self.body = status, body.encode() if isinstance(body, str) else body
        self.kind, self.headers, self.act, self.wait_s = kind, headers, act, wait_s


class Request:
    def __init__(self, method, target, headers, body, client):
        self.at = time.monotonic()
        self.method, self.target, self.headers, self.body, self.client = method, target, headers, body, client
        self.path, _, self.query = target.partition("?")

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "fake", ""
    disable_nagle_algorithm = True

    def setup(self):
        if self.server.context:
            self.request.settimeout(20)
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self):
        self.server.links.add(self.connection)
        try:
            super().handle()
        except OSError:
            pass
        finally:
            self.server.links.discard(self.connection)

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, list(self.headers.items()), body, self.client_address)
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        self.reply(self.server.owner.handle(request))

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = serve

    def reply(self, answer):
        if answer.wait_s:
            self.server.owner.stopping.wait(answer.wait_s)
        if answer.act == "hang":
            self.server.owner.stopping.wait()
        if answer.act in ("hang", "reset"):
            self.reset()
            return
        lines = [f"HTTP/1.1 {answer.status} X", f"Date: {self.server.owner.date()}", f"Content-Type: {answer.kind}",
                 f"Content-Length: {len(answer.body)}", *(f"{n}: {v}" for n, v in answer.headers)]
        body = answer.body[:len(answer.body) // 2] if answer.act == "half" else answer.body
        body = b"" if self.command == "HEAD" else body
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.wfile.flush()
        if answer.act == "half":
            self.reset()

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size, allow_reuse_address = True, 256, True

    def handle_error(self, *_):
        """A client that breaks off, or speaks no TLS, is no news."""


class HttpFake:
    """handle(request) of a subclass answers.  url: where it is; stop and start again: a port that refuses."""

    def __init__(self, ip="127.0.0.1", port=0, context=None):
        self.ip, self.port, self.context = ip, port, context
        self.stopping = threading.Event()
        self.server = self.thread = None
        self.start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://{self.ip}:{self.port}"

    def start(self):
        self.stopping.clear()
        self.server = Server((self.ip, self.port), Handler)
        self.server.owner, self.server.context, self.server.links = self, self.context, set()
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self):
        """Refuses connections from now on; those that stand are cut."""
        if self.server is None:
            return
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        for link in list(self.server.links):
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(10)
        self.server = None

    close = stop

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def date(self):
        return email.utils.formatdate(self.now(), usegmt=True)

    @staticmethod
    def now():
        return time.time()

    def handle(self, request):
        raise NotImplementedError
