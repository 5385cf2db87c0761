"""An older version is served again: until the files change, over restarts, one step at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controlplane.snapshot import ROUTES
from foregate.applying.change import Asked
from tests.foregate.applying.world import Kept, World, gateway, play

ADA = Asked(by="ada@edge")


async def three(world: World) -> None:
    """Versions 1 to 3, each live once."""
    async with world.envoy_of(gateway("one")):
        await world.arrived(1)
        for number, names in ((2, ("one", "two")), (3, ("one", "two", "three"))):
            await world.save(gateway(*names))
            await world.arrived(number)


def test_one_step_each_time_it_is_asked_for(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await three(world)
        async with world.envoy():
            result = await world.applier.rollback(None, ADA)
            assert (result.state, result.number, world.served()) == ("live", 4, {"one", "two"})
            assert world.applier.served.pinned == 2
            note = world.version(4).note
            assert (note.kind, note.of, note.by) == ("rollback", 2, "ada@edge")
            result = await world.applier.rollback(None, ADA)
            assert (result.state, world.served()) == ("live", {"one"})
            assert (world.applier.served.pinned, world.version(5).note.of) == (1, 1)
            result = await world.applier.rollback(None, ADA)
            assert (result.state, result.warnings) == (
                "refused",
                ("there is no version before this one",),
            )
            assert (result.number, world.served()) == (5, {"one"})
            result = await world.applier.rollback(4, ADA)  # a rollback is what it went back to
            assert (world.applier.served.pinned, world.served()) == (2, {"one", "two"})

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (None, "there is no version before this one"),
        (1, "there is no version 1: `foregate history` shows them"),
    ],
)
def test_without_a_history_there_is_nothing_to_go_back_to(
    tmp_path: Path, number: int | None, why: str
) -> None:
    async def body(world: World) -> None:
        await world.save(gateway("one"))
        result = await world.applier.rollback(number, ADA)
        assert (result.state, result.number, result.warnings) == ("refused", None, (why,))
        assert result.content == world.applier.served.content != ""
        assert world.told.warned[-1] == why

    play(tmp_path, body)


def test_a_version_that_is_lost_changes_nothing(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await three(world)
        objects = tmp_path / "state" / "xds" / "objects"
        with without(objects / world.version(2).note.files[0].digest):
            result = await world.applier.rollback(2, ADA)
        assert (result.state, result.warnings) == (
            "refused",
            ("version 2 cannot be read any more",),
        )
        assert (result.number, world.served()) == (3, {"one", "two", "three"})
        assert (await world.applier.rollback(9, ADA)).state == "refused"

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_what_is_served_already_stays_as_it_is(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await three(world)
        result = await world.applier.rollback(3, ADA)
        assert (result.state, result.number) == ("unchanged", 3)
        assert world.applier.served.pinned is None
        assert world.states == {"gateway.yaml": "current"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_files_are_not_said_to_be_served_while_an_older_version_is(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await three(world)
        world.put(more="defaults: {auth: none}\nroutes: [{path: /more, to: one}]\n")
        await world.applier.refresh()
        await world.applier.rollback(1, ADA)
        assert world.states == {"gateway.yaml": "last good", "more.yaml": "not served"}
        result = await world.applier.push(ADA)
        assert result.number == world.applier.served.number
        assert world.states == {"gateway.yaml": "current", "more.yaml": "current"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_save_ends_it_and_a_push_does(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await three(world)
        await world.applier.rollback(1, ADA)
        await world.applier.refresh()  # nothing was saved
        assert world.served() == {"one"}
        result = await world.applier.push(Asked(by="bob"))
        assert (result.number, world.served()) == (5, {"one", "two", "three"})
        assert (world.applier.served.pinned, world.version(5).note.by) == (None, "bob")
        await world.applier.rollback(1, ADA)
        await world.save(gateway("two"))
        assert (world.applier.served.pinned, world.served()) == (None, {"two"})

    play(tmp_path, body, kept=Kept(tmp_path / "state"), brake=False)


def test_files_that_say_the_same_end_it_too(tmp_path: Path) -> None:
    """Else the files of before would be taken for those that somebody left."""

    async def body(world: World) -> None:
        await three(world)
        await world.applier.rollback(1, ADA)
        await world.save(gateway("one"))
        assert world.applier.served.pinned is None
        assert (world.version(5).note.kind, world.states) == ("files", {"gateway.yaml": "current"})
        await world.save(gateway("one", "two", "three"))
        assert world.served() == {"one", "two", "three"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


@pytest.mark.parametrize("meanwhile", ["the same", "changed", "gone"])
def test_a_restart_stays_with_it_while_the_files_are_those_it_left(
    tmp_path: Path, meanwhile: str
) -> None:
    kept = Kept(tmp_path / "state")

    async def before(world: World) -> None:
        await three(world)
        await world.applier.rollback(1, ADA)

    async def after(world: World) -> None:
        if meanwhile == "changed":
            world.put(gateway=gateway("one", "four"))
        if meanwhile == "gone":
            world.file.unlink()
        await world.applier.start()
        names = {"one", "four"} if meanwhile == "changed" else {"one"}
        assert world.served() == names
        assert world.applier.served.pinned == (None if meanwhile == "changed" else 1)
        assert world.applier.served.number == (5 if meanwhile == "changed" else 4)
        state = "current" if meanwhile == "changed" else "last good"
        assert world.states == {"gateway.yaml": state}
        if meanwhile == "gone":
            world.put(gateway=gateway("one", "two", "three"))
            await world.applier.refresh()
            assert (world.served(), world.applier.served.pinned) == ({"one"}, 1)
        await world.save(gateway("five"))
        assert world.served() == {"five"}

    play(tmp_path, before, kept=kept)
    play(tmp_path, after, kept=kept, brake=False)


def test_files_that_were_left_do_not_come_back_where_the_older_version_is_lost(
    tmp_path: Path,
) -> None:
    kept = Kept(tmp_path / "state")
    lost = []

    async def before(world: World) -> None:
        await three(world)
        await world.applier.rollback(1, ADA)
        lost.append(world.version(4).note.files[0].digest)

    async def after(world: World) -> None:
        await world.applier.start()
        assert world.served() == {"one"}
        assert "version 4 cannot be read any more" in world.told.warned
        assert (await world.applier.push(ADA)).state == "waiting"
        assert world.served() == {"one", "two", "three"}

    play(tmp_path, before, kept=kept)
    (tmp_path / "state" / "xds" / "objects" / lost[0]).unlink()
    play(tmp_path, after, kept=kept)


def test_a_broken_save_after_it_keeps_what_is_served(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await three(world)
        await world.applier.rollback(2, ADA)
        await world.save(gateway("one", "two") + "\n  - 7\n")
        assert world.served() == {"one", "two"}
        assert world.states == {"gateway.yaml": "last good"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_the_brake_does_not_hold_it(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(gateway("one"))
        many = tuple(f"b{n:02}" for n in range(20))
        await world.save(gateway(*many))
        await world.applier.rollback(1, ADA)
        assert (world.served(), world.version(3).note.lifted) == ({"one"}, ())

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_version_that_envoys_refuse_by_now_is_taken_back(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await three(world)
        async with world.envoy() as envoy:
            await world.arrived(3)
            envoy.refused = {ROUTES: "no"}
            result = await world.applier.rollback(1, ADA)
            assert (result.state, result.number) == ("refused", 3)
            assert [one.message for one in result.mistakes] == ["Envoy refuses this: no"]
            assert (world.version(4).fate, world.applier.served.pinned) == ("rejected", None)
            assert world.served() == {"one", "two", "three"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


@contextmanager
def without(path: Path) -> Iterator[None]:
    away = path.with_name("away")
    path.rename(away)
    yield
    away.rename(path)
