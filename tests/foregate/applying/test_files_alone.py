"""Several files: one that is broken stays behind, the others go live, and that is what is shown."""

from pathlib import Path

import pytest

from tests.foregate.applying.world import BROKEN, MAIN, Kept, World, gateway, many, play, team

MANY = tuple(f"b{n:02}" for n in range(20))


def test_a_file_that_breaks_stays_and_the_others_go_on(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(MAIN, one=team("one"), two=team("two"))
        assert set(world.states.values()) == {"current"}
        await world.save(one=BROKEN, two=team("two") + "# more\n", three=team("three"))
        assert world.served() == {"one", "two", "three"}
        assert world.states == {
            "gateway.yaml": "current",
            "one.yaml": "last good",
            "three.yaml": "current",
            "two.yaml": "current",
        }
        told = world.told.found
        assert {one.place.file for one in told} == {str(world.folder / "one.yaml")}
        behind = next(one for one in world.applier.served.files if one.home == "one.yaml")
        assert list(behind.mistakes) == told
        world.told.says()
        await world.applier.refresh()
        assert world.told.says() == []  # nothing was saved
        await world.save(two=team("two"))
        assert len(world.told.says()) == len(behind.mistakes)  # once a run, as it stands yet
        await world.save(one=team("one", 10))
        assert world.told.says() == []
        assert set(world.states.values()) == {"current"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_mistakes_that_are_all_that_is_new_are_told_beside_what_stays(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(MAIN, one=team("one"), two=team("two"))
        number = world.applier.served.number
        await world.save(one=BROKEN)
        assert world.told.says()
        assert (world.told.stayed, world.told.same) == (1, 0)
        assert world.states["one.yaml"] == "last good"
        assert world.applier.served.number == number
        await world.save(one=team("one"))
        assert (world.told.stayed, world.told.same) == (1, 1)
        assert set(world.states.values()) == {"current"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_file_that_never_was_good_is_not_served(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(MAIN, one=team("one"))
        await world.save(two="routes: [{path: /two, to: nobody}]\n")
        assert world.served() == {"one"}
        assert world.states["two.yaml"] == "not served"
        assert world.told.says()

    play(tmp_path, body)


@pytest.mark.parametrize("how", ["folder", "gateway", "empty"])
def test_where_nothing_of_the_files_can_be_served_none_is_said_to_be(
    tmp_path: Path, how: str
) -> None:
    async def body(world: World) -> None:
        await world.save(MAIN, one=team("one"))
        match how:
            case "folder":
                for one in world.folder.iterdir():
                    one.unlink()
                world.folder.rmdir()
            case "gateway":
                world.file.unlink()
            case _:
                world.put(gateway="version: 1\nlisten: 7\n", one="")
        await world.applier.refresh()
        assert world.served() == {"one"}
        assert "current" not in set(world.states.values())
        assert set(world.states) == {"gateway.yaml", "one.yaml"}

    play(tmp_path, body)


def test_files_of_a_version_that_is_held_are_not_said_to_be_served(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(gateway(*MANY[:10]), one=many(*MANY[10:]), two=team("two"))
        # Neither takes much away alone, and so both are held, with who comes with them.
        (world.folder / "two.yaml").unlink()
        await world.save(gateway(*MANY[:4]), one=many(*MANY[10:14]), three=team("three"))
        assert all(said.startswith("this version is held") for said in world.told.says())
        assert world.states == {
            "gateway.yaml": "last good",
            "one.yaml": "last good",
            "three.yaml": "not served",
            "two.yaml": "last good",
        }
        first = world.applier.served.files[0]
        assert all("is held" in one.message for one in first.mistakes)
        assert first.mistakes
        await world.save(gateway(*MANY[:10]), one=many(*MANY[10:]))
        assert set(world.states) == {"gateway.yaml", "one.yaml", "three.yaml"}
        assert set(world.states.values()) == {"current"}

    play(tmp_path, body)
