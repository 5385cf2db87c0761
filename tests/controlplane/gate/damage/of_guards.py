"""Damage to what a route guards: its policies, its place, itself."""

from collections.abc import Callable

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutationPerRoute,
)
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimitPerRoute
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBACPerRoute
from xds.type.matcher.v3.ip_pb2 import IPMatcher

from controlplane.compile.standing import NO_HOST
from policies.auth.envoy import FILTER as AUTH
from policies.auth.pipeline import CONTEXT, RULE
from policies.cors.envoy import FILTER as CORS
from policies.headers.envoy import FILTER as HEADERS
from policies.ip.envoy import FILTER as IP
from policies.limits.envoy import AFTER_AUTH, BEFORE_AUTH
from tests.controlplane.gate.damage.damage import Damage, in_first_host, in_host, in_route
from tests.controlplane.gate.damage.example import API, ORDERS_HOST, host, route

USERS, SEARCH, MIXED = route("/users"), route("/search/**"), route("/mixed")
SECURE, UP, SHARED = route("/secure/**"), route("/up"), route("/shared")
ORDER = route("/orders/**", ORDERS_HOST)
STAR = host("*.example.com")


def _lost(name: str) -> Callable[[pb.Route], None]:
    def change(one: pb.Route) -> None:
        del one.typed_per_filter_config[name]

    return change


def _ip_of_all(one: pb.Route) -> None:
    _pack(one, IP, RBACPerRoute())


def _ip_of_others(one: pb.Route) -> None:
    settings = RBACPerRoute.FromString(one.typed_per_filter_config[IP].value)
    packed = settings.rbac.matcher.matcher_tree.custom_match.typed_config
    trie = IPMatcher.FromString(packed.value)
    trie.range_matchers[0].ranges[0].prefix_len.value = 1
    packed.Pack(trie)
    _pack(one, IP, settings)


def _ip_of_the_forwarded(one: pb.Route) -> None:
    settings = RBACPerRoute.FromString(one.typed_per_filter_config[IP].value)
    settings.rbac.matcher.matcher_tree.input.typed_config.Clear()
    _pack(one, IP, settings)


def _nobody_counted(one: pb.Route) -> None:
    _pack(one, BEFORE_AUTH, RateLimitPerRoute())


def _all_counted_as_one(one: pb.Route) -> None:
    settings = RateLimitPerRoute.FromString(one.typed_per_filter_config[BEFORE_AUTH].value)
    del settings.rate_limits[0].actions[1:]
    _pack(one, BEFORE_AUTH, settings)


def _counted_elsewhere(one: pb.Route) -> None:
    settings = RateLimitPerRoute.FromString(one.typed_per_filter_config[BEFORE_AUTH].value)
    settings.rate_limits[0].actions[0].generic_key.descriptor_value = "0123456789abcdef"
    _pack(one, BEFORE_AUTH, settings)


def _nobody_asked(one: pb.Route) -> None:
    del one.typed_per_filter_config[AFTER_AUTH]
    _pack(one, AUTH, ExtAuthzPerRoute(disabled=True))


def _asked_by(key: str) -> Callable[[pb.Route], None]:
    def change(one: pb.Route) -> None:
        settings = ExtAuthzPerRoute.FromString(one.typed_per_filter_config[AUTH].value)
        settings.check_settings.context_extensions[key] = "0123"
        _pack(one, AUTH, settings)

    return change


def _any_page(one: pb.Route) -> None:
    policy = CorsPolicy.FromString(one.typed_per_filter_config[CORS].value)
    policy.allow_origin_string_match[0].safe_regex.regex = ".*"
    _pack(one, CORS, policy)


def _header_let_through(one: pb.Route) -> None:
    _pack(one, HEADERS, HeaderMutationPerRoute())


def _answers_otherwise(one: pb.Route) -> None:
    one.direct_response.status = 201


def _answered_in_its_place(one: pb.Route) -> None:
    one.direct_response.status = 404
    one.direct_response.body_format.text_format_source.inline_string = "gone"


def _pack(one: pb.Route, name: str, settings: object) -> None:
    one.typed_per_filter_config[name].Pack(settings)  # type: ignore[arg-type] # a message of any kind


def _gone(of: str) -> Callable[[pb.VirtualHost], None]:
    def change(one: pb.VirtualHost) -> None:
        kept = [r for r in one.routes if r.name != of.partition("/")[2]]
        del one.routes[:]
        one.routes.extend(kept)

    return change


def _last_first(one: pb.VirtualHost) -> None:
    """Turn the routes of a user around."""
    own = [r for r in one.routes if r.name.startswith("h-")]
    others = [r for r in one.routes if not r.name.startswith("h-")]
    assert len({r.name for r in others}) > 1
    first = [r for r in own if r.name == NO_HOST]
    kept = [*first, *reversed(others), *(r for r in own if r.name != NO_HOST)]
    copies = [pb.Route.FromString(r.SerializeToString()) for r in kept]
    del one.routes[:]
    one.routes.extend(copies)


def _of_nobody(one: pb.VirtualHost) -> None:
    more = pb.Route(name="r-0123456789")
    more.CopyFrom(next(r for r in one.routes if r.name.startswith("r-")))
    more.name = "r-0123456789"
    more.typed_per_filter_config.clear()
    _pack(more, AUTH, ExtAuthzPerRoute(disabled=True))
    at = next(n for n, r in enumerate(one.routes) if r.name.startswith("r-"))
    one.routes.insert(at, more)


def _no_host(change: Callable[[pb.Route], None]) -> Callable[[pb.VirtualHost], None]:
    def inner(one: pb.VirtualHost) -> None:
        (found,) = (r for r in one.routes if r.name == NO_HOST)
        change(found)

    return inner


def _matches_all(one: pb.Route) -> None:
    del one.match.headers[:]


def _matches_nothing(one: pb.Route) -> None:
    one.match.headers[0].string_match.safe_regex.regex = ".*"


def _lets_in(one: pb.Route) -> None:
    one.ClearField("direct_response")
    one.route.cluster = "named"


_OF_A_ROUTE = (
    ("ip-lost", SECURE, _lost(IP)),
    ("ip-of-nothing", SECURE, _ip_of_all),
    ("ip-of-other-addresses", SECURE, _ip_of_others),
    ("ip-of-what-a-client-says", SECURE, _ip_of_the_forwarded),
    ("limits-lost", SEARCH, _lost(BEFORE_AUTH)),
    ("limits-after-auth-lost", ORDER, _lost(AFTER_AUTH)),
    ("limits-of-nobody", SEARCH, _nobody_counted),
    ("limits-of-all-together", SEARCH, _all_counted_as_one),
    ("limits-of-another-route", SEARCH, _counted_elsewhere),
    ("auth-off-with-its-limits", USERS, _nobody_asked),
    ("auth-off-for-weights", MIXED, _nobody_asked),
    ("auth-of-another-pipeline", USERS, _asked_by(CONTEXT)),
    ("auth-as-another-route", USERS, _asked_by(RULE)),
    ("cors-lost", SHARED, _lost(CORS)),
    ("cors-of-any-page", SHARED, _any_page),
    ("headers-lost", SECURE, _lost(HEADERS)),
    ("headers-of-nothing", SECURE, _header_let_through),
    ("respond-with-another-status", UP, _answers_otherwise),
    ("route-answered-by-the-gateway", USERS, _answered_in_its_place),
)
_OF_NO_HOST = (
    ("no-host-without-its-match", _matches_all),
    ("no-host-of-nothing", _matches_nothing),
    ("no-host-let-in", _lets_in),
)

OF_GUARDS = (
    *(Damage(name=n, apply=in_route(at, c), blamed=at) for n, at, c in _OF_A_ROUTE),
    *(
        Damage(name=n, apply=in_first_host(STAR, _no_host(c)), blamed=no_host, first=True)
        for no_host in [STAR._replace(part=f"{STAR.part}/{NO_HOST}")]
        for n, c in _OF_NO_HOST
    ),
    *(
        Damage(name=f"route-lost-{n}", apply=in_host(at, _gone(at.part)), blamed=at)
        for n, at in (("of-a-prefix", SECURE), ("of-an-answer", UP), ("of-a-method", USERS))
    ),
    Damage(
        name="routes-turned-around",
        apply=in_host(USERS, _last_first),
        blamed=STAR,
        within=USERS.part,
    ),
    Damage(
        name="route-of-nobody",
        apply=in_host(host(API), _of_nobody),
        blamed=host(API),
    ),
)
