"""What stands in for a refused cluster, and for the routes to it."""

from dataclasses import replace

from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.isolation.closed import is_closed
from controlplane.snapshot import CLUSTER, ENDPOINTS, Subject, snapshot
from tests.controlplane.isolation.gateways import (
    AFTER,
    BEFORE,
    changed,
    cluster_of,
    held,
    made,
    route_of,
    routes_of,
    stored,
    without,
)
from tests.controlplane.isolation.table_reading import table_of


def test_who_goes_to_a_refused_cluster_is_replaced_whole() -> None:
    good, new = made(BEFORE), made(AFTER)
    out = without(new, stored(good), Subject(CLUSTER, "users"))
    (mixed,) = routes_of(out.build, route_of(new, "/b/**"))
    assert [one.name for one in mixed.route.weighted_clusters.clusters] == ["users", "orders"]
    assert cluster_of(out.build, "users") == cluster_of(good, "users")
    assert held(out.build).of(ENDPOINTS)["users"] == held(good).of(ENDPOINTS)["users"]
    assert is_closed(routes_of(out.build, route_of(new, "/d")))
    assert routes_of(out.build, route_of(new, "/c")) == routes_of(new, route_of(new, "/c"))
    states = {k.subject: k.state for k in out.kept}
    assert states == {
        Subject(CLUSTER, "users"): "last good",
        route_of(new, "/a"): "last good",
        route_of(new, "/b/**"): "last good",
        route_of(new, "/d"): "closed",
    }


def test_endpoints_are_refused_with_their_cluster() -> None:
    good, new = made(BEFORE), made(AFTER)
    whole = without(new, stored(good), Subject(CLUSTER, "users"))
    assert without(new, stored(good), Subject(ENDPOINTS, "users")) == whole


def test_a_cluster_that_was_no_other_before_is_out() -> None:
    new = made(AFTER)
    out = without(new, stored(new), Subject(CLUSTER, "users"))
    assert "users" not in held(out.build).of(CLUSTER)
    assert "users" not in held(out.build).of(ENDPOINTS)
    assert is_closed(routes_of(out.build, route_of(new, "/a")))


def test_mirrors_are_ways_to_a_cluster_too() -> None:
    def mirrored(table: RouteConfiguration) -> None:
        route = next(r for r in table.virtual_hosts[0].routes if r.route.cluster == "orders")
        route.route.request_mirror_policies.add(cluster="users")

    new = changed(made(AFTER), mirrored)
    out = without(new, None, Subject(CLUSTER, "users"))
    assert sum(not is_closed([r]) for r in table_of(out.build).virtual_hosts[0].routes) == 2


def test_a_route_to_a_cluster_that_is_not_there() -> None:
    good, whole = made(BEFORE), made(AFTER)
    at = route_of(whole, "/c")

    def gone(table: RouteConfiguration) -> None:
        for route in table.virtual_hosts[0].routes:
            if at.part.endswith(route.name):
                route.route.cluster = "gone"

    new = changed(whole, gone)
    assert routes_of(without(new, stored(good), at).build, at) == routes_of(good, at)
    assert is_closed(routes_of(without(new, None, at).build, at))


def test_a_cluster_that_compile_forgot_comes_back_with_the_route() -> None:
    good, new = made(BEFORE), made(BEFORE)
    rest = [r for g in held(new).resources.values() for r in g.values() if r.name != "users"]
    lacking = replace(new, snapshot=snapshot(rest))
    at = route_of(new, "/a")
    out = without(lacking, stored(good), at, route_of(new, "/b/**"))
    assert held(out.build) == held(good)
