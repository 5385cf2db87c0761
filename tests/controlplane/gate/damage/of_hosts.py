"""Damage to the table and its hosts."""

from collections.abc import Callable

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute

from controlplane.snapshot import Subject
from policies.auth.envoy import FILTER as AUTH
from tests.controlplane.gate.damage.damage import (
    Damage,
    in_first_host,
    in_first_table,
    in_host,
    in_table,
)
from tests.controlplane.gate.damage.example import ORDERS_HOST, host, table

API_HOST, STAR = host("api.example.com"), host("*.example.com")


def _no_routes(one: pb.VirtualHost) -> None:
    del one.routes[:]


def _no_guard(one: pb.VirtualHost) -> None:
    del one.routes[0]


def _no_domains(one: pb.VirtualHost) -> None:
    del one.domains[:]


def _star_in_the_middle(one: pb.VirtualHost) -> None:
    one.domains[0] = "a.*.example.com"


def _host_opened(one: pb.VirtualHost) -> None:
    one.typed_per_filter_config[AUTH].Pack(ExtAuthzPerRoute(disabled=True))


def _host_of_nobody(one: pb.VirtualHost) -> None:
    one.typed_per_filter_config["nobody"].Pack(BufferPerRoute(disabled=True))


def _no_hosts(one: RouteConfiguration) -> None:
    del one.virtual_hosts[:]


def _ports_compared(one: RouteConfiguration) -> None:
    one.ignore_port_in_host_matching = False


def _table_opened(one: RouteConfiguration) -> None:
    one.typed_per_filter_config[AUTH].Pack(ExtAuthzPerRoute(disabled=True))


def _table_of_nobody(one: RouteConfiguration) -> None:
    one.typed_per_filter_config["nobody"].Pack(BufferPerRoute(disabled=True))


def _names_alike(one: RouteConfiguration) -> None:
    names = [each.name for each in one.virtual_hosts]
    one.virtual_hosts[names.index(host(ORDERS_HOST).part)].name = API_HOST.part


def _domain_twice(one: RouteConfiguration) -> None:
    (its,) = (each for each in one.virtual_hosts if each.name == host(ORDERS_HOST).part)
    its.domains.append(its.domains[0])


def _of_host(name: str, at: Subject, change: Callable[[pb.VirtualHost], None]) -> Damage:
    return Damage(name=name, apply=in_host(at, change), blamed=at)


OF_HOSTS = (
    _of_host("host-without-routes", API_HOST, _no_routes),
    Damage(
        name="any-host-unguarded",
        apply=in_first_host(STAR, _no_guard),
        blamed=STAR,
        first=True,
    ),
    _of_host("host-without-domains", API_HOST, _no_domains),
    _of_host("domain-with-a-star-in-the-middle", API_HOST, _star_in_the_middle),
    _of_host("auth-off-for-a-host", API_HOST, _host_opened),
    _of_host("host-for-a-filter-that-is-not", API_HOST, _host_of_nobody),
    Damage(name="table-without-hosts", apply=in_table(_no_hosts), blamed=table()),
    Damage(name="table-that-compares-ports", apply=in_table(_ports_compared), blamed=table()),
    Damage(name="auth-off-for-the-table", apply=in_table(_table_opened), blamed=table()),
    Damage(name="table-for-a-filter-that-is-not", apply=in_table(_table_of_nobody), blamed=table()),
    Damage(
        name="two-hosts-of-one-name",
        apply=in_first_table(_names_alike),
        blamed=API_HOST,
        first=True,
    ),
    Damage(
        name="domain-twice",
        apply=in_first_table(_domain_twice),
        blamed=host(ORDERS_HOST),
        first=True,
    ),
)
