"""What nodes hold is written down though the store fails now and then, or takes its time."""

import asyncio
import threading
from collections.abc import Awaitable, Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controlplane.history.version import NodeFate
from controlplane.rollout import recorder
from controlplane.rollout.recorder import Earlier, Recorder
from controlplane.snapshot import CLUSTER
from controlplane.store.store import Layers, Store, StoreError
from controlplane.xds.holding import Held
from controlplane.xds.ledger import Ledger
from tests.controlplane.history.noted import note
from tests.controlplane.store.numbered import layers, numbered

RELEASED_SECONDS = 0.3
"""When a writing goes on that nobody else has met."""


class Rounds(Ledger):
    """What has changed since the last time, time after time. `over` is set once all is written.

    A round is asked for when the one before it has ended.
    """

    def __init__(self, *changes: Mapping[str, Held]) -> None:
        super().__init__(tuple)
        self.over = asyncio.Event()
        self._changes = list(changes)
        self.dirty.set()

    def take(self) -> Mapping[str, Held]:
        self.dirty.set()  # something has changed again by each time that is looked
        if self._changes:
            return self._changes.pop(0)
        self.over.set()
        return {}


class Failing(Store):
    """A store that fails at the first writing."""

    def __init__(self, folder: Path, error: Exception) -> None:
        super().__init__(folder)
        self._errors = [error]

    def hold(self, node: str, held: Layers) -> None:
        if self._errors:
            raise self._errors.pop()
        super().hold(node, held)


class Slow(Store):
    """A store whose first writing takes until it is released, or another comes beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun = asyncio.Event()
        self.beside: list[str] = []
        self.go = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._under_way = 0

    def hold(self, node: str, held: Layers) -> None:
        self._under_way += 1
        if self._under_way > 1:
            self.beside.append(node)
            self.go.set()
        self._loop.call_soon_threadsafe(self.begun.set)
        self.go.wait()
        super().hold(node, held)
        self._under_way -= 1


@pytest.mark.parametrize("error", [StoreError(Path("xds"), "no space left"), ValueError("ours")])
def test_what_a_round_could_not_write_the_next_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(recorder, "SECONDS", 0.001)

    async def body() -> None:
        rounds = Rounds({"one": layers(1), "two": layers(1)}, {"three": layers(2)})
        mine = Recorder(Failing(tmp_path, error))
        with capture_logs() as logs:
            async with mine.following(rounds, lambda: None):
                await rounds.over.wait()  # the writing goes on
                assert held(mine, "one", "two", "three") == ["a1", "a1", "a2"]
        assert len([one for one in logs if one["log_level"] in {"warning", "error"}]) == 1

    run(body())


def test_the_last_writing_waits_for_one_that_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else both take from the same records, one stops at what is gone, and the rest is lost."""
    monkeypatch.setattr(recorder, "SECONDS", 0.001)

    async def body() -> None:
        store = Slow(tmp_path)
        mine = Recorder(store)
        async with mine.following(Rounds({"one": layers(1)}, {"two": layers(2)}), lambda: None):
            await store.begun.wait()
            asyncio.get_running_loop().call_later(RELEASED_SECONDS, store.go.set)
        assert store.beside == []
        assert held(mine, "one", "two") == ["a1", "a2"]

    run(body())


def test_without_a_store_nothing_is_asked_for() -> None:
    async def body() -> None:
        mine = Recorder()
        assert not mine.records
        rounds = Rounds()
        async with mine.following(rounds, lambda: None):
            assert mine.holding("one") == {}
        assert not rounds.over.is_set()

    run(body())


def held(mine: Recorder, *nodes: str) -> list[str]:
    return [one.version for node in nodes for one in mine.holding(node)[CLUSTER]]


def run(body: Awaitable[None]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20):
            await body

    asyncio.run(whole())


def test_versions_are_noted_and_settled(tmp_path: Path) -> None:
    async def body() -> None:
        mine = Recorder(Store(tmp_path))
        assert await mine.note(numbered(1), note(1)) == 1
        assert await mine.note(numbered(2), note(2)) == 2
        await mine.settle(2, "live", {"a": NodeFate(state="live", at=1.0)})
        assert mine.history is not None
        assert [(v.number, v.fate) for v in mine.history.versions()] == [
            (2, "live"),
            (1, "published"),
        ]

    run(body())


def test_without_a_store_nothing_is_noted() -> None:
    async def body() -> None:
        mine = Recorder()
        assert mine.history is None
        assert await mine.note(numbered(1), note(1)) is None
        await mine.settle(1, "live", {})
        assert mine.earlier() == Earlier()

    run(body())


def test_a_history_that_cannot_be_written_is_told_once_and_goes_on_later(tmp_path: Path) -> None:
    async def body() -> None:
        mine = Recorder(Store(tmp_path))
        versions = tmp_path / "versions"
        versions.rename(tmp_path / "away")
        versions.write_bytes(b"")
        with capture_logs() as said:
            assert await mine.note(numbered(1), note(1)) is None
            assert await mine.note(numbered(1), note(1)) is None
            await mine.settle(1, "live", {})
        assert [one["log_level"] for one in said] == ["warning"]
        assert mine.earlier() == Earlier()
        versions.unlink()
        (tmp_path / "away").rename(versions)
        assert await mine.note(numbered(1), note(1)) == 1

    run(body())
