"""A route that is kept as it was has the preflights that it had, in both layouts."""

import pytest
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy

from controlplane import layout
from controlplane.build import Build, Options
from controlplane.compile.matching import REQUESTED
from controlplane.gate.soundness import unsound
from controlplane.isolation.closed import is_closed
from controlplane.isolation.isolate import isolate
from controlplane.isolation.preflights import preflight_rule
from controlplane.snapshot import ROUTES
from policies.cors.envoy import FILTER
from tests.controlplane.isolation.gateways import held, made, route_of, stored
from tests.controlplane.small_pages import in_pages

OPTIONS = Options(loopback=True, trust_store="/authorities.crt")
FILE = """
version: 1
defaults: {{auth: none}}
backends: {{users: "http://10.0.0.1:80"}}
routes:
  - {{path: /a, {0}to: users}}
  - {{path: /a, methods: [PUT], {1}to: users}}
  - {{path: /b, to: users}}
  - {{path: /c/**, to: users}}
"""
APP = 'cors: {origins: ["https://app.example.com"]}, '
OTHER = 'cors: {origins: ["https://other.example.com"], credentials: true}, '


def answering(
    paged: bool,  # noqa: FBT001 # a case
    before: str,
    after: str,
    *,
    itself: bool = False,
) -> list[pb.Route]:
    """What answers the preflights of the first route of /a once that is kept, in every table.

    Or the route `itself`.
    """
    plain = made(after)
    new = in_pages(plain, OPTIONS, 1) if paged else plain
    rule = route_of(plain, "/a").part if after.count("path: /a,") == 1 else first(plain)
    refused = next(s for s in new.provenance if s.type_url == ROUTES and s.part == rule)
    out = isolate(new, stored(made(before)), {refused: "no"})
    assert out is not None
    assert (refused._replace(name=layout.base(refused.name)), "last good") in {
        (one.subject._replace(name=layout.base(one.subject.name)), one.state) for one in out.kept
    }
    assert unsound(held(out.build)) == ()
    tables = (RouteConfiguration.FromString(r.body) for r in held(out.build).of(ROUTES).values())
    own = rule.partition("/")[2]
    wanted = own if itself else preflight_rule(own)
    return [
        route
        for table in tables
        if not layout.dispatches(table.name)
        for host in table.virtual_hosts
        for route in host.routes
        if route.name == wanted
    ]


def first(plain: Build) -> str:
    """The rule of the first route: the one of line 6."""
    return next(s.part for s, p in plain.provenance.items() if "/r-" in s.part and p[0].line == 6)


def origins(route: pb.Route) -> list[str]:
    policy = CorsPolicy()
    route.typed_per_filter_config[FILTER].Unpack(policy)
    return [one.exact for one in policy.allow_origin_string_match]


@pytest.mark.parametrize("paged", [False, True])
def test_they_are_answered_as_they_were(paged: bool) -> None:  # noqa: FBT001 # a case
    before, after = FILE.format(APP, ""), FILE.format(OTHER + "timeout: 3s, ", "")
    found = answering(paged, before, after)
    assert found
    assert all(origins(one) == ["https://app.example.com"] for one in found)


@pytest.mark.parametrize("paged", [False, True])
def test_they_ask_about_what_is_the_routes_now(paged: bool) -> None:  # noqa: FBT001 # a case
    alone = FILE.replace("  - {{path: /a, methods: [PUT], {1}to: users}}\n", "")
    found = answering(paged, alone.format(APP, ""), FILE.format(OTHER + "timeout: 3s, ", ""))
    assert found
    for one in found:
        assert origins(one) == ["https://app.example.com"]
        assert [h.string_match.exact for h in one.match.headers if h.invert_match] == ["PUT"]


@pytest.mark.parametrize("paged", [False, True])
def test_a_new_policy_answers_nothing_of_a_route_that_had_none(paged: bool) -> None:  # noqa: FBT001 # a case
    got = FILE.replace("path: /a, {0}", "path: /a, methods: [GET], {0}")
    found = answering(paged, got.format("", ""), got.format(APP + "timeout: 3s, ", ""))
    assert found
    assert is_closed(found)
    # and so is one that takes OPTIONS: another route of its path could answer for it
    found = answering(paged, FILE.format("", ""), FILE.format(APP + "timeout: 3s, ", ""))
    assert found
    assert is_closed(found)


@pytest.mark.parametrize("paged", [False, True])
@pytest.mark.parametrize(
    ("others_before", "others_after"),
    [(OTHER, ""), ("", ""), (APP, OTHER)],
    ids=["lost", "none", "another"],
)
def test_its_policy_answers_for_no_other_route(
    paged: bool,  # noqa: FBT001 # a case
    others_before: str,
    others_after: str,
) -> None:
    """As it was, it takes every OPTIONS of its path: also what asks about a route without cors."""
    before = FILE.format(APP, others_before)
    after = FILE.format(APP + "timeout: 3s, ", others_after)
    if others_before == others_after:  # a route that is new
        before = before.replace("  - {path: /a, methods: [PUT], to: users}\n", "")
    found = answering(paged, before, after, itself=True)
    assert found
    left = [one for one in found if any(h.name == REQUESTED for h in one.match.headers)]
    assert all(FILTER not in one.typed_per_filter_config for one in left)
    if others_after == "":
        assert found[0] in left
    acting = [one for one in found if one not in left]
    assert all(origins(one) == ["https://app.example.com"] for one in acting)


@pytest.mark.parametrize("paged", [False, True])
def test_a_policy_that_the_new_version_lacks_answers_nothing(paged: bool) -> None:  # noqa: FBT001 # a case
    before, after = FILE.format(APP, ""), FILE.format("timeout: 3s, ", "")
    found = answering(paged, before, after, itself=True)
    assert any(h.name == REQUESTED for h in found[0].match.headers)
    assert FILTER not in found[0].typed_per_filter_config
