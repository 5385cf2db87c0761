"""What the tests of ratelimit share: one Redis for all, and one for each that kills it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ratelimit.redis_server import RedisServer

HERE = Path(__file__).parent
NEEDS = {"redis", "own_redis"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that use Redis on one worker, so that one is started for them."""
    for item in items:
        if HERE in item.path.parents and NEEDS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("redis"))


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that nobody kills; each test uses its own keys."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.end()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for one test, started."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.end()
