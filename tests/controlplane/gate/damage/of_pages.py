"""Damage to pages and their scopes."""

from collections.abc import Callable
from dataclasses import replace

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration

from controlplane import layout
from controlplane.compile.clusters import NOWHERE
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.snapshot import CLUSTER, ROUTES, SCOPE, Snapshot, Subject, resource
from tests.controlplane.gate.damage.damage import (
    Apply,
    Damage,
    beside,
    replaced,
    without,
)
from tests.controlplane.gate.damage.example import TABLE
from tests.controlplane.gate.damage.in_tables import at, in_a_table
from tests.controlplane.gate.damage.layouts import FIRST, ORDERS, TO_USERS, USERS, paged, rule_of


def _other_domains(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].domains[:] = ["elsewhere.example.com"]


def _no_end(table: RouteConfiguration) -> None:
    kept = [r for r in table.virtual_hosts[0].routes if r.name != NOT_FOUND]
    del table.virtual_hosts[0].routes[:]
    table.virtual_hosts[0].routes.extend(kept)


def _header_kept(table: RouteConfiguration) -> None:
    del table.request_headers_to_remove[:]


def _upgraded(route: pb.Route) -> None:
    route.route.upgrade_configs.add(upgrade_type="websocket")


def _goes_nowhere(route: pb.Route) -> None:
    route.route.cluster = NOWHERE


def _scope_lost(whole: Snapshot) -> Snapshot:
    return without(whole, SCOPE, layout.page(USERS))


def _page_lost(whole: Snapshot) -> Snapshot:
    return without(whole, ROUTES, USERS)


def _in_scope(change: Callable[[ScopedRouteConfiguration], None]) -> Apply:
    def apply(whole: Snapshot) -> Snapshot:
        one = whole.of(SCOPE)[layout.page(USERS)]
        scope = ScopedRouteConfiguration.FromString(one.body)
        change(scope)
        made = resource(SCOPE, one.name, scope, needs=one.needs)
        return replaced(whole, SCOPE, one.name, lambda _: made)

    return apply


def _other_key(scope: ScopedRouteConfiguration) -> None:
    scope.key.fragments[0].string_key = "other"


def _other_table(scope: ScopedRouteConfiguration) -> None:
    scope.route_configuration_name = ORDERS


def _page_of_nobody(whole: Snapshot) -> Snapshot:
    one = whole.of(ROUTES)[USERS]
    table = RouteConfiguration.FromString(one.body)
    table.name = f"{TABLE}/0123456789"
    scope = ScopedRouteConfiguration(name="0123456789", route_configuration_name=table.name)
    scope.key.fragments.add(string_key="0123456789")
    needs = {next(iter(whole.of(SCOPE)[layout.page(USERS)].needs))._replace(name=table.name)}
    return beside(
        whole,
        resource(ROUTES, table.name, table, needs=one.needs),
        resource(SCOPE, scope.name, scope, needs=needs),
    )


def _way_and_page_lost(whole: Snapshot) -> Snapshot:
    """Nothing is left of a page: its paths come to that of all others."""

    def no_way(table: RouteConfiguration) -> None:
        for host in table.virtual_hosts:
            kept = [r for r in host.routes if r.name != TO_USERS.part.partition("/")[2]]
            del host.routes[:]
            host.routes.extend(kept)

    first = _scope_forgotten(in_a_table(FIRST, no_way)(whole))
    return without(without(first, ROUTES, USERS), SCOPE, layout.page(USERS))


def _lost_from_its_page(table: RouteConfiguration) -> None:
    for host in table.virtual_hosts:
        kept = [r for r in host.routes if r.name != rule_of("/users/{id}").partition("/")[2]]
        del host.routes[:]
        host.routes.extend(kept)


def _scope_forgotten(whole: Snapshot) -> Snapshot:
    first = whole.of(ROUTES)[FIRST]
    less = {n for n in first.needs if n.name != layout.page(USERS)}
    return replaced(whole, ROUTES, FIRST, lambda one: replace(one, needs=frozenset(less)))


def _somebody_nowhere(whole: Snapshot) -> Snapshot:
    cluster = Cluster.FromString(whole.of(CLUSTER)[NOWHERE].body)
    place = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address
    place.socket_address.address, place.socket_address.port_value = "10.0.0.1", 80
    return replaced(whole, CLUSTER, NOWHERE, lambda _: resource(CLUSTER, NOWHERE, cluster))


_HOST = TO_USERS.part.partition("/")[0]


def _taker() -> str:
    """The table that takes the requests of a page when nothing is left of it."""
    table = RouteConfiguration.FromString(paged().of(ROUTES)[FIRST].body)
    (host,) = (one for one in table.virtual_hosts if one.name == _HOST)
    ways = {f"{_HOST}/{r.name}": r.match.prefix for r in host.routes if r.name.startswith("d-")}
    lost = ways.pop(TO_USERS.part)
    taker = max((one for one in ways if lost.startswith(ways[one])), key=lambda one: len(ways[one]))
    return f"{TABLE}/{taker.partition('/d-')[2]}"


OF_PAGES = (
    Damage(name="page-of-other-hosts", apply=in_a_table(USERS, _other_domains), blamed=TO_USERS),
    Damage(
        name="page-without-an-end",
        apply=in_a_table(USERS, _no_end),
        blamed=Subject(ROUTES, USERS, _HOST),
    ),
    Damage(
        name="page-tells-backends",
        apply=in_a_table(USERS, _header_kept),
        blamed=Subject(ROUTES, USERS),
    ),
    Damage(
        name="page-takes-upgrades-alone",
        apply=in_a_table(USERS, at(rule_of("/users/{id}"), _upgraded)),
        blamed=Subject(ROUTES, USERS, rule_of("/users/{id}")),
    ),
    Damage(
        name="page-goes-nowhere",
        apply=in_a_table(USERS, at(rule_of("/users/{id}"), _goes_nowhere)),
        blamed=Subject(ROUTES, USERS, rule_of("/users/{id}")),
    ),
    Damage(name="scope-lost", apply=_scope_lost, blamed=TO_USERS),
    Damage(name="page-lost", apply=_page_lost, blamed=Subject(SCOPE, layout.page(USERS))),
    Damage(
        name="scope-of-another-name",
        apply=_in_scope(_other_key),
        blamed=Subject(SCOPE, layout.page(USERS)),
    ),
    Damage(
        name="scope-to-another-page",
        apply=_in_scope(_other_table),
        blamed=Subject(SCOPE, layout.page(USERS)),
    ),
    Damage(name="dispatcher-before-its-scope", apply=_scope_forgotten, blamed=TO_USERS),
    Damage(
        name="page-of-nobody",
        apply=_page_of_nobody,
        blamed=Subject(ROUTES, f"{TABLE}/0123456789"),
    ),
    Damage(name="somebody-is-nowhere", apply=_somebody_nowhere, blamed=Subject(CLUSTER, NOWHERE)),
    Damage(
        name="page-lost-with-its-way",
        apply=_way_and_page_lost,
        blamed=Subject(ROUTES, _taker(), rule_of("/users/{id}")),
    ),
    Damage(
        name="route-lost-from-its-page",
        apply=in_a_table(USERS, _lost_from_its_page),
        blamed=Subject(ROUTES, USERS, rule_of("/users/{id}")),
    ),
)
