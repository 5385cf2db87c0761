"""Which versions are in play, on a loop whose time a test can tell."""

import asyncio
from collections.abc import Callable

import pytest

from controlplane.build import Build, Options, build
from controlplane.rollout import moving
from controlplane.rollout.moving import Moving
from controlplane.snapshot import Resource
from controlplane.sources import SourceFile

BASE = Resource(type_url="t", name="n", body=b"", version="1")


def built(path: str) -> Build:
    text = f"version: 1\ndefaults: {{auth: none}}\nroutes:\n  - {{path: {path}, respond: {{}}}}\n"
    return build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())


ONE, TWO = built("/one"), built("/two")


def play(body: Callable[[Moving, asyncio.Event], object]) -> None:
    async def whole() -> None:
        ended = asyncio.Event()
        mine = Moving(ended.set)
        found = body(mine, ended)
        if asyncio.iscoroutine(found):
            async with asyncio.timeout(10):
                await found
        mine.close()

    asyncio.run(whole())


def test_consumers_of_before_count_until_all_have_arrived() -> None:
    def body(mine: Moving, ended: asyncio.Event) -> None:
        mine.to(ONE, BASE)
        assert (mine.base, mine.under_way, mine.standing) == (BASE, True, ONE)
        mine.arrived()
        assert (mine.base, mine.under_way, ended.is_set()) == (None, False, True)
        assert mine.good is mine.kept is ONE

    play(body)


def test_who_never_answers_keeps_new_consumers_away_for_a_time_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.01)

    async def body(mine: Moving, ended: asyncio.Event) -> None:
        mine.to(ONE, BASE)
        await ended.wait()
        assert (mine.base, mine.good) == (None, None)

    play(body)


def test_after_a_start_those_that_are_not_back_yet_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "BACK_SECONDS", 0.05)

    async def body(mine: Moving, ended: asyncio.Event) -> None:
        mine.resume(ONE)
        assert mine.standing is ONE
        mine.to(TWO, BASE)
        mine.arrived()  # one of them is
        assert mine.good is TWO
        assert (mine.base, ended.is_set()) == (BASE, False)
        await ended.wait()
        assert mine.base is None

    play(body)


def test_what_is_refused_gives_way_to_the_last_good() -> None:
    def body(mine: Moving, _: asyncio.Event) -> None:
        assert mine.before_target() is None
        mine.to(ONE, None)
        mine.unopposed()
        mine.to(TWO, None)
        assert mine.before_target() is ONE  # it was offered, and nobody refused it
        assert mine.kept is ONE
        mine.unopposed()
        assert mine.kept is TWO
        mine.to(TWO, None)
        assert mine.before_target() is None
        assert mine.kept is None

    play(body)
