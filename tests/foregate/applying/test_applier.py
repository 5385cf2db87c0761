"""What becomes of each state of the sources: live, held, or told; and what a start begins with."""

import asyncio
from pathlib import Path

import pytest

from controlplane.build import Build
from controlplane.history.version import Note
from controlplane.rollout.recorder import Recorder
from controlplane.snapshot import ROUTES
from foregate.applying.archive import Disk
from language.places import Place
from tests.foregate.applying.world import Kept, World, built, gateway, play

MANY = tuple(f"b{n:02}" for n in range(20))
FEW = MANY[:10]
HELD = [
    f"this version is held: it removes 10 of 20 {kind} ({start}{MANY[10]}, {start}{MANY[11]},"
    f" {start}{MANY[12]}, {start}{MANY[13]}, {start}{MANY[14]}, …)"
    for kind, start in (("routes", "*/"), ("backends", ""))
]


class Slow(Disk):
    """A history on a disk that writes no version before it may."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.may = asyncio.Event()

    async def record(self, build: Build, note: Note) -> int | None:
        await self.may.wait()
        return await super().record(build, note)


def test_nodes_do_not_wait_for_the_history_and_who_is_told_does(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")):
            slow = Slow(world.stage.recorder)
            world.applier.bringer.writing.archive = slow
            saving = asyncio.create_task(world.save(gateway("one", "two")))
            await world.stage.live(built("one", "two"))
            assert len(world.told.live) == 1
            slow.may.set()
            await saving
            first, second = world.told.live
            assert (first.number, second.number) == (1, 2)
            assert second.took < second.written

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_version_that_takes_away_much_is_held_each_time_it_is_saved(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state")

    async def body(world: World) -> None:
        await world.save(gateway(*MANY))
        for _ in range(2):
            await world.save(gateway(*FEW))
            places = {one.place for one in world.told.found}
            assert places == {Place(str(world.file), 1, 1)}
            assert world.told.says() == HELD
            assert world.served() == set(MANY)
        await world.save(gateway(*MANY))
        assert world.told.same == 1
        await world.save(gateway(*MANY[:11]))
        assert world.served() == set(MANY[:11])

    told = play(tmp_path, body, kept=kept)
    assert (told.stayed, told.firsts) == (2, [True, False])
    assert kept.version == version(*MANY[:11])


def test_the_flag_lets_one_version_through(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(gateway(*MANY))
        await world.save(gateway(*MANY[:15]))  # needs no flag, and uses none up
        await world.save(gateway(*MANY))
        await world.save(gateway(*FEW))
        assert world.served() == set(FEW)
        assert any("--allow-removal lets this version through" in w for w in world.told.warned)
        await world.save(gateway("other"))
        assert world.served() == set(FEW)
        assert all(said.startswith("this version is held") for said in world.told.says())

    play(tmp_path, body, allow_removal=True)


def test_a_version_that_is_refused_does_not_use_the_flag_up(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(gateway(*MANY))
        async with world.stage.node() as envoy:
            await envoy.until(lambda: ROUTES in envoy.held)
            await world.stage.live(built(*MANY))
            envoy.refused = {ROUTES: "no"}
            await world.save(gateway(*FEW))
            assert world.told.says() == ["Envoy refuses this: no"]
            envoy.refused = {}
            await world.save(gateway(*FEW))
            assert world.served() == set(FEW)

    play(tmp_path, body, allow_removal=True)


def test_without_the_brake_everything_goes(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(gateway(*MANY))
        await world.save(gateway("other"))
        assert world.served() == {"other"}

    assert play(tmp_path, body, brake=False).found == []


@pytest.mark.parametrize("brake", [True, False])
@pytest.mark.parametrize(
    "how", ["empty file", "comment", "no file", "empty folder", "no folder", "no gateway.yaml"]
)
def test_files_that_go_take_nothing_with_them(tmp_path: Path, how: str, *, brake: bool) -> None:
    async def body(world: World) -> None:
        await world.save(gateway("one"))
        (world.folder / "more.yaml").write_text("# nothing\n")
        match how:
            case "empty file":
                world.file.write_text("")
            case "comment":
                world.file.write_text("# nothing\n")
            case "no gateway.yaml":
                world.file.unlink()
            case _:
                (world.folder / "more.yaml").unlink()
                world.file.unlink()
        if how == "no folder":
            world.folder.rmdir()
        await world.applier.refresh()
        assert world.told.says()
        assert (world.told.stayed, world.served()) == (1, {"one"})
        (world.folder / "more.yaml").unlink(missing_ok=True)
        await world.save(gateway("one", "two"))
        assert world.served() == {"one", "two"}

    play(tmp_path, body, brake=brake)


def test_a_start_serves_the_files_at_once_where_they_are_good(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state").put(built("one"))

    async def body(world: World) -> None:
        world.folder.mkdir()
        world.file.write_text(gateway("one", "two"))
        await world.applier.start()
        assert world.served() == {"one", "two"}

    told = play(tmp_path, body, kept=kept)
    assert [one.restored for one in told.live] == [False]
    assert kept.version == version("one", "two")


@pytest.mark.parametrize("text", [None, "", "version: 1\nroutes: 7\n"])
def test_a_start_without_good_files_serves_the_last_good(tmp_path: Path, text: str | None) -> None:
    async def body(world: World) -> None:
        if text is not None:
            world.folder.mkdir()
            world.file.write_text(text)
        await world.applier.start()
        assert world.told.says()
        assert world.served() == {"one"}
        assert [one.restored for one in world.told.live] == [True]
        await world.save(gateway("two"))
        assert world.served() == {"two"}

    play(tmp_path, body, kept=Kept(tmp_path / "state").put(built("one")))


def test_what_went_while_nobody_looked_is_held_at_a_start(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state").put(built(*MANY))

    async def body(world: World) -> None:
        world.folder.mkdir()
        world.file.write_text(gateway(*FEW))
        await world.applier.start()
        assert world.told.says() == HELD
        assert world.served() == set(MANY)

    play(tmp_path, body, kept=kept)
    assert kept.version == version(*MANY)

    async def again(world: World) -> None:
        await world.applier.start()
        assert world.served() == set(FEW)

    play(tmp_path, again, kept=kept, allow_removal=True)


def test_a_disk_that_cannot_be_used_is_told_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("no folder")

    async def body(world: World) -> None:
        await world.applier.start()
        await world.save(gateway("one"))
        assert world.served() == {"one"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))
    assert "nothing outlives the process" in capsys.readouterr().out


def test_what_envoys_refuse_is_not_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state")

    async def body(world: World) -> None:
        await world.save(gateway("one"))
        async with world.stage.node() as envoy:
            await envoy.until(lambda: ROUTES in envoy.held)
            envoy.refused = {ROUTES: "no"}
            await world.save(gateway("one", "two"))

    play(tmp_path, body, kept=kept)
    assert kept.version == version("one")


def version(*names: str) -> str:
    found = built(*names).snapshot
    assert found is not None
    return found.version


def test_a_comment_makes_a_version_at_a_start_and_none_before(tmp_path: Path) -> None:
    """As docs/history.md says."""
    kept = Kept(tmp_path / "state")
    numbers: list[int | None] = []

    async def body(world: World) -> None:
        await world.save(gateway("a"))
        numbers.append(world.applier.served.number)
        await world.save(gateway("a") + "\n# said\n")
        numbers.append(world.applier.served.number)

    async def again(world: World) -> None:
        await world.applier.start()
        numbers.append(world.applier.served.number)

    play(tmp_path, body, kept=kept)
    play(tmp_path, again, kept=kept)
    play(tmp_path, again, kept=kept)
    assert numbers == [1, 1, 2, 2]
