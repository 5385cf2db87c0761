"""A client that asks for much and reads little: many connections, on each one request at a time."""

import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

AT_ONCE = 32
"""How many requests are on the way at once."""

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_HEADER = re.compile(rb"\r\n(x-rule|x-path|location|allow|grpc-status): ([^\r]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; a status of 0 is nothing at all."""

    status: int
    rule: str = ""
    path: str = ""
    location: str = ""
    allow: str = ""
    grpc: str = ""


def asked(port: int, requests: Sequence[bytes]) -> Iterator[Answer]:
    """Send each request, a whole message, and give the answers in their order."""
    connections = [_Connection(port) for _ in range(min(AT_ONCE, len(requests)))]
    try:
        for start in range(0, len(requests), AT_ONCE):
            together = list(zip(connections, requests[start : start + AT_ONCE], strict=False))
            for one, request in together:
                one.send(request)
            for one, request in together:
                yield one.answer(head=request.startswith(b"HEAD "))
    finally:
        for one in connections:
            one.close()


class _Connection:
    """One that is opened anew where Envoy has closed it, as it does after what is no request."""

    def __init__(self, port: int) -> None:
        self._at = ("127.0.0.1", port)
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(self._at, timeout=20)
        self._socket.sendall(request)

    def answer(self, *, head: bool) -> Answer:
        kept = b""
        while (end := kept.find(b"\r\n\r\n")) < 0:
            if not (more := self._more()):
                self.close()
                return Answer(status=0)
            kept += more
        said = kept[:end]
        length = _LENGTH.search(said)
        missing = 0 if head or length is None else int(length[1]) - len(kept) + end + 4
        while missing > 0 and (more := self._more()):
            missing -= len(more)
        if b"\r\nconnection: close" in said:
            self.close()
        found = [(n.decode(), v.decode()) for n, v in _HEADER.findall(said)]
        named = {n.removeprefix("x-").removesuffix("-status"): v for n, v in found}
        return Answer(status=int(said[9:12]), **named)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _more(self) -> bytes:
        try:
            return self._socket.recv(65536) if self._socket is not None else b""
        except ConnectionError:
            return b""
