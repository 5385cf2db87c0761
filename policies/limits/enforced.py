"""What a route counts, by its settings and by what it has the two filters ask."""

from collections.abc import Iterator, Mapping

from envoy.config.route.v3.route_components_pb2 import RateLimit, Route
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimitPerRoute

from policies.enforcement import Enforcement
from policies.limits.counters import BEFORE, Counters
from policies.limits.envoy import AFTER_AUTH, BEFORE_AUTH, EXT_AUTHZ


def _asked(settings: Counters | None) -> Iterator[str]:
    for one in () if settings is None else settings.all:
        yield _word(one.id, one.per, before=one.per in BEFORE)


def _found(route: Route) -> Iterator[str]:
    for name in (BEFORE_AUTH, AFTER_AUTH):
        if name in route.typed_per_filter_config:
            packed = route.typed_per_filter_config[name]
            for limit in RateLimitPerRoute.FromString(packed.value).rate_limits:
                per = _per(limit.actions[1:], route.name)
                first = limit.actions[0].generic_key if limit.actions else None
                known = first is not None and first.descriptor_key == "limit"
                identity = first.descriptor_value if first is not None and known else ""
                yield _word(identity, per, before=name == BEFORE_AUTH)


def _per(actions: "list[RateLimit.Action]", rule: str) -> str:
    """Whom a limit tells apart."""
    if not actions:
        return "global"
    (one, *more) = actions
    if more:
        return "several"
    if one.HasField("masked_remote_address"):
        return "ip"
    if one.HasField("generic_key"):
        return "route" if one.generic_key.descriptor_value == rule else "another route"
    path = one.metadata.metadata_key.path
    known = one.metadata.metadata_key.key == EXT_AUTHZ and one.metadata.default_value
    return path[0].key if known and len(path) == 1 else "nobody"


def _word(identity: str, per: str, *, before: bool) -> str:
    return f"count per {per} as '{identity}' {'before' if before else 'after'} auth"


ENFORCED: Mapping[str, Enforcement] = {"limits": Enforcement(asked=_asked, found=_found)}
