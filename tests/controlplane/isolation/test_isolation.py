"""What stands in for a refused route, and what cannot be taken out alone."""

import pytest
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from google.protobuf.json_format import MessageToDict

from controlplane.isolation.closed import is_closed
from controlplane.isolation.isolate import isolate
from controlplane.isolation.isolated import together
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Subject,
    resource,
)
from tests.controlplane.isolation.gateways import (
    AFTER,
    BEFORE,
    WHY,
    changed,
    cluster_of,
    held,
    made,
    route_of,
    routes_of,
    stored,
    without,
)
from tests.controlplane.isolation.table_reading import Request, table_of, taken


def test_a_refused_route_stays_as_it_was_with_its_backend_beside_the_new_one() -> None:
    good, new = made(BEFORE), made(AFTER)
    at = route_of(new, "/a")
    out = without(new, stored(good), at)
    (route,) = routes_of(out.build, at)
    name = route.route.cluster
    assert name.startswith("users@")
    assert not route.route.HasField("timeout") or route.route.timeout.seconds == 15
    assert cluster_of(out.build, name).name == name
    members = held(out.build).of(ENDPOINTS)[name]
    read = ClusterLoadAssignment.FromString(members.body)
    assert read.cluster_name == name
    assert read.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address == "10.0.0.1"
    salt = held(out.build).of(CLUSTER)[name].version
    assert members == resource(ENDPOINTS, name, read, salt=salt)
    (new_one,) = routes_of(out.build, route_of(new, "/d"))
    assert new_one.route.cluster == "users"
    (kept,) = out.kept
    assert (kept.subject, kept.state, kept.why) == (at, "last good", WHY)
    assert kept.places == new.provenance[at]
    assert out.build.provenance[Subject(CLUSTER, name)] == new.provenance[Subject(CLUSTER, "users")]


def test_a_backend_that_is_the_same_is_not_called_anew() -> None:
    good, new = made(BEFORE), made(AFTER.replace("10.0.0.2", "10.0.0.1"))
    out = without(new, stored(good), route_of(new, "/a"))
    assert held(out.build).of(CLUSTER) == held(new).of(CLUSTER)
    assert routes_of(out.build, route_of(new, "/a")) == routes_of(good, route_of(good, "/a"))


def test_a_kept_backend_is_called_the_same_through_further_versions() -> None:
    new = made(AFTER)
    at = route_of(new, "/a")
    first = without(new, stored(made(BEFORE)), at)
    newer = made(AFTER.replace("10.0.0.2", "10.0.0.3"))
    second = without(newer, stored(first.build), at)
    assert routes_of(second.build, at) == routes_of(first.build, at)
    back = made(AFTER.replace("10.0.0.2", "10.0.0.1"))
    third = without(back, stored(second.build), at)
    assert routes_of(third.build, at)[0].route.cluster == "users"
    assert held(third.build).of(CLUSTER) == held(back).of(CLUSTER)


def test_a_kept_backend_is_gone_with_the_last_route_to_it() -> None:
    good, new = stored(made(BEFORE)), made(AFTER)
    at = route_of(new, "/a")
    first = without(new, good, at)
    second = without(first.build, good, at)
    assert is_closed(routes_of(second.build, at))
    assert held(second.build).of(CLUSTER) == held(new).of(CLUSTER)
    assert held(second.build).of(ENDPOINTS) == held(new).of(ENDPOINTS)
    assert [k.state for k in together(first, second).kept] == ["closed"]


def test_what_was_closed_was_not_good_and_is_closed_as_it_was() -> None:
    new = made(AFTER.replace("path: /d,", "path: /d, headers: {x-a: b},"))
    at = route_of(new, "/d")
    narrow = without(new, stored(made(BEFORE)), at)
    assert [k.state for k in without(new, stored(narrow.build), at).kept] == ["closed"]
    wide = without(narrow.build, stored(made(BEFORE)), at)
    (route,) = routes_of(wide.build, at)
    assert (route.match.path, len(route.match.headers)) == ("/d", 0)
    again = without(new, stored(wide.build), at)
    assert again.build.snapshot == wide.build.snapshot
    assert [k.state for k in again.kept] == ["closed"]


def test_what_never_was_good_answers_503_in_its_place() -> None:
    new = made(AFTER)
    at = route_of(new, "/d")
    out = without(new, stored(made(BEFORE)), at)
    (route,) = routes_of(out.build, at)
    assert MessageToDict(route.direct_response) == {
        "status": 503,
        "bodyFormat": {
            "contentType": "application/problem+json",
            "omitEmptyValues": True,
            "jsonFormat": {
                "type": "about:blank",
                "title": "Service Unavailable",
                "status": 503,
                "requestId": "%REQ(X-REQUEST-ID)%",
                "rule": "%ROUTE_NAME%",
            },
        },
    }
    assert list(route.typed_per_filter_config) == ["foregate.auth"]
    per_route = ExtAuthzPerRoute()
    route.typed_per_filter_config["foregate.auth"].Unpack(per_route)
    assert per_route.disabled
    assert route.match == routes_of(new, at)[0].match
    names = [one.name for one in table_of(new).virtual_hosts[0].routes]
    assert [one.name for one in table_of(out.build).virtual_hosts[0].routes] == names
    assert [k.state for k in out.kept] == ["closed"]


def test_a_users_own_503_is_no_closed_route() -> None:
    text = "version: 1\nroutes:\n  - {path: /a, auth: none, respond: {status: 503}}\n"
    new = made(text)
    assert not is_closed(routes_of(new, route_of(new, "/a")))


def test_all_routes_that_a_policy_makes_of_one_are_replaced() -> None:
    retry = "retry: {attempts: 2, codes: [503]}"
    old = AFTER.replace("timeout: 3s", f"timeout: 3s, {retry}")
    new = made(old.replace("timeout: 3s", "timeout: 4s"))
    at = route_of(new, "/a")
    assert len(routes_of(new, at)) == 2
    kept = without(new, stored(made(old)), at)
    assert routes_of(kept.build, at) == routes_of(made(old), at)
    (shut,) = routes_of(without(new, None, at).build, at)
    assert shut.match == routes_of(new, at)[1].match
    assert not shut.match.headers


def test_a_rule_that_its_host_did_not_have_for_all_domains_was_never_good() -> None:
    """The rule of /a is told by hosts, and now it would hold for a second one."""
    files = ("hosts: [a.b, c.d]\nroutes:\n  - {path: /a, auth: none, respond: {status: 204}}\n",)
    good = made("version: 1", a=files[0])
    new = changed(good, lambda t: t.virtual_hosts[0].domains.append("new.one"))
    rule = next(at for at in new.provenance if "/r-" in at.part)
    out = without(new, stored(good), rule)
    assert is_closed(routes_of(out.build, rule))


def test_a_405_that_took_less_before_is_closed_instead() -> None:
    """As it was, a POST would go through it to the route behind."""
    text = """
version: 1
defaults: {auth: none}
backends: {users: "http://10.0.0.1:80"}
routes:
  - {path: /a/b, methods: [GET, POST], to: users}
  - {path: /a/**, to: users}
"""
    good, new = made(text), made(text.replace("[GET, POST]", "[GET]"))
    at = next(at for at in new.provenance if "/m-" in at.part)
    out = without(new, stored(good), at)
    (host,) = table_of(out.build).virtual_hosts
    found = taken(host, Request(path="/a/b", method="POST"))
    assert found is not None
    assert is_closed([found])


def test_a_broken_match_is_closed_by_how_the_written_path_begins() -> None:
    new = made(AFTER.replace("/d/**", "'/d/{x}/e'").replace("'/d/{x}/e', to", "'/d/{x}/e', to"))
    at = route_of(new, "'/d/{x}/e'")

    def broken(table: RouteConfiguration) -> None:
        for route in table.virtual_hosts[0].routes:
            if at.part.endswith(route.name):
                route.match.safe_regex.regex = "([a"

    first = without(changed(new, broken), None, at)
    assert routes_of(first.build, at)[0].match.safe_regex.regex == "([a"
    second = without(first.build, None, at)
    assert routes_of(second.build, at)[0].match.prefix == "/d/"
    third = without(second.build, None, at)
    (host,) = table_of(third.build).virtual_hosts
    assert [(r.name, r.match.prefix) for r in host.routes] == [("h-closed", "/")]
    last = Subject(ROUTES, "http", f"{host.name}/h-closed")
    assert isolate(third.build, None, {last: WHY}) is None


@pytest.mark.parametrize(
    "subject",
    [
        Subject(ROUTES, "http"),
        Subject(ROUTES, "http", "*/no-such-rule"),
        Subject(CLUSTER, "foregate:extauthz"),
        Subject(ENDPOINTS, "foregate:ratelimit"),
        Subject(CLUSTER, "no-such-cluster"),
        Subject(LISTENER, "no-such-listener"),
        Subject("type.googleapis.com/any.Other", "users"),
    ],
)
def test_what_cannot_be_taken_out_alone(subject: Subject) -> None:
    new = made(AFTER)
    assert isolate(new, stored(made(BEFORE)), {subject: WHY}) is None


def test_nothing_refused_changes_nothing() -> None:
    new = made(AFTER)
    out = without(new, stored(made(BEFORE)))
    assert out.build == new
    assert out.kept == ()
