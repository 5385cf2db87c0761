"""Saves that come while there is work, in bursts and alone; on a loop whose time is its own."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from foregate.debounce import LONGEST, QUIET
from foregate.following import follow


class Ahead(selectors.SelectSelector):
    """Never waits: the time that it would have waited is over."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "all wait for something that never comes"
            self.now += timeout
        return found


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.ahead = Ahead()
        super().__init__(self.ahead)

    def time(self) -> float:
        return self.ahead.now


def play(body: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await body()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(whole())


class Work:
    """Says when it was begun; takes `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.begun: list[float] = []
        self.busy = False

    async def refresh(self) -> None:
        assert not self.busy, "two at a time"
        self.busy = True
        self.begun.append(round(asyncio.get_running_loop().time(), 3))
        await asyncio.sleep(self.seconds)  # of the loop's own time
        self.busy = False


async def at(*times: float) -> AsyncIterator[None]:
    for one in times:
        await asyncio.sleep(one - asyncio.get_running_loop().time())
        yield


@pytest.mark.parametrize(
    ("times", "seconds", "begun"),
    [
        ((), 0, []),
        ((1,), 0, [1]),
        ((1, 2, 4), 0, [1, 2, 4]),
        ((1, 1.02, 1.04), 0, [1, 1.04 + QUIET]),
        ((1, 1.05, 1.5, 2), 3, [1, 4]),  # three during the first are one after it
        ((1, 1.05, 1.5, 4.5), 3, [1, 4, 7]),
        ((1, 1.05), 0, [1, 1.05 + QUIET]),  # the last, though nothing comes any more
    ],
)
def test_saves_are_gathered_and_none_is_lost(
    times: tuple[float, ...], seconds: float, begun: list[float]
) -> None:
    async def body() -> None:
        work = Work(seconds)
        await follow(at(*times), work.refresh)
        assert work.begun == pytest.approx(begun)

    play(body)


def test_a_burst_without_end_does_not_keep_work_away() -> None:
    async def body() -> None:
        work = Work()
        await follow(at(*(n * 0.05 for n in range(500))), work.refresh)
        first, second, third = work.begun[:3]
        assert first == 0
        assert second == pytest.approx(0.05 + LONGEST)
        assert third <= second + 0.05 + LONGEST

    play(body)


class WorldError(Exception):
    """Something that the stage raises."""


def test_what_the_work_raises_ends_it_and_the_watch() -> None:
    async def body() -> None:
        ended = asyncio.Event()

        async def saves() -> AsyncIterator[None]:
            try:
                yield
                await asyncio.Event().wait()
            finally:
                ended.set()

        async def refresh() -> None:
            raise WorldError

        with pytest.raises(WorldError):
            await follow(saves(), refresh)
        assert ended.is_set()

    play(body)


def test_what_the_watch_raises_ends_it() -> None:
    async def body() -> None:
        async def saves() -> AsyncIterator[None]:
            yield
            raise WorldError

        with pytest.raises(WorldError):
            await follow(saves(), Work().refresh)

    play(body)


def test_whoever_cancels_it_finds_all_ended() -> None:
    async def body() -> None:
        states: Mapping[str, asyncio.Event] = {n: asyncio.Event() for n in ("begun", "ended")}

        async def refresh() -> None:
            states["begun"].set()
            try:
                await asyncio.Event().wait()
            finally:
                states["ended"].set()

        following = asyncio.create_task(follow(at(0), refresh))
        await states["begun"].wait()
        following.cancel()
        await asyncio.wait([following])
        assert following.cancelled()
        assert states["ended"].is_set()

    play(body)
