"""A name server on UDP that says what a test tells it to (RFC 1035)."""

import socket
import struct
import threading
from collections import Counter
from ipaddress import IPv4Address

_A, _IN = 1, 1
SERVFAIL, NXDOMAIN = 2, 3


class NameServer:
    """Answers with `addresses` for `ttl` seconds, or with the `failure` that is set.

    While it is `silent` nothing is answered. `asked` counts the questions by name.
    """

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ()
        self.ttl = 1
        self.failure = 0
        self.silent = False
        self.asked: Counter[str] = Counter()
        self._heard = threading.Condition()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    def wait_for_questions(self, name: str, more: int = 2) -> None:
        """Return when a name was asked for again, so that the answer before was taken."""
        with self._heard:
            wanted = self.asked[name] + more
            if not self._heard.wait_for(lambda: self.asked[name] >= wanted, timeout=30):
                raise TimeoutError(name)

    def close(self) -> None:
        """Stop answering."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                query, sender = self._socket.recvfrom(4096)
                name, kind, end = _question(query)
                if not self.silent:
                    self._socket.sendto(self._answer(query, kind, end), sender)
            except OSError:
                return
            with self._heard:
                self.asked[name] += 1
                self._heard.notify_all()

    def _answer(self, query: bytes, kind: int, end: int) -> bytes:
        found = self.addresses if kind == _A and not self.failure else ()
        # an answer, recursion desired and available
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | self.failure, 1, len(found), 0, 0)
        records = (
            # a pointer to the name in the question
            struct.pack("!HHHIH", 0xC00C, _A, _IN, self.ttl, 4) + IPv4Address(one).packed
            for one in found
        )
        return head + query[12:end] + b"".join(records)


def _question(query: bytes) -> tuple[str, int, int]:
    """The name and kind that are asked for, and where the question ends."""
    labels: list[str] = []
    at = 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels), struct.unpack_from("!H", query, at + 1)[0], at + 5
