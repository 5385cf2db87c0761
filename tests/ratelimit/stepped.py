"""A clock that tests move, and a Feed that has nothing to say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ratelimit.metrics import Metrics
from ratelimit.stores.address import address
from ratelimit.stores.breaker import Phase
from ratelimit.stores.redis import RedisStore


class Stepped:
    """A `Clock` whose time is set, in microseconds since the epoch."""

    def __init__(self, time: int = 1_900_000_000_000_000) -> None:
        self.time = time

    def now(self) -> int:
        return self.time


class NoFeed:
    """A `Feed` without a control plane."""

    async def fetch(self, type_url: str, name: str, within: float) -> bool:
        del type_url, name, within
        return False

    def ask(self, type_url: str, name: str) -> None:
        """Nobody hears it."""

    @property
    def alone(self) -> bool:
        return True


async def reached(store: RedisStore, phase: Phase, seconds: float = 20) -> None:
    """Wait until the breaker is there; a loaded machine may take its time."""
    async with asyncio.timeout(seconds):
        while store.phase is not phase:  # noqa: ASYNC110 # a store tells nobody: tests look
            await asyncio.sleep(0.002)


async def refused(url: str) -> None:
    """Let a store try twice to use a Redis that it can not use."""
    metrics = Metrics()
    store = RedisStore(address(url), metrics)
    task = asyncio.create_task(store.run())
    async with asyncio.timeout(20):
        while sum(s.value for m in metrics.failures.collect() for s in m.samples[::2]) < 2:
            assert store.phase is not Phase.CLOSED
            await asyncio.sleep(0.002)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def running(url: str, budget: float = 5.0) -> AsyncIterator[RedisStore]:
    """A store that has connected. The budget is ample, so that a slow machine fails no test."""
    store = RedisStore(address(url), Metrics(), budget=budget)
    task = asyncio.create_task(store.run())
    try:
        await reached(store, Phase.CLOSED)
        yield store
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
