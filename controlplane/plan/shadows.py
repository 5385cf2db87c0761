"""Routes that never match: others, tried before them, take each of their requests.

Of paths that are patterns none hides another (a nearer one matches less); an expression may lie
below a pattern's `/**`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from controlplane.model.gateway import Route
from controlplane.plan.conditions import Conditions, Name, conditions, cover, methods
from language.matches import How, TextMatch
from language.places import Place
from language.regexes import Bounds
from language.relations import span

Shadowed: TypeAlias = tuple[Route, tuple[Place, ...]]
"""A route that never matches, and where those stand that take its requests."""

_LOOKED_AT = 64
"""How many routes of higher priority with other values a route is compared with."""


def outranked(routes: Iterable[Route]) -> Iterator[Shadowed]:
    """Routes of one rank whose requests others of higher priority take, with those others."""
    groups: dict[frozenset[Name], list[tuple[Route, Conditions]]] = defaultdict(list)
    for route in sorted(routes, key=lambda r: (-r.match.priority, r.place)):
        wants = conditions(route)
        groups[frozenset(wants)].append((route, wants))
    for group in groups.values():
        if len({route.match.priority for route, _ in group}) > 1:
            yield from _outranked(group)


def _outranked(
    group: list[tuple[Route, Conditions]],
) -> Iterator[Shadowed]:
    same: dict[tuple[object, ...], Route] = {}
    loose: dict[str, list[tuple[Route, Conditions]]] = defaultdict(list)
    for route, wants in group:
        above: list[Place] = []
        values = tuple(sorted(wants.items()))
        for method in methods(route):
            first = same.get((values, method))
            wider = (r for r, wide in loose[method][:_LOOKED_AT] if cover(wide, wants))
            found = first or next(wider, None)
            if found is not None and found.match.priority > route.match.priority:
                above.append(found.place)
        if len(above) == len(methods(route)):
            yield route, tuple(dict.fromkeys(above))
        for method in methods(route):
            same.setdefault((values, method), route)
            if any(wanted.how is not How.EXACT for wanted in wants.values()):
                loose[method].append((route, wants))


def hidden(routes: Iterable[Route]) -> Iterator[Shadowed]:
    """Expressions all of whose requests one other path takes, by its routes or by its 405."""
    texts: dict[tuple[str, bool], list[Route]] = defaultdict(list)
    expressions: list[Route] = []
    for route in routes:
        if route.path.is_regex:
            expressions.append(route)
        elif route.path.text_alone:
            texts[route.path.literal, route.path.exact].append(route)
    if not texts:
        return
    for route in expressions:
        for path in _around(span(TextMatch(How.REGEX, route.path.regex))):
            if path in texts and _all_taken(texts[path], route):
                yield route, tuple(one.place for one in texts[path])
                break


def _around(found: Bounds) -> Iterator[tuple[str, bool]]:
    """The paths that match all between two texts: each a literal, and whether it ends there."""
    low, high = found
    if low == high:
        yield low.decode("utf-8", "ignore"), True
        yield low.decode("utf-8", "ignore"), False
    pairs = enumerate(zip(low, high, strict=False))
    apart = next((at for at, (a, b) in pairs if a != b), min(len(low), len(high)))
    parts = low[:apart].decode("utf-8", "ignore").split("/")
    yield from (("/".join(parts[:n]), False) for n in range(len(parts) - 1, 1, -1))
    yield "", False


def _all_taken(rest: list[Route], route: Route) -> bool:
    """Whether no method of a route is left over by the routes of one path, or by its 405."""
    always = [r for r in rest if not conditions(r)]
    taken = {method for r in always for method in methods(r)}
    if "*" in taken:
        return True
    wanted = set(methods(route))
    if any(not r.match.methods for r in rest):
        return "*" not in wanted and wanted <= taken
    left = {method for r in rest for method in methods(r)} - taken
    return not left if "*" in wanted else wanted.isdisjoint(left)
