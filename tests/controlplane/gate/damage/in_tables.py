"""Changes of one table, by its name."""

from collections.abc import Callable

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.snapshot import ROUTES, Snapshot, resource
from tests.controlplane.gate.damage.damage import (
    Apply,
    replaced,
)


def in_a_table(name: str, change: Callable[[RouteConfiguration], None]) -> Apply:
    def apply(whole: Snapshot) -> Snapshot:
        one = whole.of(ROUTES)[name]
        table = RouteConfiguration.FromString(one.body)
        change(table)
        body = table.SerializeToString(deterministic=True)
        assert body != one.body, "nothing was damaged"
        made = resource(ROUTES, name, table, needs=one.needs)
        return replaced(whole, ROUTES, name, lambda _: made)

    return apply


def at(part: str, change: Callable[[pb.Route], None]) -> Callable[[RouteConfiguration], None]:
    host, _, rule = part.partition("/")

    def inner(table: RouteConfiguration) -> None:
        (found,) = (h for h in table.virtual_hosts if h.name == host)
        for route in found.routes:
            if route.name == rule:
                change(route)

    return inner
