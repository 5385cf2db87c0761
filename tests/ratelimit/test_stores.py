"""What every store promises: the same tests for the one in the process and the one in Redis."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from decision.counters import Charge, CounterStore, Kind, Limit
from ratelimit.stores.memory import MemoryStore, WallClock
from tests.ratelimit.redis_server import RedisServer
from tests.ratelimit.stepped import running

Test = Callable[[CounterStore], Awaitable[None]]
Run = Callable[[Test], None]
YEAR = 365 * 86_400_000_000


@pytest.fixture(params=["memory", "redis"])
def run(request: pytest.FixtureRequest, redis: RedisServer) -> Run:
    """Run a test with a store."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[CounterStore]:
        if request.param == "memory":
            yield MemoryStore(clock=WallClock())
        else:
            async with running(redis.url) as store:
                yield store

    async def with_store(test: Test) -> None:
        async with opened() as store:
            await test(store)

    return lambda test: asyncio.run(with_store(test))


def limit(kind: Kind, amount: int, name: str = "") -> Limit:
    """So slow that nothing comes back within a test."""
    made = name or uuid.uuid4().hex
    return Limit(id=made, name="a", kind=kind, amount=amount, period_us=YEAR, burst=amount)


def charge(one: Limit, who: str = "", hits: int = 1) -> Charge:
    return Charge(one, f"{one.id}:{who}".encode(), hits)


@pytest.mark.parametrize("kind", Kind)
def test_as_many_as_the_amount_and_no_more(run: Run, kind: Kind) -> None:
    async def test(store: CounterStore) -> None:
        one = limit(kind, 5)
        asked = [store.decide([charge(one)], 9) for _ in range(50)]
        outcomes = await asyncio.gather(*asked)
        assert [o.admitted for o in outcomes] == [True] * 5 + [False] * 45
        assert [o.standings[0].remaining for o in outcomes] == [4, 3, 2, 1] + [0] * 46
        again = await store.decide([charge(one)], 9)
        assert not again.admitted
        assert again.standings[0].retry_us > 0

    run(test)


@pytest.mark.parametrize("kind", Kind)
def test_callers_have_counters_of_their_own(run: Run, kind: Kind) -> None:
    async def test(store: CounterStore) -> None:
        one = limit(kind, 1)
        asked = [store.decide([charge(one, f"{n % 3}")], 9) for n in range(6)]
        outcomes = await asyncio.gather(*asked)
        assert [o.admitted for o in outcomes] == [True] * 3 + [False] * 3

    run(test)


def test_all_must_admit_or_none_is_charged(run: Run) -> None:
    async def test(store: CounterStore) -> None:
        narrow, wide = limit(Kind.GCRA, 1), limit(Kind.FIXED_WINDOW, 10)
        both = [charge(wide), charge(narrow)]
        assert (await store.decide(both, 9)).admitted
        for _ in range(20):
            outcome = await store.decide(both, 9)
            assert [s.admitted for s in outcome.standings] == [True, False]
            assert not outcome.admitted
        left = await store.decide([charge(wide, hits=0)], 9)
        assert left.standings[0].remaining == 9

    run(test)


def test_hits_and_looks(run: Run) -> None:
    async def test(store: CounterStore) -> None:
        one = limit(Kind.GCRA, 10)
        assert (await store.decide([charge(one, hits=7)], 9)).standings[0].remaining == 3
        assert not (await store.decide([charge(one, hits=4)], 9)).admitted
        assert not (await store.decide([charge(one, hits=2**64 - 1)], 9)).admitted
        look = await store.decide([charge(one, hits=0)], 9)
        assert (look.admitted, look.standings[0].remaining) == (True, 3)
        assert (await store.decide([charge(one, hits=3)], 9)).standings[0].remaining == 0
        assert (await store.decide([charge(one, hits=0)], 9)).admitted

    run(test)


def test_the_same_counter_twice_is_charged_twice(run: Run) -> None:
    async def test(store: CounterStore) -> None:
        one = limit(Kind.FIXED_WINDOW, 3)
        twice = [charge(one), charge(one)]
        assert (await store.decide(twice, 9)).admitted
        assert not (await store.decide(twice, 9)).admitted
        assert (await store.decide([charge(one)], 9)).admitted

    run(test)


def test_another_amount_keeps_what_is_spent(run: Run) -> None:
    async def test(store: CounterStore) -> None:
        one = limit(Kind.GCRA, 10)
        await store.decide([charge(one, hits=6)], 9)
        more = limit(Kind.GCRA, 20, one.id)
        assert (await store.decide([charge(more, hits=0)], 9)).standings[0].remaining == 14

    run(test)


def test_many_at_once_with_many_limits(run: Run) -> None:
    async def test(store: CounterStore) -> None:
        group = [limit(Kind.GCRA, 100) for _ in range(32)]
        asked = [store.decide([charge(one) for one in group], 9) for _ in range(150)]
        outcomes = await asyncio.gather(*asked)
        assert sum(o.admitted for o in outcomes) == 100
        assert {len(o.standings) for o in outcomes} == {32}

    run(test)


def test_time_gives_back(run: Run) -> None:
    async def test(store: CounterStore) -> None:
        quick = Limit(id=uuid.uuid4().hex, name="a", kind=Kind.GCRA, amount=1, period_us=20_000)
        assert (await store.decide([charge(quick)], 9)).admitted
        async with asyncio.timeout(20):
            while not (await store.decide([charge(quick)], 9)).admitted:
                pass

    run(test)
