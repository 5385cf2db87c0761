"""One process of the bench of over-admission: clients that ask Redis as fast as it answers."""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
import uvloop

from decision.counters import Charge, CountersDownError, Kind, Limit
from ratelimit.metrics import Metrics
from ratelimit.stores.address import address
from ratelimit.stores.breaker import Phase
from ratelimit.stores.redis import RedisStore

RATE, BURST, PERIOD_US = 700, 150, 1_000_000
CALLERS = 4


def limits() -> tuple[Limit, Limit]:
    """Both kinds, so near each other that now one and now the other refuses."""
    gcra = Limit(
        id="rate", name="rate", kind=Kind.GCRA, amount=RATE, period_us=PERIOD_US, burst=BURST
    )
    window = Limit(
        id="quota", name="quota", kind=Kind.FIXED_WINDOW, amount=1400, period_us=2 * PERIOD_US
    )
    return gcra, window


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[RedisStore]:
    """A store whose breaker is closed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    store = RedisStore(address(url), Metrics())
    task = asyncio.create_task(store.run())
    try:
        async with asyncio.timeout(20):
            while store.phase is not Phase.CLOSED:  # noqa: ASYNC110 # a store tells nobody
                await asyncio.sleep(0.005)
        yield store
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def ask(url: str, seconds: float, clients: int) -> dict[str, object]:
    """What was asked, what was not answered, and when (by Redis) what was admitted."""
    admitted: dict[int, list[int]] = {n: [] for n in range(CALLERS)}
    asked = failed = 0
    gcra, window = limits()
    async with connected(url) as store:
        until = time.monotonic() + seconds

        async def client() -> None:
            nonlocal asked, failed
            while time.monotonic() < until:
                caller = random.randrange(CALLERS)
                pair = (Charge(gcra, b"rate:%d" % caller), Charge(window, b"quota:%d" % caller))
                asked += 1
                try:
                    outcome = await store.decide(pair, 1)
                except CountersDownError:
                    failed += 1
                    await asyncio.sleep(0.005)
                    continue
                if outcome.admitted:
                    admitted[caller].append(outcome.now)

        await asyncio.gather(*(client() for _ in range(clients)))
    return {"asked": asked, "failed": failed, "admitted": admitted}


if __name__ == "__main__":
    told = uvloop.run(ask(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
    Path(sys.argv[4]).write_text(json.dumps(told))
