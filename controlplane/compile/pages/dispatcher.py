"""The dispatcher: every host, and for each prefix of its paths a route that names the page."""

from collections.abc import Iterable

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.compile.clusters import NOWHERE
from controlplane.compile.pages.names import DISPATCHER, NOT_FOUND, table_name
from controlplane.compile.pages.page import Page
from controlplane.compile.pages.parts import no_tunnel, not_found, unheld
from controlplane.compile.pages.selection import PAGE_FILTER, to_page
from controlplane.compile.routes import serialized, table_of
from controlplane.compile.standing import NO_HOST, no_host
from controlplane.encoding import field
from controlplane.plan.plan import VirtualHost
from controlplane.snapshot import ROUTES, Subject
from controlplane.tables import HOST, ROUTE
from language.places import Place

TABLE = table_name(DISPATCHER)

ANY_HOST = "*"


def dispatched(host: VirtualHost, pages: Iterable[Page]) -> bytes:
    """A host of the dispatcher, serialized; the pages come the longest prefix first."""
    routes = [_to(one) for one in pages]
    if _any_host(host):
        routes.insert(0, unheld(no_host()))
    routes += (not_found(), no_tunnel())
    head = pb.VirtualHost(name=host.name, domains=host.domains)
    return _host(head, routes)


def lines_of(host: VirtualHost, pages: Iterable[Page]) -> list[tuple[Subject, tuple[Place, ...]]]:
    """The lines of a host of the dispatcher and of its routes."""
    rules = [_rule(one) for one in pages]
    if _any_host(host):
        rules.append(NO_HOST)
    parts = (host.name, *(f"{host.name}/{rule}" for rule in (*rules, NOT_FOUND)))
    return [(Subject(ROUTES, TABLE, part), host.places) for part in parts]


def dispatcher(hosts: Iterable[bytes], *, complete: bool) -> bytes:
    """The table, serialized; `complete` where one of the hosts is any host."""
    every = list(hosts)
    if not complete:
        head = pb.VirtualHost(name=NOT_FOUND, domains=[ANY_HOST])
        every.append(_host(head, [not_found(), no_tunnel()]))
    return table_of(RouteConfiguration(name=TABLE), every)


def _to(page: Page) -> pb.Route:
    out = pb.Route(name=_rule(page))
    out.match.prefix = page.prefix
    out.route.cluster = NOWHERE
    for protocol in sorted(page.upgrades):
        out.route.upgrade_configs.add(upgrade_type=protocol)
    out.typed_per_filter_config[PAGE_FILTER].CopyFrom(to_page(page.name))
    return out


def _rule(page: Page) -> str:
    return f"d-{page.name}"


def _any_host(host: VirtualHost) -> bool:
    return any(domain.startswith(ANY_HOST) for domain in host.domains)


def _host(head: pb.VirtualHost, routes: Iterable[pb.Route]) -> bytes:
    parts = [serialized(head), *(field(ROUTE, serialized(one)) for one in routes)]
    return field(HOST, b"".join(parts))
