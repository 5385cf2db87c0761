"""What is cut off or cannot be written down: no task is left, and no save is taken for done."""

import asyncio
from pathlib import Path

import pytest

from controlplane.build import Build
from controlplane.gate.verdicts import Passed, Verdict
from controlplane.history.history import History
from controlplane.history.version import Note, Version
from controlplane.store.store import StoreError
from foregate.applying.change import NOBODY
from tests.foregate.applying.world import Judge, Kept, World, gateway, play


def test_a_push_that_is_cut_off_in_the_gate_is_not_taken_for_done(tmp_path: Path) -> None:
    async def never() -> Verdict:
        reached.set()
        await asyncio.Event().wait()
        return Passed()

    judge = Judge()
    reached = asyncio.Event()

    async def body(world: World) -> None:
        await world.save(gateway("one"))
        judge.says = lambda _: never()
        tasks = asyncio.all_tasks()
        world.put(gateway=gateway("one", "two"))
        pushing = asyncio.create_task(world.applier.push(NOBODY))
        await reached.wait()
        pushing.cancel()
        await asyncio.wait([pushing])
        assert asyncio.all_tasks() == tasks
        await world.applier.look()
        assert world.applier.served.number == 1
        judge.says = lambda _: Passed()
        await world.applier.refresh()  # nothing was saved since
        assert world.served() == {"one", "two"}
        assert world.applier.served.number == 2

    play(tmp_path, body, kept=Kept(tmp_path / "state"), gate=judge)


def test_a_push_that_is_cut_off_while_nodes_are_waited_for_is_made_good(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")) as envoy:
            await world.arrived(1)
            envoy.go.clear()
            count = len(envoy.pushes)
            world.put(gateway=gateway("one", "two"))
            pushing = asyncio.create_task(world.applier.push(NOBODY))
            await envoy.until(lambda: len(envoy.pushes) > count)
            pushing.cancel()
            await asyncio.wait([pushing])
            await world.applier.look()
            assert world.applier.served.number == 1
            assert not any("refused" in one for one in world.told.warned)
            envoy.go.set()
            await world.applier.refresh()
            await world.arrived(2)
            assert (world.applier.served.number, world.served()) == (2, {"one", "two"})

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_history_that_cannot_be_written_stops_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> Version:
        raise StoreError(Path("objects"), "no space left on device")

    async def body(world: World) -> None:
        await world.save(gateway("one"))
        with monkeypatch.context() as patched:
            patched.setattr(History, "record", full)
            patched.setattr(History, "settle", full)
            await world.save(gateway("one", "two"))
            assert (world.served(), world.applier.served.number) == ({"one", "two"}, None)
            await world.applier.look()
            assert world.served() == {"one", "two"}  # the version that is known is an older one
        await world.save(gateway("one"))
        assert world.applier.served.number == 1

    play(tmp_path, body, kept=Kept(tmp_path / "state"))
    assert capsys.readouterr().out.count("the history has a gap") == 1


def test_it_is_written_down_while_nodes_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is slow holds back what is said, not what is served."""
    record = History.record

    async def body(world: World) -> None:
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()

        def slow(history: History, build: Build, note: Note) -> Version:
            asyncio.run_coroutine_threadsafe(arrived.wait(), loop).result(20)
            return record(history, build, note)

        async with world.envoy_of(gateway("one")) as envoy:
            await world.arrived(1)
            monkeypatch.setattr(History, "record", slow)
            count = len(envoy.pushes)
            saving = asyncio.create_task(world.save(gateway("one", "two")))
            await envoy.until(lambda: len(envoy.pushes) > count)
            assert world.applier.served.number == 1
            arrived.set()
            await saving
            assert world.applier.served.number == 2

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_sources_whose_reading_fails_are_read_again(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        choose = world.applier.choose
        world.put(gateway=gateway("one"))

        def breaks(*_: object) -> None:
            raise RuntimeError

        world.applier.choose = breaks  # type: ignore[assignment] # it gives nothing
        with pytest.raises(RuntimeError):
            await world.applier.refresh()
        world.applier.choose = choose
        await world.applier.refresh()
        assert world.served() == {"one"}

    play(tmp_path, body)
