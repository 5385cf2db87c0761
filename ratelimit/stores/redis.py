"""Counters in Redis, for the whole fleet: one script call decides all that waits in one tick.

A tick is one pass of the event loop: what its calls want to know is written as one command, and
decided in their order, by Redis' own clock. Nothing is retried: what was sent and not answered in
time may have been charged. Only a script that Redis did not know was certainly not run, and is
sent once more, with its text. Redis must not evict (`maxmemory-policy noeviction`): an evicted
counter is a counter at its start.
"""

import asyncio
from collections.abc import Sequence

import hiredis
import structlog

from decision.counters import Charge, CountersDownError, Kind, Limit, Outcome
from ratelimit.metrics import Metrics
from ratelimit.stores.address import Address
from ratelimit.stores.batch import DIGEST, SCRIPT, Batch, Wait, parts, reason, rule
from ratelimit.stores.breaker import Breaker, Phase
from ratelimit.stores.connection import Connection, LostError, connected

BUDGET = 0.040
"""Seconds that a decision may wait for Redis."""

OPENING = 1.0
"""Seconds that a connection may take to open, with TLS and AUTH."""

PROBE_KEY = b"fg:probe"
PROBE = Limit(id="probe", name="probe", kind=Kind.FIXED_WINDOW, amount=10**9, period_us=1_000_000)
"""What is charged to find out whether Redis can be written."""

_log = structlog.get_logger(__name__)


class RedisStore:
    """A CounterStore. It can decide only while `run` runs, and is down until that has connected."""

    def __init__(self, address: Address, metrics: Metrics, *, budget: float = BUDGET) -> None:
        self._address = address
        self._metrics = metrics
        self._budget = budget
        self._breaker = Breaker()
        self._connection: Connection | None = None
        self._ended = asyncio.Event()
        self._why = ""
        self._waiting: list[Wait] = []

    @property
    def phase(self) -> Phase:
        """Whether Redis is asked."""
        return self._breaker.phase

    async def decide(self, charges: Sequence[Charge], within: float) -> Outcome:
        """As `CounterStore` says; in at most the budget, whatever `within` is."""
        if self._breaker.phase is not Phase.CLOSED:
            raise CountersDownError("open")
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._send)
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((charges, future))
        if within >= self._budget:
            return await future
        timer = loop.call_later(max(within, 0), _give_up, future)
        try:
            return await future
        finally:
            timer.cancel()

    async def run(self) -> None:
        """Keep a connection, until cancelled."""
        told = None
        try:
            while True:
                await asyncio.sleep(self._breaker.wait)
                self._become(self._breaker.probing())
                why = await self._probe()
                if why is None:
                    told = None
                    _log.info("redis.back", address=str(self._address))
                    await self._ended.wait()
                    why = self._why
                if why != told:
                    _log.warning("redis.lost", address=str(self._address), reason=why)
                    told = why
        finally:
            self._drop()

    async def _probe(self) -> str | None:
        """Connect, and have the script run once. Returns why it can not be used, if so."""
        self._ended.clear()
        why = None
        try:
            async with asyncio.timeout(OPENING):
                connection = await connected(self._address, self._lost)
                self._connection = connection
                await self._warn(connection)
                await connection.ask(b"SCRIPT", b"LOAD", SCRIPT)
            async with asyncio.timeout(self._budget):
                charge = (PROBE_KEY, b"\x01", rule(PROBE, 1))
                await connection.ask(b"EVALSHA", DIGEST, b"1", *charge)
        except TimeoutError:
            why = "timeout"
        except hiredis.ReplyError as error:
            why = reason(error)
        except (OSError, LostError):
            why = "connection"
        if why is not None:
            self._metrics.failures.labels(why).inc()
            self._drop()
        self._become(self._breaker.probed(good=why is None))
        return why

    async def _warn(self, connection: Connection) -> None:
        """Tell an operator whose Redis would throw counters away. Not every user may ask."""
        try:
            said = await connection.ask(b"INFO", b"memory")
        except hiredis.ReplyError:
            return
        if isinstance(said, bytes) and b"maxmemory_policy:noeviction" not in said:
            _log.warning("redis.evicts", address=str(self._address))

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for part in parts(waiting):
            batch = Batch(part, self._over)
            if self._connection is None:
                batch.fail("open")
            else:
                batch.send(self._connection, self._budget)

    def _over(self, batch: Batch, why: str | None) -> None:
        if why is None:
            self._metrics.round_trips.observe(asyncio.get_running_loop().time() - batch.began)
            self._metrics.batches.observe(len(batch))
            self._breaker = self._breaker.answered()
            return
        self._metrics.failures.labels(why).inc()
        if self._breaker.phase is Phase.CLOSED:
            self._become(self._breaker.failed())
            self._stop(why)

    def _stop(self, why: str) -> None:
        """Leave Redis alone if the breaker says so."""
        if self._breaker.phase is not Phase.CLOSED:
            self._why = why
            self._drop()

    def _lost(self, connection: Connection) -> None:
        if connection is self._connection:
            if self._breaker.phase is Phase.CLOSED:
                self._become(self._breaker.lost())
                self._why = "connection"
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._ended.set()
        if connection:
            connection.abort()

    def _become(self, breaker: Breaker) -> None:
        if breaker.phase is not self._breaker.phase:
            self._metrics.phase(breaker.phase)
        self._breaker = breaker


def _give_up(future: "asyncio.Future[Outcome]") -> None:
    if not future.done():
        future.set_exception(CountersDownError("deadline"))
