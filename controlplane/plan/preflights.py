"""Which route's `cors` answers a CORS preflight: the one that its path and method would take.

The most specific path decides alone, as it does for requests: its routes take the method, or 405.
Headers, parameters and auth are not looked at, so of the routes that take the method it is the
first in order; one without `cors` leaves the preflight what every OPTIONS is, a request.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.plan.rules import rule_id
from policies.cors.spec import KEY

_PREFLIGHT = "OPTIONS"


def preflights(same_path: list[PlannedRoute]) -> tuple[Preflight, ...]:
    """What answers the preflights of a path whose routes are these, in order."""
    found: list[Preflight] = []
    taken: set[str] = set()
    others: set[str] = set()
    for one in same_path:
        methods = one.route.match.methods
        new = tuple(m for m in methods if m not in taken)
        if has_cors(one):
            if new or not methods:
                found.append(_answered(one, new, () if methods else tuple(sorted(others))))
        else:
            others.update(new)
        taken.update(methods)
        if not methods:
            break
    return tuple(found)


def has_cors(one: PlannedRoute) -> bool:
    """Whether a route says which pages may ask."""
    return any(s.key == KEY and s.value is not None for s in one.settings)


def unanswered(
    same_path: list[PlannedRoute], answered: tuple[Preflight, ...]
) -> Iterator[PlannedRoute]:
    """The routes; those marked whose `cors` would answer what is left for OPTIONS requests."""
    all_answered = any(not one.methods and not one.others for one in answered)
    for one in same_path:
        reached = not all_answered and _takes_options(one) and has_cors(one)
        yield one if one.unanswered == reached else replace(one, unanswered=reached)


def contained(groups: list[list[Entry]], hosts: str) -> Iterator[list[Entry]]:
    """The groups, with a refusal where a less specific path would answer what is left over."""
    behind = len(groups)
    last = next((n for n in range(behind - 1, -1, -1) if _answers_many(groups[n])), -1)
    for number, group in enumerate(groups):
        yield [*group, _refused(group, hosts)] if number < last and _leaks(group) else group


def _answers_many(group: list[Entry]) -> bool:
    """Whether a path's preflights are answered, and another path can lead there."""
    first = group[0]
    return isinstance(first, Preflight) and not first.path.exact


def _leaks(group: list[Entry]) -> bool:
    """Whether a preflight may pass by all that is there."""
    for one in group:
        match one:
            case Preflight():
                if not one.methods and not one.others:
                    return False
            case MethodNotAllowed():
                if _PREFLIGHT not in one.allow:
                    return False
            case PlannedRoute():
                match = one.route.match
                if _takes_options(one) and not match.headers and not match.query:
                    return False
    return True


def _takes_options(one: PlannedRoute) -> bool:
    methods = one.route.match.methods
    return not methods or _PREFLIGHT in methods


def _answered(one: PlannedRoute, methods: tuple[str, ...], others: tuple[str, ...]) -> Preflight:
    said = (s.place for s in one.settings if s.key == KEY)
    return Preflight(
        rule=rule_id("p", one.rule),
        path=one.route.path,
        methods=methods,
        others=others,
        route=one,
        places=(one.route.place, *said),
    )


def _refused(group: Iterable[Entry], hosts: str) -> Preflight:
    routes = [one.route for one in group if isinstance(one, PlannedRoute)]
    path = routes[0].path
    return Preflight(
        rule=rule_id("p", repr((hosts, path.shape))),
        path=path,
        methods=(),
        others=(),
        route=None,
        places=tuple(route.place for route in routes),
    )
