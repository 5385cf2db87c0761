"""Routes that stand in each other's way: equal rank for one request, or never reached.

Routes of one path and rank are put into buckets by their conditions, so that a path with thousands
of routes is looked at once, and each route is named in one mistake at most.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TypeAlias

from controlplane.model.gateway import Route
from controlplane.plan.precedence import headers, query, rank
from language.matches import TextMatch
from language.mistakes import Mistake
from language.places import Place

Condition: TypeAlias = tuple[tuple[str, str, TextMatch], ...]
"""Sorted (kind, name, value) of header and parameter matches."""

_ANY = "*"


def conflicts(routes: Iterable[Route]) -> Iterator[Mistake]:
    """The mistakes that routes of one virtual host make together."""
    ranks: dict[tuple[object, ...], list[Route]] = defaultdict(list)
    for route in routes:
        ranks[rank(route)].append(route)
    for same in ranks.values():
        if len(same) > 1:
            yield from _among(sorted(same, key=lambda r: r.place))
        elif same[0].match.priority:
            yield Mistake(
                place=same[0].place,
                message="'priority' decides nothing here: no other route has this rank",
                hint="remove it",
                severity="warning",
            )


def _among(routes: list[Route]) -> Iterator[Mistake]:
    buckets: dict[Condition, list[Route]] = defaultdict(list)
    for route in routes:
        buckets[_condition(route)].append(route)
    named: set[Place] = set()
    for bucket in buckets.values():
        yield from _equal(bucket, named)
        yield from _never(bucket)
    names: dict[tuple[tuple[str, str], ...], list[Condition]] = defaultdict(list)
    for condition in buckets:
        names[tuple((kind, name) for kind, name, _ in condition)].append(condition)
    for (some, left), (others, right) in combinations(names.items(), 2):
        shared = set(some) & set(others)
        by_shared: dict[Condition, list[Condition]] = defaultdict(list)
        for condition in right:
            by_shared[_part(condition, shared)].append(condition)
        for condition in left:
            for other in by_shared.get(_part(condition, shared), ()):
                yield from _equal([*buckets[condition], *buckets[other]], named)


def _equal(bucket: list[Route], named: set[Place]) -> Iterator[Mistake]:
    """Routes whose conditions one request can meet: the method and the priority must differ."""
    taken: dict[tuple[str, int], Route] = {}
    for route in bucket:
        for method in route.match.methods or (_ANY,):
            first = taken.setdefault((method, route.match.priority), route)
            if first is route or route.place in named:
                continue
            named.add(route.place)
            yield Mistake(
                place=route.place,
                width=len(route.node.entries[0][0].text),
                message="this route and another match the same requests with equal rank",
                hint="give one a higher priority, or another path, method, header or parameter",
                also=(first.place,),
            )


def _never(bucket: list[Route]) -> Iterator[Mistake]:
    """Routes of which each method is taken by a higher priority under the same conditions."""
    best: dict[str, Route] = {}
    for route in sorted(bucket, key=lambda r: -r.match.priority):
        methods = route.match.methods or (_ANY,)
        above = [best[m] for m in methods if m in best]
        if len(above) == len(methods) and all(
            r.match.priority > route.match.priority for r in above
        ):
            yield Mistake(
                place=route.place,
                width=len(route.node.entries[0][0].text),
                message="this route never matches: another of higher priority takes its requests",
                hint="remove it, or raise its priority",
                also=tuple(dict.fromkeys(r.place for r in above)),
                severity="warning",
            )
        for method in methods:
            best.setdefault(method, route)


def _condition(route: Route) -> Condition:
    pairs = [("header", n, v) for n, v in headers(route)]
    return tuple(sorted([*pairs, *(("query", n, v) for n, v in query(route))]))


def _part(condition: Condition, names: set[tuple[str, str]]) -> Condition:
    return tuple(one for one in condition if (one[0], one[1]) in names)
