"""What one call of the script decides, and what becomes of those who wait for it."""

import asyncio
import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import hiredis

from decision.counters import Charge, CountersDownError, Limit, Outcome
from policies.limits.check import judged
from ratelimit.stores.connection import Connection, LostError, Reply, bulk

SCRIPT = Path(__file__).with_name("script.lua").read_bytes()
DIGEST = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()
BY_DIGEST = bulk(b"EVALSHA") + bulk(DIGEST)
BY_TEXT = bulk(b"EVAL") + bulk(SCRIPT)

MOST_CHARGES = 1000
"""In one call: Lua's stack bounds how many keys MGET is given."""

MOST_RULES = 10_000
"""How many limits' words are kept ready."""

GRACE = 0.001
"""Seconds that replies get to be read when it was this process that stood still."""

REASONS = frozenset(
    {
        *("BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "MOVED", "NOAUTH", "NOPERM"),
        *("NOREPLICAS", "NOSCRIPT", "OOM", "READONLY", "WRONGPASS"),
    }
)

Wait: TypeAlias = tuple[Sequence[Charge], "asyncio.Future[Outcome]"]
"""The charges of a request, and who waits for what becomes of them."""

_rules: dict[str, tuple[Limit, bytes]] = {}


class Batch:
    """One call, from its sending to its end, which `ended` is told with a reason if it failed."""

    def __init__(self, waits: Sequence[Wait], ended: Callable[["Batch", str | None], None]) -> None:
        self._waits = waits
        self._ended: Callable[[Batch, str | None], None] | None = ended
        self._resent = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many requests it decides."""
        return len(self._waits)

    def send(self, connection: Connection, budget: float) -> None:
        """Send it, once. It ends within `budget` seconds."""
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        self._deadline = self.began + budget
        self._timer = self._loop.call_at(self._deadline, self._late)
        self._call = words([charges for charges, _ in self._waits])
        count, tail = self._call
        connection.send(b"*%d\r\n%b%b" % (count, BY_DIGEST, tail), self._answered)

    def fail(self, why: str) -> None:
        """End it: nobody knows what was charged."""
        for _, future in self._waits:
            if not future.done():
                future.set_exception(CountersDownError(why))
        self._end(why)

    def _answered(self, reply: "Reply | LostError") -> None:
        if self._ended is None:
            return
        if isinstance(reply, list):
            self._settle(reply)
        elif isinstance(reply, LostError):
            self.fail("connection")
        elif (why := reason(reply)) == "NOSCRIPT" and not self._resent:
            self._resent = True
            count, tail = self._call
            self._connection.send(b"*%d\r\n%b%b" % (count, BY_TEXT, tail), self._answered)
        else:
            self.fail(why)

    def _settle(self, reply: list[Reply]) -> None:
        numbers: list[int] = reply  # type: ignore[assignment] # what the script returns
        now = numbers[0] * 1_000_000 + numbers[1]
        at = 2
        for charges, future in self._waits:
            end = at + len(charges)
            if not future.done():
                future.set_result(judged(charges, numbers[at:end], now))
            at = end
        self._end(None)

    def _late(self) -> None:
        if self._ended is None:
            return
        if self._loop.time() > self._deadline + GRACE:
            self._deadline = self._loop.time() + GRACE
            self._timer = self._loop.call_at(self._deadline, self._late)
        else:
            self.fail("timeout")

    def _end(self, why: str | None) -> None:
        ended, self._ended = self._ended, None
        if self._timer:
            self._timer.cancel()
        if ended:
            ended(self, why)


def parts(waits: Sequence[Wait]) -> Iterator[Sequence[Wait]]:
    """What waits, in as few calls as there can be."""
    if sum(len(charges) for charges, _ in waits) <= MOST_CHARGES:
        yield waits
        return
    part: list[Wait] = []
    size = 0
    for wait in waits:
        size += len(wait[0])
        if size > MOST_CHARGES:
            yield part
            part, size = [], len(wait[0])
        part.append(wait)
    yield part


def words(requests: Sequence[Sequence[Charge]]) -> tuple[int, bytes]:
    """A call of the script but for its name: how many words it has with that, and its bytes."""
    keys, rules = [], []
    for charges in requests:
        for charge in charges:
            key, limit = charge.key, charge.limit
            keys.append(b"$%d\r\n%b\r\n" % (len(key), key))
            if charge.hits == 1:
                kept = _rules.get(limit.id)
                if kept is None or kept[0] is not limit:
                    kept = _kept(limit)
                rules.append(kept[1])
            else:
                rules.append(bulk(rule(limit, charge.hits)))
    sizes = bytes([len(charges) for charges in requests])
    count = b"%d" % len(keys)
    tail = b"".join((bulk(count), *keys, bulk(sizes), *rules))
    return 4 + 2 * len(keys), tail


def rule(limit: Limit, hits: int) -> bytes:
    """What the script needs to know about a charge. More than fits is as good as one more."""
    cost = min(hits * limit.unit, limit.capacity + limit.unit)
    return struct.pack("<dddd", limit.tick_us, limit.refill, limit.capacity, cost)


def reason(error: object) -> str:
    """The kind of an error that Redis answered with; its words could say anything."""
    word = str(error).partition(" ")[0]
    return word if isinstance(error, hiredis.ReplyError) and word in REASONS else "error"


def _kept(limit: Limit) -> tuple[Limit, bytes]:
    if len(_rules) >= MOST_RULES:
        _rules.clear()
    kept = (limit, bulk(rule(limit, 1)))
    _rules[limit.id] = kept
    return kept
