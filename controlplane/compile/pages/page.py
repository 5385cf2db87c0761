"""A page: the table of one region of a host, and the scope that leads to it."""

from dataclasses import dataclass

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration

from controlplane.compile.pages.names import NOT_FOUND, page_id, table_name
from controlplane.compile.pages.parts import not_found, part, refusing
from controlplane.compile.pages.region import Region
from controlplane.compile.pages.selection import HEADER, TAG_HEADER
from controlplane.compile.routes import called, of_entry, serialized, table_of
from controlplane.compile.targets import Targets
from controlplane.encoding import field
from controlplane.memo import Memo
from controlplane.plan.plan import VirtualHost
from controlplane.snapshot import (
    CLUSTER,
    ROUTES,
    SCOPE,
    Reference,
    Resource,
    Subject,
    resource,
)
from controlplane.snapshot import serialized as serialized_resource
from controlplane.tables import HOST, ROUTE
from language.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page with its scope, and the lines of both; `upgrades` are those that some route takes."""

    name: str
    prefix: str
    upgrades: frozenset[str]
    resources: tuple[Resource, ...]
    provenance: tuple[tuple[Subject, tuple[Place, ...]], ...]


def page(host: VirtualHost, region: Region, targets: Targets, memo: Memo) -> Page:
    """The page of a region of a host. Host and paths are compared again, so it stands alone."""
    name = page_id(host.domains, region.prefix, region.carved)
    table = table_name(name)
    made = [(one, *of_entry(part, one, targets, memo)) for one in region.entries]
    upgrades = frozenset[str]().union(*(one.upgrades for _, one, _ in made))
    routes = [one.body for _, one, _ in made]
    if upgrades:
        routes = [of_entry(refusing, one, targets, memo)[0] for one in region.entries]
    head = serialized(pb.VirtualHost(name=host.name, domains=host.domains))
    bare = RouteConfiguration(name=table, request_headers_to_remove=[HEADER, TAG_HEADER])
    body = table_of(bare, [field(HOST, b"".join((head, *routes, memo(_rest))))])
    needs = [Reference(CLUSTER, one) for one in called(region.entries)]
    lines = [
        (Subject(ROUTES, table, f"{host.name}/{entry.rule}"), places) for entry, _, places in made
    ]
    own = (
        Subject(SCOPE, name),
        Subject(ROUTES, table),
        Subject(ROUTES, table, host.name),
        Subject(ROUTES, table, f"{host.name}/{NOT_FOUND}"),
    )
    return Page(
        name=name,
        prefix=region.prefix,
        upgrades=upgrades,
        resources=(scope(name), serialized_resource(ROUTES, table, body, needs=needs)),
        provenance=(*lines, *((one, host.places) for one in own)),
    )


def scope(name: str) -> Resource:
    """What leads from a value of the header to a table."""
    table = table_name(name)
    out = ScopedRouteConfiguration(name=name, route_configuration_name=table)
    out.key.fragments.add(string_key=name)
    return resource(SCOPE, name, out, needs=(Reference(ROUTES, table),))


def _rest() -> bytes:
    return field(ROUTE, serialized(not_found()))
