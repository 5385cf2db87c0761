"""Pairs of routes that one request may match, found without comparing each with each.

Exact values are looked up. Others are swept: sorted by how they begin, each is compared only with
those that may begin so too. Who was told of is in no further pair, so that a route in the way of
thousands costs no more than thousands of pairs.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from controlplane.model.gateway import Route
from controlplane.plan.conditions import Conditions, Name, conditions, meet, methods
from language.matches import How
from language.places import Place
from language.relations import span

Pair: TypeAlias = tuple[Route, Route]
"""Two routes in file order: the later is the one that is told of."""


def ties(routes: Iterable[Route]) -> Iterator[Pair]:
    """Pairs of routes of one rank and priority that one request may match; each is told of once."""
    found = _Ties()
    groups: dict[frozenset[Name], list[_Asked]] = defaultdict(list)
    for route in sorted(routes, key=lambda r: r.place):
        wants = conditions(route)
        groups[frozenset(wants)].append(_Asked(route, wants))
    every = list(groups.items())
    for number, (others, right) in enumerate(every):
        yield from found.between(right, right, sorted(others))
        for some, left in (every[before] for before in range(number)):
            if all(one.route.place in found.told for one in right):
                break
            yield from found.between(left, right, sorted(some & others))


class _Asked(NamedTuple):
    """A route with its conditions."""

    route: Route
    wants: Conditions


class _Ties:
    """The pairs of groups of routes, those of a group with conditions of the same names."""

    def __init__(self) -> None:
        self.told: set[Place] = set()

    def between(
        self, left: list[_Asked], right: list[_Asked], shared: list[Name]
    ) -> Iterator[Pair]:
        """Pairs of one of the left and one of the right, which share some names."""
        exact = (one.wants[name].how is How.EXACT for one in (*left, *right) for name in shared)
        pairs = self._alike if all(exact) else self._swept
        for one, other in pairs(left, right, shared):
            first, later = sorted((one, other), key=lambda r: r.place)
            if later.place not in self.told:
                self.told.add(later.place)
                yield first, later

    def _alike(self, left: list[_Asked], right: list[_Asked], shared: list[Name]) -> Iterator[Pair]:
        """Those of the same exact values and method, each with the first of them."""
        first: dict[tuple[object, ...], Route] = {}
        for one in left:
            values = tuple(one.wants[name] for name in shared)
            for method in methods(one.route):
                first.setdefault((values, method), one.route)
        for one in right:
            values = tuple(one.wants[name] for name in shared)
            for method in methods(one.route):
                before = first.get((values, method), one.route)
                if before is not one.route:
                    yield before, one.route

    def _swept(self, left: list[_Asked], right: list[_Asked], shared: list[Name]) -> Iterator[Pair]:
        """Those whose conditions one request may meet, by the name that leaves the fewest pairs."""
        sides = [(1, one) for one in left] + [(2, one) for one in right]
        if left is right:
            sides = [(3, one) for one in left]
        every = [one for _, one in sides]
        name = min(shared, key=lambda n: _overlaps(every, n))
        spans = sorted(
            ((*span(one.wants[name]), side, one) for side, one in sides),
            key=lambda s: (s[0], s[3].route.place),
        )
        open_now: list[tuple[bytes, int, _Asked]] = []
        for low, high, side, one in spans:
            if one.route.place in self.told:
                continue
            open_now = [
                (end, across, other)
                for end, across, other in open_now
                if end >= low and other.route.place not in self.told
            ]
            for _, across, other in open_now:
                if side | across == 3 and _alike(one, other):
                    yield other.route, one.route
                    if one.route.place in self.told:
                        break
            open_now.append((high, side, one))


def _alike(one: _Asked, other: _Asked) -> bool:
    apart = set(methods(one.route)).isdisjoint(methods(other.route))
    return not apart and meet(one.wants, other.wants)


def _overlaps(every: list[_Asked], name: Name) -> int:
    """How many pairs a sweep over the values of a name compares."""
    spans = [span(one.wants[name]) for one in every]
    lows = sorted(low for low, _ in spans)
    return sum(bisect_right(lows, high) - bisect_left(lows, low) for low, high in spans)
