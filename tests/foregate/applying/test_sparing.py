"""The brake holds the files that take much away, and no others."""

from pathlib import Path

from foregate.applying.change import Asked
from tests.foregate.applying.world import MAIN, Kept, World, many, play, team

MANY = tuple(f"b{n:02}" for n in range(20))


def test_who_takes_much_away_is_held_and_the_others_go_on(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(MAIN, big=many(*MANY), one=team("one"))
        world.told.says()
        await world.save(big=many(*MANY[:8]), one=team("one"), two=team("two"))
        assert world.served() == {*MANY, "one", "two"}
        assert world.states == {
            "big.yaml": "last good",
            "gateway.yaml": "current",
            "one.yaml": "current",
            "two.yaml": "current",
        }
        said = world.told.says()
        assert said
        assert all(line.startswith("this version is held: it removes 12 of") for line in said)
        (world.folder / "big.yaml").unlink()
        await world.save(three=team("three"))
        assert world.served() == {*MANY, "one", "two", "three"}
        assert world.states["big.yaml"] == "last good"
        result = await world.applier.push(Asked(by="ada", allow_removal=True))
        assert world.served() == {"one", "two", "three"}
        assert len(result.lifted) > 0

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_where_all_that_changed_take_much_away_all_is_held(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(MAIN, big=many(*MANY))
        await world.save(big=many(*MANY[:8]))
        assert world.served() == set(MANY)
        result = await world.applier.push(Asked())
        assert result.state == "held"

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_many_that_take_a_little_are_held_together(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        halves = {"left": many(*MANY[:10]), "right": many(*MANY[10:])}
        await world.save(MAIN, **halves)
        await world.save(left=many(*MANY[:4]), right=many(*MANY[10:14]), two=team("two"))
        assert world.served() == set(MANY)

    play(tmp_path, body, kept=Kept(tmp_path / "state"))
