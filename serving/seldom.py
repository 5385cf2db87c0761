"""What goes wrong for each request is told once, and then how often: a log is no counter."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

EVERY = 10.0
"""Seconds between two lines about the same thing."""

MOST = 1_000
"""Things that are remembered; the one that was told longest ago is forgotten."""


class Seldom:
    """Says whether a thing is due to be told, and how often it has happened since the last time."""

    def __init__(self, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._told: OrderedDict[Hashable, float] = OrderedDict()
        self._unsaid: dict[Hashable, int] = {}

    def due(self, thing: Hashable) -> int:
        """0 where it need not be told; else how often it happened, this time included."""
        now = self._clock()
        if now - self._told.get(thing, now - self._every) < self._every:
            self._unsaid[thing] = self._unsaid.get(thing, 0) + 1
            return 0
        self._told[thing] = now
        self._told.move_to_end(thing)
        while len(self._told) > MOST:
            gone, _ = self._told.popitem(last=False)
            self._unsaid.pop(gone, None)
        return self._unsaid.pop(thing, 0) + 1
