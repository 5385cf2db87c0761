"""When Python looks through all that there is for garbage: when nothing is going on.

That takes 100 ms for a gateway of 1,000 routes and what Foregate itself is made of, all of which is
there to stay. Left alone, it takes them in the middle of one save in 20.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collector: a tree of a large file is all live, and costs as much as reading it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def collected() -> None:
    """Collect all garbage; what is left is looked at by no collector until this is called again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class Quiet:
    """Says when to collect: once after each change, when another look finds nothing newer."""

    def __init__(self, live: object) -> None:
        """Begin when garbage was collected; `live` is what was live then."""
        self._collected = live
        self._seen = live

    def due(self, live: object) -> bool:
        """Say whether to collect now."""
        quiet = live is self._seen
        self._seen = live
        due = quiet and live is not self._collected
        self._collected = live if due else self._collected
        return due
