"""Which route's `cors` answers a CORS preflight: the one that its path and method would take.

The most specific path decides alone, as it does for requests: its routes take the method, or 405.
Headers, parameters and auth are not looked at, so of the routes that take the method it is the
first in order; one without `cors` leaves the preflight what every OPTIONS is, a request.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.plan.rules import rule_id
from language.matches import How, TextMatch
from language.paths import PathPattern
from language.relations import meets
from language.segments import Segment
from policies.cors.spec import KEY

_PREFLIGHT = "OPTIONS"


def by_path(same_rank: Iterable[PlannedRoute]) -> list[list[PlannedRoute]]:
    """The routes of one rank in groups of the same path: one, or one for each expression."""
    groups: dict[tuple[Segment, ...], list[PlannedRoute]] = {}
    for one in same_rank:
        groups.setdefault(one.route.path.shape, []).append(one)
    return list(groups.values())


def answering(same_rank: list[PlannedRoute]) -> Iterator[PlannedRoute | Preflight]:
    """The preflights of one rank of paths, and its routes as they are beside them, in order."""
    position = {one.rule: number for number, one in enumerate(same_rank)}
    answered: list[Preflight] = []
    routes: list[PlannedRoute] = []
    for same_path in by_path(same_rank):
        mine = tuple(one for one in preflights(same_path) if not _taken_before(one, same_rank))
        answered += mine
        routes += unanswered(same_path, mine)
    yield from sorted(answered, key=lambda one: position[one.route.rule] if one.route else 0)
    yield from sorted(routes, key=lambda one: position[one.rule])


def _taken_before(one: Preflight, same_rank: list[PlannedRoute]) -> bool:
    """Whether a route before that has no `cors` may take what is asked about: another expression.

    Then nobody answers in its place: the preflight is a request like others.
    """
    for other in same_rank:
        if other is one.route:
            return False
        if other.route.path.shape == one.path.shape or has_cors(other):
            continue
        methods = other.route.match.methods
        shared = not methods or not one.methods or not set(methods).isdisjoint(one.methods)
        if shared and meets(_path(other.route.path), _path(one.path)):
            return True
    return False


def _path(path: PathPattern) -> TextMatch:
    return TextMatch(How.REGEX, path.regex)


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
    for setting in one.settings:
        if setting.key == KEY:
            return setting.value is not None
    return False


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
