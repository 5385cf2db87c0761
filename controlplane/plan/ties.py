"""Pairs of routes that one request may match, found without comparing each with each.

Routes are parted by each condition that all of them have: values lie between two texts, and whose
texts lie apart never meet. What is left together is swept, sorted by where its texts begin. Who was
told of is in no further pair, so that a route in the way of thousands costs thousands of pairs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple, TypeAlias

from controlplane.model.gateway import Route
from controlplane.plan.conditions import Conditions, Name, conditions, meet, methods
from language.places import Place
from language.regexes import Bounds
from language.relations import EVERY, span

Pair: TypeAlias = tuple[Route, Route]
"""Two routes in file order: the later is the one that is told of."""

_KINDS = 16
"""Of so many sets of conditions each is swept with each other by the best they share."""


class _Asked(NamedTuple):
    """A route with its conditions."""

    route: Route
    wants: Conditions


def ties(routes: Iterable[Route]) -> Iterator[Pair]:
    """Pairs of routes of one rank and priority that one request may match; each is told of once."""
    told: set[Place] = set()
    in_order = sorted(routes, key=lambda r: r.place)
    for group in _clusters([_Asked(route, conditions(route)) for route in in_order]):
        for one, other in _within(group, told):
            first, later = sorted((one, other), key=lambda r: r.place)
            told.add(later.place)
            yield first, later


def _clusters(every: list[_Asked]) -> Iterator[list[_Asked]]:
    """Parts of which no route can meet one of another part."""
    left = [every]
    while left:
        group = left.pop()
        if len(group) < 2:
            continue
        for name in sorted(set(group[0].wants).intersection(*(one.wants for one in group))):
            parts = _apart(group, name)
            if len(parts) > 1:
                left.extend(parts)
                break
        else:
            yield group


def _apart(group: list[_Asked], name: Name) -> list[list[_Asked]]:
    """Parts whose values of one name lie between different texts."""
    parts: list[list[_Asked]] = []
    end = b""
    for (low, high), one in sorted(_spans(group, name), key=_by_low):
        if not parts or low > end:
            parts.append([])
            end = high
        parts[-1].append(one)
        end = max(end, high)
    return parts


def _within(group: list[_Asked], told: set[Place]) -> Iterator[Pair]:
    """The pairs of a part that nothing parts any more."""
    kinds: dict[frozenset[Name], list[_Asked]] = defaultdict(list)
    for one in sorted(group, key=lambda asked: asked.route.place):
        kinds[frozenset(one.wants)].append(one)
    if len(kinds) > _KINDS:
        yield from _swept(group, (), told)
        return
    for same in kinds.values():
        yield from _swept(same, (), told)
    for left, right in combinations(kinds.values(), 2):
        yield from _swept(left, right, told)


def _swept(left: Iterable[_Asked], right: Iterable[_Asked], told: set[Place]) -> Iterator[Pair]:
    """Pairs that meet: one of the left and one of the right, or two of the left where that is all.

    They are sorted by the values of one name; a route without it may have each of them.
    """
    every = [*left, *right]
    across = {one.route.place for one in right}
    name = _telling(every)
    near: list[tuple[bytes, _Asked]] = []
    for (low, high), one in sorted(_spans(every, name), key=_by_low):
        place = one.route.place
        near = [(end, o) for end, o in near if end >= low and o.route.place not in told]
        for _, other in near:
            if place in told:
                break
            apart = across and (place in across) == (other.route.place in across)
            if not apart and other.route.place not in told and _meet(one, other):
                yield other.route, one.route
        if place not in told:
            near.append((high, one))


def _telling(every: list[_Asked]) -> Name:
    """The name that most routes have, and of these the one with the most different values."""
    count = Counter(name for one in every for name in one.wants)
    values: dict[Name, set[object]] = defaultdict(set)
    for one in every:
        for name, wanted in one.wants.items():
            values[name].add(span(wanted))
    return max(count, key=lambda n: (count[n], len(values[n]), n), default=("", ""))


def _spans(group: list[_Asked], name: Name) -> list[tuple[Bounds, _Asked]]:
    return [(span(one.wants[name]) if name in one.wants else EVERY, one) for one in group]


def _by_low(spanned: tuple[Bounds, _Asked]) -> tuple[bytes, Place]:
    return spanned[0].low, spanned[1].route.place


def _meet(one: _Asked, other: _Asked) -> bool:
    apart = set(methods(one.route)).isdisjoint(methods(other.route))
    return not apart and meet(one.wants, other.wants)
