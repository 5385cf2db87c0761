"""What nodes hold is written down though the store fails now and then."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controlplane.rollout import recorder
from controlplane.rollout.recorder import Recorder
from controlplane.snapshot import CLUSTER
from controlplane.store.store import Layers, Store, StoreError
from controlplane.xds.holding import Held
from tests.controlplane.store.numbered import layers

ROUNDS: tuple[Mapping[str, Held], ...] = (
    {"one": layers(1), "two": layers(1)},
    {"three": layers(2)},
)


class Failing(Store):
    """A store that fails at the first writing. `done` is set once `three` is written."""

    def __init__(self, folder: Path, error: Exception) -> None:
        super().__init__(folder)
        self._errors = [error]
        self._loop = asyncio.get_running_loop()
        self.done = asyncio.Event()

    def hold(self, node: str, held: Layers) -> None:
        if self._errors:
            raise self._errors.pop()
        super().hold(node, held)
        if node == "three":
            self._loop.call_soon_threadsafe(self.done.set)


@pytest.mark.parametrize("error", [StoreError(Path("xds"), "no space left"), ValueError("ours")])
def test_what_a_round_could_not_write_the_next_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(recorder, "SECONDS", 0.001)

    async def body(store: Failing) -> None:
        rounds = list(reversed(ROUNDS))
        mine = Recorder(store)
        with capture_logs() as logs:
            async with mine.following(lambda: rounds.pop() if rounds else {}, lambda: None):
                await store.done.wait()  # the writing goes on
                for node, version in (("one", "a1"), ("two", "a1"), ("three", "a2")):
                    (held,) = mine.holding(node)[CLUSTER]
                    assert held.version == version
        assert len([one for one in logs if one["log_level"] in {"warning", "error"}]) == 1

    run(tmp_path, error, body)


def run(folder: Path, error: Exception, body: Callable[[Failing], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20):
            await body(Failing(folder, error))

    asyncio.run(whole())


def test_without_a_store_nothing_is_asked_for() -> None:
    async def body() -> None:
        mine = Recorder()
        assert not mine.records

        def never() -> Mapping[str, Held]:
            raise AssertionError

        async with mine.following(never, lambda: None):
            assert mine.holding("one") == {}

    asyncio.run(body())
