"""An upstream whose answers go on: WebSocket, other upgrades, events; and it keeps what it saw."""

import base64
import hashlib
import queue
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8
"""Kinds of WebSocket frames (RFC 6455 section 5.2)."""


class Readable(Protocol):
    """What waits for all the bytes that it is asked for, or the end."""

    def read(self, size: int, /) -> bytes: ...


def accepted(key: str) -> str:
    """What a server answers to a client's Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324 # RFC 6455


def frame(kind: int, payload: bytes, mask: bytes = b"") -> bytes:
    """A whole message of less than 126 bytes as one frame; a client's is masked."""
    masked = bytes(b ^ mask[n % 4] for n, b in enumerate(payload)) if mask else payload
    return bytes([0x80 | kind, (0x80 if mask else 0) | len(payload)]) + mask + masked


def read_frame(file: Readable) -> tuple[int, bytes]:
    """The kind and payload of the next frame; a connection that ends is a close."""
    head = file.read(2)
    if len(head) < 2:
        return CLOSE, b""
    mask = file.read(4) if head[1] & 0x80 else b"\0\0\0\0"
    payload = file.read(head[1] & 0x7F)
    return head[0] & 0x0F, bytes(b ^ mask[n % 4] for n, b in enumerate(payload))


class Handler(BaseHTTPRequestHandler):
    """Echoes upgraded connections; tells events; answers the first chunk of a body at once."""

    protocol_version = "HTTP/1.1"
    server: "Streaming"

    def do_GET(self) -> None:
        """An upgrade, events, or an answer that may wait until it is let go."""
        self.server.seen.put((self.path, self.headers))
        upgrade = self.headers.get("upgrade", "")
        if upgrade == "websocket":
            self._websocket()
        elif upgrade:
            self._raw(upgrade)
        elif self.path.startswith("/events"):
            self._events()
        elif self.path.startswith("/held"):
            self.server.holding.set()
            self.server.let_go.wait(20)
            self._whole(b"held")
        else:
            self._whole(self.server.name.encode())

    def do_POST(self) -> None:
        """Answer with the first chunk before there is a second."""
        size = int(self.rfile.readline(), 16)
        first = self.rfile.read(size)
        self.rfile.readline()
        self.send_response(200)
        self.send_header("content-length", str(len(first)))
        self.end_headers()
        self.wfile.write(first)
        self.wfile.flush()
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
        self.rfile.readline()

    def _whole(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _websocket(self) -> None:
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", accepted(self.headers["sec-websocket-key"]))
        self.end_headers()
        kind, payload = read_frame(self.rfile)
        while kind != CLOSE:
            self.wfile.write(frame(kind, b"heard " + payload))
            kind, payload = read_frame(self.rfile)
        self.close_connection = True

    def _raw(self, protocol: str) -> None:
        self.send_response(101)
        self.send_header("upgrade", protocol)
        self.send_header("connection", "Upgrade")
        self.end_headers()
        while line := self.rfile.readline():
            self.wfile.write(b"heard " + line)
        self.close_connection = True

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for number in range(int(self.headers.get("x-test-events", "1"))):
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()
            self.server.ended.wait(int(self.headers.get("x-test-every", "0")) / 1000)
        self.server.ended.wait(20)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base's name
        """Say nothing."""


class Streaming(ThreadingHTTPServer):
    """One listener of its own thread.

    `seen` has the path and headers of each GET; `holding` is set once one to /held waits for
    `let_go`.
    """

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.seen: queue.Queue[tuple[str, Message]] = queue.Queue()
        self.ended = threading.Event()
        self.holding = threading.Event()
        self.let_go = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that a gateway ends."""

    def end(self) -> None:
        """Stop answering, also what still waits."""
        self.ended.set()
        self.let_go.set()
        self.shutdown()
        self.server_close()
