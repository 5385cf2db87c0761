"""An upstream that answers with what arrived, and misbehaves as a request's headers ask."""

import json
import ssl
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_failures: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    """Answers with JSON, as these headers say.

    `x-test-status` is the status; `x-test-fail: KEY N STATUS` the one of a key's first N requests
    (`wait` in its place: they are slow); `x-test-delay` waits that many milliseconds; each
    `x-test-says: NAME: VALUE` is a header of the answer.
    """

    protocol_version = "HTTP/1.1"
    server: "Upstream"

    def _answer(self) -> None:
        body = self._body()
        status = int(self.headers.get("x-test-status", "200"))
        if self.path.startswith("/healthz"):
            status = 200 if self.server.well else 500
        key, _, rest = self.headers.get("x-test-fail", "").partition(" ")
        if key:
            times, how = rest.split()
            _failures[key] += 1
            if _failures[key] <= int(times) and how == "wait":
                self.server.ended.wait(2)
            elif _failures[key] <= int(times):
                status = int(how)
        if self.server.failing and not self.path.startswith("/healthz"):
            status = 500
        if delay := self.headers.get("x-test-delay"):
            self.server.ended.wait(int(delay) / 1000)
        said = {
            "upstream": self.server.name,
            "method": self.command,
            "path": self.path,
            "headers": [[k.lower(), v] for k, v in self.headers.items()],
            "tries": _failures[key],
            "body": len(body),
        }
        out = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("x-up", "1")
        for written in self.headers.get_all("x-test-says", ()):
            name, _, value = written.partition(": ")
            self.send_header(name, value)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer  # noqa: N815 # names of the base

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base's name
        """Say nothing: what arrived is in the answer."""


class Upstream(ThreadingHTTPServer):
    """One listener of its own thread; `well` and `failing` change what it answers."""

    daemon_threads = True

    def __init__(
        self,
        name: str,
        tls: ssl.SSLContext | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        super().__init__(address, Handler)
        self.name = name
        self.well = True
        self.failing = False
        self.ended = threading.Event()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that go away: Envoy does so on timeouts."""

    def end(self) -> None:
        """Stop answering, also what still waits."""
        self.ended.set()
        self.shutdown()
        self.server_close()
