"""Backends are switched by saves under load, on both variants, by what the bench measures with."""

from pathlib import Path

import pytest

from bench.fleet import NAMES
from bench.xds_switches import switched

pytestmark = pytest.mark.xdist_group("switches")


@pytest.mark.parametrize("sotw", [True, False], ids=["sotw", "delta"])
def test_a_backend_is_switched_under_load_and_no_request_is_lost(
    tmp_path: Path, *, sotw: bool
) -> None:
    done = switched(tmp_path, sotw=sotw, switches=4, requests=2_000)
    assert (done.book.failures, done.book.failed) == (0, {})
    assert set(done.book.bodies) == set(NAMES)
    assert done.book.asked >= 2_000
    assert done.after == done.before
