"""Redirects that lead a client round and round.

Followed are redirects that change the path alone and to one path: where the request goes then is
known from the plan, as long as the route that takes it asks for nothing but path and method.
"""

from collections.abc import Iterator, Mapping

from controlplane.model.gateway import Route
from controlplane.plan.plan import PlannedRoute, VirtualHost
from language.decode import mistake_at, spot
from language.mistakes import Mistake
from language.places import Place
from language.regexes import matches
from language.segments import Kind, Segment
from policies.redirect.spec import Redirect

_METHOD = "GET"
"""What a client asks with after a redirect, whatever it was before (but for 307 and 308)."""


def redirect_loops(host: VirtualHost) -> Iterator[Mistake]:
    """One mistake for each loop, at its first redirect in file order."""
    routes = [e.route for e in host.entries if isinstance(e, PlannedRoute) and not e.held]
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
            yield _mistake({r.place: r for r in routes}, way[way.index(at) :], targets)


class _Node:
    """The routes whose paths end here, those whose rest begins here, and what is below."""

    __slots__ = ("below", "ends", "rests")

    def __init__(self) -> None:
        self.below: dict[Segment, _Node] = {}
        self.ends: list[int] = []
        self.rests: list[int] = []


class _Table:
    """The routes of a host in their order, looked up by a path."""

    def __init__(self, routes: list[Route]) -> None:
        self._routes = routes
        self._root = _Node()
        self._known: dict[str, Route | None] = {}
        self._expressions: list[int] = []
        for position, route in enumerate(routes):
            if route.path.is_regex:
                self._expressions.append(position)
                continue
            node = self._root
            for segment in route.path.shape:
                if segment.kind is Kind.REST:
                    node.rests.append(position)
                    break
                node = node.below.setdefault(segment, _Node())
            else:
                node.ends.append(position)

    def first(self, path: str) -> Route | None:
        """The route that takes a GET of a path, or None where it is not known."""
        if path not in self._known:
            self._known[path] = self._first(path)
        return self._known[path]

    def _first(self, path: str) -> Route | None:
        for position in sorted(self._matching(path)):
            match = self._routes[position].match
            if match.methods and _METHOD not in match.methods:
                continue
            unknown = match.headers or match.query or position in self._expressions
            return None if unknown else self._routes[position]
        return None

    def _matching(self, path: str) -> Iterator[int]:
        level = [self._root]
        for part in path[1:].split("/"):
            yield from (position for node in level for position in node.rests)
            steps = [Segment(Kind.LITERAL, part), *([Segment(Kind.VARIABLE, "")] if part else [])]
            level = [node.below[s] for node in level for s in steps if s in node.below]
        yield from (position for node in level for position in (*node.ends, *node.rests))
        expressions = ((p, self._routes[p].path.regex) for p in self._expressions)
        yield from (p for p, regex in expressions if "%" in path or matches(regex, path))


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
