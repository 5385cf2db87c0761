"""Redirects that lead a client round and round.

Followed are redirects that change the path alone and to one path: where the request goes then is
known from the plan, as long as the route that takes it asks for nothing but path and method.
"""

import re
from collections.abc import Iterator, Mapping

from controlplane.model.gateway import Route
from controlplane.plan.plan import PlannedRoute, VirtualHost
from language.decode import mistake_at, spot
from language.mistakes import Mistake
from language.paths import PathPattern
from language.places import Place
from policies.redirect.spec import Redirect

_METHOD = "GET"
"""What a client asks with after a redirect, whatever it was before (but for 307 and 308)."""


def redirect_loops(host: VirtualHost) -> Iterator[Mistake]:
    """One mistake for each loop, at its first redirect in file order."""
    routes = [e.route for e in host.entries if isinstance(e, PlannedRoute)]
    targets = {route.place: path for route in routes if (path := _target(route)) is not None}
    if not targets:
        return
    table = _Table(routes)
    following = {place: table.first(path) for place, path in targets.items()}
    done: set[Place] = set()
    for start in sorted(targets):
        way: list[Place] = []
        at: Place | None = start
        while at is not None and at in targets and at not in done:
            done.add(at)
            way.append(at)
            following_route = following[at]
            at = following_route.place if following_route is not None else None
        if at is not None and at in way:
            yield _mistake(table.by_place, way[way.index(at) :], targets)


class _Table:
    """The routes of a host in their order, looked up by an exact path."""

    def __init__(self, routes: list[Route]) -> None:
        self.by_place = {route.place: route for route in routes}
        self._exact: dict[str, list[Route]] = {}
        self._others: dict[PathPattern, list[Route]] = {}
        for route in routes:
            if route.path.exact:
                self._exact.setdefault(route.path.literal, []).append(route)
            else:
                self._others.setdefault(route.path, []).append(route)

    def first(self, path: str) -> Route | None:
        """The route that takes a GET of a path, or None where none does or headers decide."""
        groups = [self._exact.get(path, [])]
        groups += [g for p, g in self._others.items() if re.fullmatch(p.regex, path)]
        for route in (r for group in groups for r in group):
            if route.match.methods and _METHOD not in route.match.methods:
                continue
            return None if route.match.headers or route.match.query else route
        return None


def _target(route: Route) -> str | None:
    for setting in route.settings:
        if isinstance(setting.value, Redirect):
            to = setting.value
            if to.path is not None and not to.path.variables:
                return None if to.scheme or to.host or to.port else to.path.text
    return None


def _mistake(
    by_place: Mapping[Place, Route], loop: list[Place], targets: Mapping[Place, str]
) -> Mistake:
    first, *others = sorted(loop)
    route = by_place[first]
    found = spot(route.node, None, ("redirect", "path"))
    where = found.key or found.node
    told = mistake_at(route.file, where, "")
    way = " → ".join(targets[place] for place in loop)
    message = f"this redirects for ever: {way} → {targets[loop[0]]}"
    if not others:
        message = f"{targets[first]} is taken by this route again: it redirects for ever"
    return Mistake(
        place=told.place,
        message=message,
        hint="redirect to a path that another route answers",
        width=told.width,
        also=tuple(others),
    )
