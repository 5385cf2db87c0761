"""Which versions are in play, on a loop whose time a test can tell."""

import asyncio
from collections.abc import Callable

import pytest

from controlplane.build import Build, Options, build
from controlplane.rollout import moving
from controlplane.rollout.consumers import Grant
from controlplane.rollout.moving import Moving
from controlplane.sources import SourceFile

OLD: Grant = ("old", "keys", b"1", "")
NEW: Grant = ("new", "keys", b"2", "")
BASE, BOTH = frozenset({OLD}), frozenset({OLD, NEW})


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
        mine.to(ONE, BOTH, BASE)
        assert (mine.allowed, mine.under_way, mine.standing) == (BASE, True, ONE)
        mine.arrived(all_of_them=True)
        assert (mine.allowed, mine.under_way, ended.is_set()) == (None, False, True)
        assert mine.good is mine.kept is ONE

    play(body)


def test_who_has_not_arrived_keeps_new_consumers_away_for_a_time_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.05)

    async def body(mine: Moving, ended: asyncio.Event) -> None:
        mine.to(ONE, BOTH, BASE)
        mine.arrived(all_of_them=False)
        assert (mine.good, mine.allowed, ended.is_set()) == (ONE, BASE, False)
        await ended.wait()
        assert mine.allowed is None

    play(body)


def test_versions_that_come_often_do_not_keep_them_away_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.1)

    async def body(mine: Moving, _: asyncio.Event) -> None:
        mine.to(ONE, BOTH, BASE)
        for version in (TWO, ONE) * 20:
            if mine.allowed is None or NEW in mine.allowed:
                return
            mine.to(version, BOTH, mine.allowed)
            await asyncio.sleep(0.01)
        raise AssertionError("it never comes")

    play(body)


def test_after_a_start_those_that_are_not_back_yet_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "BACK_SECONDS", 0.05)

    async def body(mine: Moving, ended: asyncio.Event) -> None:
        mine.resume(ONE)
        assert mine.standing is ONE
        mine.to(TWO, BOTH, BASE)
        mine.offered()
        mine.arrived(all_of_them=True)  # all that are back
        assert mine.good is TWO
        assert (mine.allowed, ended.is_set()) == (BASE, False)
        await ended.wait()
        assert mine.allowed is None

    play(body)


def test_what_is_refused_gives_way_to_the_last_good() -> None:
    def body(mine: Moving, _: asyncio.Event) -> None:
        assert mine.before_target() is None
        mine.to(ONE, BASE, None)
        mine.unopposed()
        mine.to(TWO, BASE, None)
        assert mine.before_target() is ONE  # it was offered, and nobody refused it
        assert mine.kept is ONE
        mine.unopposed()
        assert mine.kept is TWO
        mine.to(TWO, BASE, None)
        assert mine.before_target() is None
        assert mine.kept is None

    play(body)
