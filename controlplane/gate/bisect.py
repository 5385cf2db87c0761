"""The search for the smallest part of a refused set that is refused by itself.

Envoy's words name nothing, so parts are tried. Each try costs a process: the search is a generator
that asks its questions and is sent the answers, and knows neither Envoy nor what the units are.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found, as positions of units.

    `certain` belong to the cause. `among` is empty when they are the whole of it; otherwise the
    answers ran out: whatever else is needed is among these (something is, if nothing is certain).
    """

    certain: tuple[int, ...]
    among: tuple[int, ...]
    runs: int


Search: TypeAlias = Generator[tuple[int, ...], bool | None, Found]
"""Yields a subset to try, is sent whether it is refused (None: no answer), returns the cause."""

RUNS = 20


def search(count: int, runs: int = RUNS) -> Search:
    """Search among `count` units, all of which together are refused.

    Exact for a cause of one unit up to 2^18 units. A cause of two holds twice the information
    (10,000 units: 26 bits), so above 256 units its other half is only narrowed down.
    The shortest refused prefix ends with a unit that is needed; it is kept, and the prefix before
    it is searched for the next one, until what is kept is refused alone.
    """
    certain: tuple[int, ...] = ()
    end = count
    run = 0
    while end > 0:
        # All of `certain` with the units below `end` is refused, with those below `passed` not.
        # The first question of each round is `certain` alone, which may be all that is needed.
        passed, middle = -1, 0
        while end - passed > 1:
            refused = (yield (*range(middle), *certain)) if run < runs else None
            if refused is None:
                return Found(certain=certain, among=tuple(range(max(passed, 0), end)), runs=run)
            run += 1
            passed, end = (passed, middle) if refused else (middle, end)
            middle = (passed + end) // 2
        if end > 0:
            certain = (passed, *certain)
            end = passed
    return Found(certain=certain, among=(), runs=run)
