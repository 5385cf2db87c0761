"""Which route is tried first: Gateway API's order, never the order in a file.

Path (exact, then segment by segment literal, variable, end, rest), then method given, then number
of headers, then of parameters, then priority. What is left equal matches different requests, and
is sorted by its text so that any order of files gives the same list.
"""

from collections.abc import Iterable
from itertools import chain, groupby
from typing import TypeAlias

from controlplane.model.gateway import Route
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute
from controlplane.plan.preflights import answering, by_path, contained
from controlplane.plan.rules import rule_id
from language.matches import TextMatch
from language.segments import Segment

Pairs: TypeAlias = tuple[tuple[str, TextMatch], ...]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def ordered(routes: Iterable[PlannedRoute], hosts: str) -> tuple[Entry, ...]:
    """Routes sorted, each path's preflights before its routes, and its 405 behind them.

    Expressions are of one rank: the preflights of all stand before their routes, the 405s behind.
    """
    groups: list[list[Entry]] = []
    in_order = sorted(routes, key=lambda r: sort_key(r.route, held=r.held))
    for _, group in groupby(in_order, key=lambda r: r.route.path.rank):
        same_rank = list(group)
        paths = by_path(same_rank)
        groups.append([*answering(same_rank)])
        groups[-1] += (
            _not_allowed(same_path, hosts)
            for same_path in paths
            if all(one.route.match.methods for one in same_path)
        )
    return tuple(chain.from_iterable(contained(groups, hosts)))


def shape(route: Route) -> tuple[Segment, ...]:
    """What two routes of the same path have in common."""
    return route.path.shape


def rank(route: Route) -> tuple[object, ...]:
    """The part of the order that the number and kind of matches decide; priority comes after."""
    match = route.match
    return (route.path.rank, not match.methods, -len(match.headers), -len(match.query))


def sort_key(route: Route, *, held: bool = False) -> tuple[object, ...]:
    """The whole order. What is held comes first of its rank, whatever its priority."""
    match = route.match
    return (
        *rank(route),
        not held,
        -match.priority,
        headers(route),
        query(route),
        match.methods,
        route.path.text,
        route.place,
    )


def headers(route: Route) -> Pairs:
    """The header matches, sorted by name."""
    return tuple(sorted(route.match.headers.items())) if route.match.headers else ()


def query(route: Route) -> Pairs:
    """The parameter matches, sorted by name."""
    return tuple(sorted(route.match.query.items())) if route.match.query else ()


def rule_of(route: Route) -> str:
    """The rule id of a route: the same wherever and whenever it is compiled."""
    match = route.match
    parts = (
        route.hosts,
        route.path.text,
        match.methods,
        _named(headers(route)),
        _named(query(route)),
        match.priority,
    )
    return rule_id("r", repr(parts))


def _not_allowed(same_path: list[PlannedRoute], hosts: str) -> MethodNotAllowed:
    named = {m for one in same_path for m in one.route.match.methods}
    known = tuple(m for m in _METHODS if m in named)
    path = same_path[0].route.path
    return MethodNotAllowed(
        rule=rule_id("m", repr((hosts, path.shape))),
        path=path,
        allow=(*known, *sorted(named - set(known))),
        places=tuple(one.route.place for one in same_path),
    )


def _named(pairs: Pairs) -> tuple[tuple[str, str], ...]:
    return tuple((name, wanted.shown) for name, wanted in pairs)
