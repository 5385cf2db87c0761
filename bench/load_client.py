"""The process that sends load: keep-alive connections, each sends again once it has its answer.

It retries nothing and hides nothing: whatever is no 200 with one of the expected bodies is counted
by its kind. Only a connection that was said to close before is opened anew without a word.
"""

import asyncio
import itertools
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import uvloop

from bench.child import Words, answering

SECONDS = 5.0
"""After this an answer does not come."""

AGAIN = 0.02
"""Seconds from a failed connection to the next one, in which nothing is sent."""

STEP = 1e-4
"""Seconds; times are counted in steps of this."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_CLOSE = b"connection: close"


@dataclass(slots=True, kw_only=True)
class Counts:
    """What became of the requests: 200s by body, failures by kind, times in steps."""

    asked: int = 0
    bodies: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    times: Counter[int] = field(default_factory=Counter)

    def told(self) -> Words:
        """All of it, times as milliseconds."""
        return {
            "asked": self.asked,
            "bodies": self.bodies,
            "failed": self.failed,
            "p50_ms": self._quantile(0.5),
            "p99_ms": self._quantile(0.99),
            "slowest_ms": self._quantile(1.0),
        }

    def _quantile(self, part: float) -> float:
        left = part * self.times.total()
        for step in sorted(self.times):
            left -= self.times[step]
            if left <= 0:
                return (step + 1) * STEP * 1000
        return 0.0


class Load:
    """So many connections to a port; `pause` seconds from an answer to the next request."""

    def __init__(
        self,
        port: int,
        bodies: tuple[str, ...],
        *,
        connections: int,
        rate: float,
        paths: tuple[str, ...] = ("/",),
    ) -> None:
        """`rate` is requests a second of all together, 0 for as many as are answered."""
        self.counts = Counts()
        self.bodies = {body.encode(): body for body in bodies}
        end = f"HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n"
        self.requests = itertools.cycle([f"GET {path} {end}".encode() for path in paths])
        self.pause = connections / rate if rate else 0.0
        self.ending = False
        self.senders: set[Sender] = set()
        self._port = port
        self._tasks = asyncio.TaskGroup()
        self._connections = connections

    async def run(self) -> None:
        """Send until it is ending and nothing is under way."""
        async with self._tasks:
            for _ in range(self._connections):
                self.open()
            while not self.ending or any(sender.sent for sender in self.senders):
                await asyncio.sleep(0.05)
                for sender in tuple(self.senders):
                    sender.look()
            for sender in tuple(self.senders):
                sender.leave()

    def open(self) -> None:
        """Open one more connection, in the place of one that is gone."""
        if not self.ending:
            self._tasks.create_task(self._opened())

    async def _opened(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.ending:
            try:
                async with asyncio.timeout(SECONDS):
                    await loop.create_connection(lambda: Sender(self), "127.0.0.1", self._port)
            except OSError as error:  # a request that could not even be sent
                self.counts.asked += 1
                self.counts.failed[f"no connection: {type(error).__name__}"] += 1
                await asyncio.sleep(AGAIN)
            else:
                return


class Sender(asyncio.Protocol):
    """One connection. `sent` is when the request under way was sent, 0 for none."""

    def __init__(self, load: Load) -> None:
        self.sent = 0.0
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self._load.senders.add(self)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take in a part of an answer."""
        self._buffer += data
        head, end, body = self._buffer.partition(_END)
        if not end:
            return
        lines = head.lower()
        _, found, length = lines.partition(_LENGTH)
        if not found:
            self._fail("an answer without a length")
        elif len(body) >= int(length.partition(b"\r\n")[0]):
            self._answered(head[9:12], body, last=_CLOSE in lines)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what had no answer, and go on with another connection."""
        self._load.senders.discard(self)
        if self.sent:
            self._fail(f"cut: {type(exc).__name__}" if exc else "cut")
        self._load.open()

    def look(self) -> None:
        """Give up what has waited too long."""
        if self.sent and time.perf_counter() - self.sent > SECONDS:
            self._fail("no answer in time")

    def leave(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        if self._load.ending or self._transport is None or self._transport.is_closing():
            return
        self._load.counts.asked += 1
        self.sent = time.perf_counter()
        self._transport.write(next(self._load.requests))

    def _answered(self, status: bytes, body: bytes, *, last: bool) -> None:
        counts, self._buffer = self._load.counts, b""
        counts.times[int((time.perf_counter() - self.sent) / STEP)] += 1
        self.sent = 0.0
        expected = self._load.bodies.get(body)
        if status != b"200":
            counts.failed[f"status {status.decode('latin-1')}"] += 1
        elif expected is None:
            counts.failed[f"body {body[:40].decode('latin-1')!r}"] += 1
        else:
            counts.bodies[expected] += 1
        if last:
            self.leave()
        elif self._load.pause:
            asyncio.get_running_loop().call_later(self._load.pause, self._send)
        else:
            self._send()

    def _fail(self, kind: str) -> None:
        self._load.counts.failed[kind] += 1
        self.sent = 0.0
        if self._transport is not None:
            self._transport.abort()


async def main(
    port: int, connections: int, rate: float, paths: tuple[str, ...], bodies: tuple[str, ...]
) -> None:
    """Send until asked to end; each answer is the counts by then."""
    load = Load(port, bodies, connections=connections, rate=rate, paths=paths)
    running = asyncio.create_task(load.run())

    async def answer(told: Words) -> Words:
        if told["end"]:
            load.ending = True
            await running
        return load.counts.told()

    await answering(answer)
    load.ending = True
    await running


if __name__ == "__main__":
    _, at, many, often, asked, *expected = sys.argv
    each = tuple(asked.split(","))
    uvloop.run(main(int(at), int(many), float(often), each, tuple(expected)))
