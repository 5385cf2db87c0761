"""What every test shares: which inputs the property tests draw, and on which worker it runs.

A run draws the same ones each time, so that it says something about the change and not about
luck; `FOREGATE_RANDOM=1 make test` draws others.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("random" if os.environ.get("FOREGATE_RANDOM") else "same")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have xdist keep the tests of a group on one worker: it reads the group after an @.

    pytest-xdist 3.8 writes it where pytest 9.2 reads no more, and distributes all tests without a
    word (pytest-xdist issue 1386). Once it is mended there, this does nothing.
    """
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and "@" not in item.nodeid.rpartition("]")[2]:
            item._id = item.id.parse(f"{item.nodeid}@{group.args[0]}")  # noqa: SLF001 # as xdist does
