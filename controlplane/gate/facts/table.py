"""What a RouteConfiguration says."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimitPerRoute
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError

from controlplane.compile.routes import NO_HOST
from controlplane.gate.facts.facts import Facts, Named, Wrong
from controlplane.snapshot import CLUSTER, NOTHING, PREFIX, ROUTES, Reference
from policies.auth.envoy import FILTER as AUTH
from policies.limits.envoy import AFTER_AUTH

FILTER_CONFIG = "envoy.config.route.v3.FilterConfig"

_EVERYTHING = pb.RouteMatch(prefix="/")
_UNAVAILABLE = 503

_Settings = Mapping[str, Any]
_Parts = dict[tuple[str, str], list[str]]


def table_facts(body: bytes) -> Facts:
    """Read a table. Raises DecodeError."""
    table = RouteConfiguration.FromString(body)
    wrong: list[Wrong] = []
    named: list[Named] = []
    settings: dict[tuple[str, str], list[str]] = defaultdict(list)
    wrong += _of_all("", table.typed_per_filter_config, settings)
    if not table.ignore_port_in_host_matching:
        wrong.append(Wrong("", "a host with a port is not the host"))
    if not table.virtual_hosts:
        wrong.append(Wrong("", "there are no hosts: every answer is 404"))
    for host in table.virtual_hosts:
        name = host.name
        wrong += _of_host(host)
        wrong += _of_all(name, host.typed_per_filter_config, settings)
        for route in host.routes:
            part = f"{name}/{route.name}"
            if not route.name:
                wrong.append(Wrong(name, "a route has no name"))
            if route.HasField("route"):
                wrong += _beyond(part, route.route)
                named += [Named(part, Reference(CLUSTER, c)) for c in _clusters(route.route)]
                for weight in route.route.weighted_clusters.clusters:
                    wrong += _of_all(part, weight.typed_per_filter_config, settings)
            elif route.HasField("redirect"):
                wrong += _beyond(part, route.redirect)
            configs = dict(route.typed_per_filter_config)
            _add(settings, part, configs)
            if AUTH not in configs or AFTER_AUTH in configs:
                wrong += _of_auth(part, configs)
    names = Counter(host.name for host in table.virtual_hosts)
    return Facts(
        name=table.name,
        wrong=(*wrong, *_switched(settings)),
        named=tuple(named),
        references=frozenset(one.reference for one in named),
        settings={key: tuple(parts) for key, parts in settings.items()},
        hosts=tuple(name for name, times in names.items() if times > 1),
    )


def scope_facts(body: bytes) -> Facts:
    """Read a scope. Raises DecodeError."""
    scope = ScopedRouteConfiguration.FromString(body)
    table = scope.route_configuration_name
    return Facts(
        name=scope.name,
        wrong=() if table else (Wrong("", "the scope names no table"),),
        named=(Named("", Reference(ROUTES, table)),) if table else (),
        references=frozenset({Reference(ROUTES, table)}) if table else NOTHING,
        fragments=len(scope.key.fragments),
    )


def _of_host(host: pb.VirtualHost) -> Iterator[Wrong]:
    for domain in host.domains:
        if "*" in domain[1:] or domain != domain.lower():
            yield Wrong(host.name, f"no request has the host '{domain}'")
    if not host.routes:
        yield Wrong(host.name, "the host has no routes: every answer is 404")
    elif any(d.startswith("*") for d in host.domains) and not _refuses_first(host.routes[0]):
        yield Wrong(host.name, "it takes any host, and what is none is not refused first")


def _refuses_first(route: pb.Route) -> bool:
    """Whether what is no host meets a refusal: its own, or the one that everything meets."""
    closed = route.match == _EVERYTHING and route.direct_response.status == _UNAVAILABLE
    return closed or route.name == NO_HOST


def _beyond(part: str, action: pb.RouteAction | pb.RedirectAction) -> Iterator[Wrong]:
    """Envoy takes a substitution with a group that its expression has not, and writes nothing."""
    if action.HasField("regex_rewrite"):
        written = action.regex_rewrite.substitution.replace("\\\\", "")
        groups = len(_GROUP.findall(action.regex_rewrite.pattern.regex))
        if any(int(digit) > groups for digit in _FILLED.findall(written)):
            yield Wrong(part, "its new path names a variable that its path has not")


_GROUP = re.compile(r"(?<!\\)\((?!\?)")
_FILLED = re.compile(r"\\([0-9])")


def _clusters(action: pb.RouteAction) -> Iterator[str]:
    kind = action.WhichOneof("cluster_specifier")
    if kind == "cluster":
        yield action.cluster
    elif kind == "weighted_clusters":
        yield from (c.name for c in action.weighted_clusters.clusters)
    yield from (m.cluster for m in action.request_mirror_policies if m.cluster)


def _add(settings: _Parts, part: str, configs: _Settings) -> None:
    for name, packed in configs.items():
        settings[name, packed.type_url.removeprefix(PREFIX)].append(part)


def _of_all(part: str, configs: _Settings, settings: _Parts) -> Iterator[Wrong]:
    """Settings above a route: they would open every route below at once."""
    _add(settings, part, configs)
    if AUTH in configs:
        yield Wrong(part, f"'{AUTH}' is set for several routes at once")


def _switched(settings: _Parts) -> Iterator[Wrong]:
    for (name, kind), parts in settings.items():
        if kind == FILTER_CONFIG:
            for part in parts:
                yield Wrong(part, f"'{name}' is switched in a way that pages ignore")


def _of_auth(part: str, configs: _Settings) -> Iterator[Wrong]:
    if AUTH not in configs:
        yield Wrong(part, f"'{AUTH}' is neither set nor off: every answer is 503")
        return
    try:
        unasked = _is_off(configs[AUTH]) and _counts_users(configs[AFTER_AUTH])
    except DecodeError:
        yield Wrong(part, f"what it sets for '{AUTH}' or limits cannot be read")
        return
    if unasked:
        yield Wrong(part, "it counts by who asks, and nobody is asked who that is")


def _is_off(packed: Any) -> bool:
    return ExtAuthzPerRoute.FromString(packed.value).disabled


def _counts_users(packed: Any) -> bool:
    limits = RateLimitPerRoute.FromString(packed.value).rate_limits
    return any(a.HasField("metadata") for limit in limits for a in limit.actions)
