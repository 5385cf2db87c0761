"""What a route is in a page, and what the same route is in a plain table.

The chain of filters is that of the dispatcher's route: so a page's route says that its body is not
held back, where a plain one says nothing; and upgrades are let in by the dispatcher, and kept out
by a route of the page in front of each that takes none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute

from controlplane.compile.listener import BUFFER
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.compile.pages.parts import part, refusing, untaken
from controlplane.compile.standing import NO_HOST
from controlplane.isolation.closed import begins
from controlplane.layout import TO_PAGE

_FORBIDDEN = 403
_GATEWAYS = frozenset({NOT_FOUND, NO_HOST})
"""Rules that a page has for itself, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: its table, how the paths that it is asked for begin, and whether upgrades get in.

    What begins with one of `carved` is asked of other pages.
    """

    table: RouteConfiguration
    prefix: str
    carved: tuple[str, ...]
    upgraded: bool

    def takes(self, routes: Iterable[pb.Route]) -> bool:
        """Whether requests of the page may be taken by some of these; if in doubt, they may."""
        return any(self._reached(one.match) for one in routes)

    def plain(self, routes: Sequence[pb.Route]) -> list[pb.Route]:
        """Routes of the page that follow each other, as a plain table has them."""
        behind = [*routes[1:], pb.Route()]
        return [
            bare(one)
            for one, other in zip(routes, behind, strict=True)
            if one.name not in _GATEWAYS and not (self.upgraded and _bars(one, other))
        ]

    def rest(self) -> Iterator[pb.Route]:
        """What the page answers where no route takes a request."""
        hosts = self.table.virtual_hosts[:1]
        yield from (r for host in hosts for r in host.routes if r.name == NOT_FOUND)

    def _reached(self, match: pb.RouteMatch) -> bool:
        start = begins(match)
        if any(start.startswith(one) for one in self.carved):
            return False
        exact = match.WhichOneof("path_specifier") == "path" and _by_case(match)
        return start.startswith(self.prefix) or (not exact and self.prefix.startswith(start))


Pages = Mapping[str, Page]


def pages_of(dispatcher: RouteConfiguration, tables: Mapping[str, RouteConfiguration]) -> Pages:
    """Read pages by the dispatcher's routes to them; one without is asked for anything."""
    found = {n: Page(table=t, prefix="/", carved=(), upgraded=False) for n, t in tables.items()}
    for host in dispatcher.virtual_hosts:
        to = {one.name.removeprefix(TO_PAGE): one for one in _to_pages(host)}
        prefixes = {one.match.prefix for one in to.values()}
        for name in to.keys() & tables.keys():
            mine = to[name].match.prefix
            found[name] = Page(
                table=tables[name],
                prefix=mine,
                carved=tuple(p for p in prefixes if p != mine and p.startswith(mine)),
                upgraded=bool(to[name].route.upgrade_configs),
            )
    return found


def paged(routes: Iterable[pb.Route], *, upgraded: bool) -> list[pb.Route]:
    """Routes of a plain table as a page has them."""
    copies = []
    for one in routes:
        copies.append(pb.Route())
        copies[-1].CopyFrom(one)
    body = refusing(copies) if upgraded else part(copies).body
    return list(pb.VirtualHost.FromString(body).routes)


def let_in(dispatcher: RouteConfiguration, upgrades: Mapping[str, Iterable[pb.Route]]) -> None:
    """Have the dispatcher let in what routes of a page take, by the page's name."""
    found = dispatched(dispatcher)
    for name, routes in upgrades.items():
        mine = found[name].route.upgrade_configs
        for one in (u for route in routes for u in route.route.upgrade_configs):
            if one.upgrade_type not in {u.upgrade_type for u in mine}:
                mine.add(upgrade_type=one.upgrade_type)


def dispatched(dispatcher: RouteConfiguration) -> Mapping[str, pb.Route]:
    """The dispatcher's routes by the page that they name."""
    hosts = dispatcher.virtual_hosts
    return {r.name.removeprefix(TO_PAGE): r for host in hosts for r in _to_pages(host)}


def _to_pages(host: pb.VirtualHost) -> list[pb.Route]:
    return [one for one in host.routes if one.name.startswith(TO_PAGE)]


def bare(route: pb.Route) -> pb.Route:
    """A route that does not say what only pages have to."""
    held = route.typed_per_filter_config.get(BUFFER)
    if held is None or not BufferPerRoute.FromString(held.value).disabled:
        return route
    out = pb.Route()
    out.CopyFrom(route)
    del out.typed_per_filter_config[BUFFER]
    return out


def _bars(route: pb.Route, behind: pb.Route) -> bool:
    """Whether a route keeps upgrades from the one behind it."""
    if route.direct_response.status != _FORBIDDEN or route.name != behind.name:
        return False
    return route.match == untaken(behind)


def _by_case(match: pb.RouteMatch) -> bool:
    return not match.HasField("case_sensitive") or match.case_sensitive.value
