"""Origins as Envoy's CORS filter: always in the chain, and acting where a route has a policy."""

from collections.abc import Mapping

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors as CorsFilter
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from policies.contract import FilterStep, RouteFacts, RouteStep, WhenDown
from policies.cors.spec import ANSWERED, KEY, Cors

FILTER = "envoy.filters.http.cors"

_OF_BACKENDS = tuple(
    f"{ANSWERED}{name}"
    for name in (
        *("allow-credentials", "allow-headers", "allow-methods", "allow-origin"),
        *("allow-private-network", "expose-headers", "max-age"),
    )
)
"""What a backend may not add: else it would let in pages that the policy does not name."""


def _cors(settings: Cors, facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    policy = CorsPolicy()
    for origin in settings.origins:
        matcher = policy.allow_origin_string_match.add()
        if origin.is_wildcard:
            matcher.safe_regex.regex = origin.regex
        else:
            matcher.exact = origin.text  # Envoy takes the text `*` for every origin
    policy.allow_methods = ", ".join(settings.allowed_methods(facts))
    policy.allow_headers = ", ".join(settings.headers)
    policy.expose_headers = ", ".join(settings.expose)
    if settings.max_age is not None:
        policy.max_age = str(settings.max_age // 1000)
    policy.allow_credentials.value = settings.credentials
    # one of another origin goes nowhere; without this it is 200, with all but the origin
    policy.forward_not_matching_preflights.value = True
    route.typed_per_filter_config[FILTER].Pack(policy, deterministic=True)
    route.response_headers_to_remove.extend(_OF_BACKENDS)
    # Envoy names the origin that asked, and does not say so to caches
    vary = route.response_headers_to_add.add()
    vary.append_action = HeaderValueOption.APPEND_IF_EXISTS_OR_ADD
    vary.header.key = "vary"
    vary.header.value = "Origin"
    return (route,)


def _filter(_when_down: WhenDown) -> hcm_pb2.HttpFilter:
    one = hcm_pb2.HttpFilter(name=FILTER)
    one.typed_config.Pack(CorsFilter(), deterministic=True)
    return one


ROUTE: Mapping[str, RouteStep] = {KEY: _cors}

FILTERS: Mapping[str, FilterStep] = {"cors": _filter}
