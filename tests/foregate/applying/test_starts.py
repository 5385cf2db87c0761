"""What a control plane begins with: the files, the history, or what of both can be read."""

import hashlib
import shutil
from pathlib import Path

import pytest

from controlplane.gate.verdicts import Refused
from controlplane.snapshot import ROUTES
from foregate.applying import bringing
from tests.controlplane.xds.raw_client import there
from tests.foregate.applying.world import (
    BROKEN,
    MAIN,
    Judge,
    Kept,
    World,
    built,
    gateway,
    play,
    team,
)

HELD = "defaults: {auth: none}\nroutes: [{path: /three, to: nobody}]\n"
LOST = "defaults: {auth: none}\nroutes: [{path: /two, to: nobody}]\n"


def ready(world: World) -> bool:
    return not world.applier.partial


def test_a_cold_start_with_a_broken_file_is_not_ready_until_it_is_mended(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.put(gateway=MAIN, one=team("one"), two=LOST)
        await world.applier.start()
        assert not ready(world)
        assert world.served() == {"one"}
        assert world.states["two.yaml"] == "not served"
        await world.save(one=team("one", 10))
        assert not ready(world)
        await world.save(two=team("two"))
        assert ready(world)
        assert world.served() == {"one", "two"}
        await world.save(three=LOST)
        assert ready(world)  # what comes later is told, and no reason to leave

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_who_knows_less_than_others_sends_nothing_to_nodes_that_hold_something(
    tmp_path: Path,
) -> None:
    async def body(world: World) -> None:
        world.put(gateway=MAIN, one=team("one"), two=LOST)
        await world.applier.start()
        async with (
            world.stage.node(address="holds", holds="two") as holds,
            world.stage.node(address="fresh") as fresh,
        ):
            await fresh.until(lambda: ROUTES in fresh.held)
            await there(world.stage.publisher.server, "holds")
            old = fresh.held[ROUTES].copy()
            await world.save(one=team("one").replace("/one", "/uno"))
            await fresh.until(lambda: fresh.held[ROUTES] != old)
            await fresh.asked()
            assert holds.pushes == []
            await world.save(two=team("two"))
            await holds.until(lambda: holds.held.get(ROUTES) == fresh.held[ROUTES])

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_restart_serves_a_broken_file_as_it_was(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state")

    async def before(world: World) -> None:
        await world.save(
            MAIN, one=team("one"), two=team("two"), three=LOST.replace("/two", "/three")
        )

    async def after(world: World) -> None:
        world.put(two=BROKEN)
        await world.applier.start()
        assert world.served() == {"one", "two"}
        assert world.states == {
            "gateway.yaml": "current",
            "one.yaml": "current",
            "three.yaml": "not served",
            "two.yaml": "last good",
        }
        live = world.applier.live
        assert live is not None
        held = [one.name for one in live.build.sources if one.held]
        assert held == [str(world.folder / "three.yaml")]
        assert world.applier.served.number == 2

    play(tmp_path, before, kept=kept)
    play(tmp_path, after, kept=kept)


@pytest.mark.parametrize("lost", ["versions", "a content"])
def test_where_it_is_not_known_what_was_good_nothing_is_dropped(tmp_path: Path, lost: str) -> None:
    kept = Kept(tmp_path / "state")
    folder = tmp_path / "state" / "xds"

    async def before(world: World) -> None:
        await world.save(MAIN, one=team("one"), two=team("two"))

    async def after(world: World) -> None:
        world.put(one=team("one", 10), two=LOST)
        await world.applier.start()
        assert world.served() == {"one", "two"}
        assert [one.restored for one in world.told.live] == [True]
        await world.save(one=team("one", 11))
        assert len(world.told.live) == 1
        assert "current" not in world.states.values()
        await world.save(two=team("two", 12), three=LOST)  # all that was good before is good now
        assert len(world.told.live) == 1
        await world.save(three=team("three"))
        assert world.served() == {"one", "two", "three"}
        await world.save(two=LOST)
        assert world.states["two.yaml"] == "last good"

    play(tmp_path, before, kept=kept)
    if lost == "versions":
        shutil.rmtree(folder / "versions")
    else:
        name = hashlib.sha256(team("two").encode()).hexdigest()
        (folder / "objects" / name).unlink()
    play(tmp_path, after, kept=kept)


@pytest.mark.parametrize("files", ["broken", "gone"])
def test_a_version_that_never_arrived_is_not_taken_for_what_nodes_have(
    tmp_path: Path, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "ACK_SECONDS", 0.1)
    kept = Kept(tmp_path / "state")

    async def before(world: World) -> None:
        await world.save(gateway("one"))
        async with world.envoy() as envoy:
            await world.arrived(1)
            envoy.go.clear()
            await world.save(gateway("one", "two"))
            assert world.fates() == ["live", "published"]

    async def after(world: World) -> None:
        if files == "gone":
            world.file.unlink()
        else:
            world.put(gateway=BROKEN)
        await world.applier.start()
        assert world.served() == {"one"}
        assert world.states == {"gateway.yaml": "last good"}
        number = {"gone": 1, "broken": 3}[files]  # of a file that is broken it is another version
        assert world.applier.served.number == number
        assert world.fates()[:2] == ["live", "published"]

    play(tmp_path, before, kept=kept)
    play(tmp_path, after, kept=kept)


def test_what_was_held_before_the_history_was_lost_is_unknown(tmp_path: Path) -> None:
    """A version of the store that no entry of the history is: its number is not made up."""
    kept = Kept(tmp_path / "state")

    async def before(world: World) -> None:
        await world.save(gateway("one"))

    async def after(world: World) -> None:
        world.file.unlink()
        await world.applier.start()
        assert world.served() == {"other"}
        assert (world.applier.served.number, world.states) == (None, {})

    play(tmp_path, before, kept=kept)
    kept.put(built("other"))
    play(tmp_path, after, kept=kept)


def test_what_the_gate_refuses_at_a_start_leaves_what_was_served(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state")

    async def before(world: World) -> None:
        await world.save(gateway("one"))

    async def after(world: World) -> None:
        world.put(gateway=gateway("one", "two"))
        await world.applier.start()
        assert world.served() == {"one"}
        assert world.applier.served.number == 1
        assert world.states == {"gateway.yaml": "last good"}

    play(tmp_path, before, kept=kept)
    play(tmp_path, after, kept=kept, gate=Judge(says=lambda _: Refused(causes=())))


def test_the_flag_at_a_start_is_written_down(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state")
    many = tuple(f"b{n:02}" for n in range(20))

    async def before(world: World) -> None:
        await world.save(gateway(*many))

    async def after(world: World) -> None:
        world.put(gateway=gateway(*many[:10]))
        await world.applier.start()
        note = world.version(2).note
        assert [one.partition("(")[0] for one in note.lifted] == [
            "it removes 10 of 20 routes ",
            "it removes 10 of 20 backends ",
        ]
        assert not world.applier.allow_removal

    play(tmp_path, before, kept=kept)
    play(tmp_path, after, kept=kept, allow_removal=True)


def test_sources_that_are_missing_at_a_first_start_are_told(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.applier.start()
        assert world.told.says() == ["there is no such file or folder"]
        assert (world.applier.live, world.told.live) == (None, [])
        await world.save(gateway("one"))
        assert (world.served(), world.applier.partial) == ({"one"}, False)

    play(tmp_path, body, kept=Kept(tmp_path / "state"))
