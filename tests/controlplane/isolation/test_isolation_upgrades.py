"""Upgrades of a kept route are let in by the dispatcher, and by no other route of its page."""

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build, Options
from controlplane.gate.soundness import unsound
from controlplane.isolation.folded import fold
from controlplane.isolation.isolate import isolate
from controlplane.isolation.paging import dispatched
from controlplane.layout import page
from controlplane.snapshot import ROUTES, Subject
from tests.controlplane.isolation.gateways import changed, held, made, route_of, stored
from tests.controlplane.small_pages import in_pages

OPTIONS = Options(loopback=True, trust_store="/authorities.crt")
FILE = """
version: 1
defaults: {auth: none}
backends: {a: "http://127.0.0.1:80", b: "http://127.0.0.1:81"}
routes:
  - {path: /users/socket, to: a}
  - {path: /users/two, to: a}
  - {path: /orders/**, to: b}
"""


def upgrading(one: Build, path: str) -> Build:
    """The plain build, one route of which takes WebSockets."""
    rule = route_of(one, path).part.partition("/")[2]

    def change(table: RouteConfiguration) -> None:
        for route in table.virtual_hosts[0].routes:
            if route.name == rule:
                route.route.upgrade_configs.add(upgrade_type="websocket")

    return changed(one, change)


def answers(page_of: RouteConfiguration, rule: str) -> list[tuple[bool, int]]:
    """Of each route of a rule: whether it is for upgrades alone, and what it answers by itself."""
    routes = page_of.virtual_hosts[0].routes
    return [
        (any(h.name == "upgrade" for h in r.match.headers), r.direct_response.status)
        for r in routes
        if r.name == rule
    ]


def test_they_come_with_the_route_and_go_no_further() -> None:
    plain = made(FILE)
    good = stored(upgrading(plain, "/users/socket"))
    new = in_pages(made(FILE.replace("/users/socket, to: a", "/users/socket, to: b")), OPTIONS, 2)
    rule = route_of(plain, "/users/socket").part
    (at,) = (s for s in new.provenance if s.type_url == ROUTES and s.part == rule)
    out = isolate(new, good, {at: "no"})
    assert out is not None
    assert [one.state for one in out.kept] == ["last good"]
    assert unsound(held(out.build)) == ()
    tables = {
        n: RouteConfiguration.FromString(r.body) for n, r in held(out.build).of(ROUTES).items()
    }
    to = dispatched(tables["http/_d"])
    taken = {name for name, route in to.items() if route.route.upgrade_configs}
    assert taken == {page(at.name)}
    two = route_of(plain, "/users/two").part.partition("/")[2]
    assert answers(tables[at.name], rule.partition("/")[2]) == [(True, 403), (False, 0)]
    assert answers(tables[at.name], two) == [(True, 403), (False, 0)]
    # and the other way: what was kept so in pages is kept so in one table
    folded = fold(held(out.build), out.build.plan)
    assert folded is not None
    back = isolate(made(FILE), stored(out.build), {Subject(ROUTES, "http", rule): "no"})
    assert back is not None
    (table,) = (RouteConfiguration.FromString(r.body) for r in held(back.build).of(ROUTES).values())
    routes: list[pb.Route] = [
        r for r in table.virtual_hosts[0].routes if r.name in {two, rule.partition("/")[2]}
    ]
    assert [[u.upgrade_type for u in r.route.upgrade_configs] for r in routes] == [
        ["websocket"],
        [],
    ]
    assert not any(
        r.typed_per_filter_config.keys() & {"envoy.filters.http.header_mutation"} for r in routes
    )
