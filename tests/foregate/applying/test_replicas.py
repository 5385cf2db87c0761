"""Two control planes on one state folder: the same files are the same version, nobody fights."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Passed, Refused
from controlplane.rollout.recorder import recorder
from foregate.applying.change import NOBODY, Asked
from tests.controlplane.rollout.published import staged
from tests.foregate.applying.world import Judge, World, gateway, played

MANY = tuple(f"b{n:02}" for n in range(20))


def both(
    folder: Path, body: Callable[[World, World], Awaitable[None]], second: Gate | None = None
) -> None:
    async def whole() -> None:
        for name in ("a", "b"):
            (folder / name).mkdir()
        async with (
            asyncio.timeout(30),
            staged(folder / "a", recorder(folder / "state")) as one,
            staged(folder / "b", recorder(folder / "state")) as two,
        ):
            await body(played(folder / "a", one), played(folder / "b", two, gate=second))

    asyncio.run(whole())


async def settled(*worlds: World) -> int | None:
    """Have all look until nobody's version changes; give the number that all serve."""
    for _ in range(4):
        for one in worlds:
            await one.applier.look()
    numbers = {one.applier.served.number for one in worlds}
    assert len(numbers) == 1
    return numbers.pop()


def test_the_same_files_are_one_version(tmp_path: Path) -> None:
    async def body(a: World, b: World) -> None:
        for one in (a, b):
            one.put(gateway=gateway("one"))
            await one.applier.start()
        assert await settled(a, b) == 1
        assert len(a.history.versions()) == 1
        assert a.applier.served.content == b.applier.served.content

    both(tmp_path, body)


def test_a_rollback_and_a_push_are_followed(tmp_path: Path) -> None:
    async def body(a: World, b: World) -> None:
        for names in (("one",), ("one", "two")):
            for one in (a, b):
                await one.save(gateway(*names))
        assert await settled(a, b) == 2
        await a.applier.rollback(1, Asked(by="ada"))
        await b.applier.look()
        assert (b.served(), b.applier.served.pinned) == ({"one"}, 1)
        assert b.states == {"gateway.yaml": "last good"}
        assert await settled(a, b) == 3
        await b.applier.push(NOBODY)
        await a.applier.look()
        assert (a.served(), a.applier.served.pinned) == ({"one", "two"}, None)
        assert a.states == {"gateway.yaml": "current"}
        assert await settled(a, b) == 4
        assert len(a.history.versions()) == 4

    both(tmp_path, body)


def test_files_that_end_a_rollback_end_it_on_both(tmp_path: Path) -> None:
    async def body(a: World, b: World) -> None:
        for names in (("one",), ("one", "two")):
            for one in (a, b):
                await one.save(gateway(*names))
        await a.applier.rollback(1, NOBODY)
        await b.applier.look()
        for one in (a, b):
            await one.save(gateway("one"))
        assert await settled(a, b) == 4
        assert [one.applier.served.pinned for one in (a, b)] == [None, None]

    both(tmp_path, body)


def test_who_has_other_files_goes_its_own_way(tmp_path: Path) -> None:
    async def body(a: World, b: World) -> None:
        await a.save(gateway("one"))
        await b.save(gateway("two"))
        for one in (a, b, a, b):
            await one.applier.look()
        assert (a.served(), b.served()) == ({"one"}, {"two"})
        assert len(a.history.versions()) == 2
        await b.applier.rollback(1, NOBODY)
        await a.applier.look()
        assert (a.applier.served.pinned, b.served()) == (None, {"one"})

    both(tmp_path, body)


def test_what_one_was_allowed_to_remove_the_other_removes(tmp_path: Path) -> None:
    async def body(a: World, b: World) -> None:
        for one in (a, b):
            await one.save(gateway(*MANY))
            await one.save(gateway("one"))
            assert one.served() == set(MANY)
        result = await a.applier.push(Asked(by="ada", allow_removal=True))
        assert result.number == 2
        assert await settled(a, b) == 2
        assert b.served() == {"one"}

    both(tmp_path, body)


def test_what_only_one_can_serve_is_asked_about_once(tmp_path: Path) -> None:
    no = Judge(says=lambda one: Passed() if one.version in good else Refused(causes=()))
    good: set[str] = set()

    async def body(a: World, b: World) -> None:
        await a.save(gateway("one"))
        good.add(a.applier.served.content)
        await b.save(gateway("one"))
        for one in (a, b):
            one.put(gateway=gateway("one", "two"))
        await b.applier.refresh()
        await a.applier.refresh()
        b.told.says()
        count = len(no.asked)
        for _ in range(4):
            await b.applier.look()
        assert len(no.asked) == count + 1
        assert (a.served(), b.served()) == ({"one", "two"}, {"one"})

    both(tmp_path, body, no)
