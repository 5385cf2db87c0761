"""A history that a test opens as often as it wants, with a clock that it sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.history.history import History
from controlplane.history.retention import Retention
from controlplane.store.bounds import Bounds
from controlplane.store.store import Store
from tests.controlplane.history.opened import Opened
from tests.controlplane.store.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Opened]:
    """Open the history of the test's folder, once more each time."""
    stores: list[Store] = []

    def more(retention: Retention | None = None, bounds: Bounds | None = None) -> History:
        stores.append(Store(tmp_path, clock=clock, bounds=bounds))
        return History(stores[-1], clock=clock, retention=retention)

    yield more
    for one in stores:
        one.close()
