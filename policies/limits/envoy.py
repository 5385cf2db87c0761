"""Limits on their way to Envoy's two ratelimit filters, and to the service that counts."""

from collections.abc import Iterable, Mapping

from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.route.v3.route_components_pb2 import RateLimit, Route
from envoy.extensions.filters.http.ratelimit.v3 import rate_limit_pb2 as pb
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.type.v3.http_status_pb2 import StatusCode

from policies.contract import (
    FilterStep,
    Names,
    RouteFacts,
    RouteStep,
    ServiceResource,
    ServiceStep,
    Settings,
    WhenDown,
)
from policies.limits.counters import BEFORE, Counter, Counters
from protos import LIMITS, LIMITS_NAME, RATELIMIT
from protos import limits_pb2 as served

BEFORE_AUTH = "foregate.limits.before"
AFTER_AUTH = "foregate.limits.after"

DOMAIN = "foregate"
_SERVICE = f"foregate:{RATELIMIT}"
EXT_AUTHZ = "envoy.filters.http.ext_authz"
"""Where extauthz leaves who asks, as dynamic metadata: `user` and `consumer`, each after a `=`."""

NOBODY = "-"
"""Counted for all who lack what a limit counts by; no value of extauthz starts so."""

_TIMEOUT_MS = 100
_REDIS_DOWN = {
    "local-limits": served.LOCAL_LIMITS,
    "allow": served.ALLOW,
    "deny": served.DENY,
}


def _limits(counters: Counters, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    groups = {
        BEFORE_AUTH: [one for one in counters.all if one.per in BEFORE],
        AFTER_AUTH: [one for one in counters.all if one.per not in BEFORE],
    }
    for name, group in groups.items():
        if not group:
            continue  # and so no call
        per_route = pb.RateLimitPerRoute(vh_rate_limits=pb.RateLimitPerRoute.IGNORE)
        for one in group:
            _describe(one, route.name, per_route.rate_limits.add())
        route.typed_per_filter_config[name].Pack(per_route, deterministic=True)
    return (route,)


def _describe(one: Counter, rule: str, out: RateLimit) -> None:
    """The limit's identity, and whom it counts: `route` by the route's rule, each for itself."""
    first = out.actions.add().generic_key
    first.descriptor_key, first.descriptor_value = "limit", one.id
    if one.per == "ip":
        address = out.actions.add().masked_remote_address
        address.v4_prefix_mask_len.value = 32
        address.v6_prefix_mask_len.value = 64
    elif one.per == "route":
        value = out.actions.add().generic_key
        value.descriptor_key, value.descriptor_value = "value", rule
    elif one.per != "global":
        who = out.actions.add().metadata
        who.descriptor_key = "value"
        who.source = RateLimit.Action.MetaData.DYNAMIC
        who.default_value = NOBODY
        who.metadata_key.key = EXT_AUTHZ
        who.metadata_key.path.add(key=one.per)


def _before(when_down: WhenDown) -> hcm_pb2.HttpFilter:
    return _filter(BEFORE_AUTH, 0, when_down)


def _after(when_down: WhenDown) -> hcm_pb2.HttpFilter:
    return _filter(AFTER_AUTH, 1, when_down)


def _filter(name: str, stage: int, when_down: WhenDown) -> hcm_pb2.HttpFilter:
    """One of the two; without limits on the route it makes no call.

    Envoy's own timeout would be 20 ms, its answer without the service a pass, and its answer to
    a failure a 500 without a body.
    """
    out = pb.RateLimit(
        domain=DOMAIN,
        stage=stage,
        failure_mode_deny=when_down.limits == "deny",
        disable_x_envoy_ratelimited_header=True,
    )
    out.timeout.FromMilliseconds(_TIMEOUT_MS)
    out.rate_limited_status.code = StatusCode.TooManyRequests
    out.status_on_error.code = StatusCode.ServiceUnavailable
    out.rate_limit_service.transport_api_version = ApiVersion.V3
    out.rate_limit_service.grpc_service.envoy_grpc.cluster_name = _SERVICE
    out.rate_limit_service.grpc_service.envoy_grpc.authority = RATELIMIT
    one = hcm_pb2.HttpFilter(name=name)
    one.typed_config.Pack(out, deterministic=True)
    return one


def _served(
    settings: tuple[Settings, ...], _names: Names, when_down: WhenDown
) -> Iterable[ServiceResource]:
    """Every limit once, in the order of identities, so that equal files give equal bytes."""
    counters = {one.id: one for found in settings for one in found.all}
    out = served.LimitSet(redis_down=_REDIS_DOWN[when_down.redis])
    for one in sorted(counters.values(), key=lambda c: c.id):
        out.limits.add(
            id=one.id,
            name=one.name,
            kind=served.GCRA,
            amount=one.rate.amount,
            period_us=one.rate.period_us,
            burst=one.burst,
        )
    yield ServiceResource(
        role=RATELIMIT, type_url=LIMITS, name=LIMITS_NAME, message=out, settings=settings
    )


ROUTE: Mapping[str, RouteStep] = {"limits": _limits}

FILTERS: Mapping[str, FilterStep] = {"limits_before": _before, "limits_after": _after}

SERVICES: Mapping[str, ServiceStep] = {"limits": _served}
