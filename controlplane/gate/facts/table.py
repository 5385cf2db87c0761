"""What a RouteConfiguration says."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimitPerRoute
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError

from controlplane import layout
from controlplane.compile.clusters import NOWHERE
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.compile.standing import NO_HOST
from controlplane.encoding import EncodingError
from controlplane.gate.facts import pages
from controlplane.gate.facts.facts import Dispatch, Facts, Named, Wrong
from controlplane.snapshot import CLUSTER, NOTHING, PREFIX, ROUTES, SCOPE, Reference
from controlplane.tables import Table, apart
from policies.auth.envoy import FILTER as AUTH
from policies.cors.envoy import FILTER as CORS
from policies.limits.envoy import AFTER_AUTH

FILTER_CONFIG = "envoy.config.route.v3.FilterConfig"

_EVERYTHING = pb.RouteMatch(prefix="/")
_UNAVAILABLE = 503
_PORTS = "a host with a port is not the host"

_Settings = Mapping[str, Any]
_Parts = dict[tuple[str, str], list[str]]


ROUTES_KEPT = 16_384
"""How many routes are remembered: most of a table is that of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """What a route says by itself; `settings` are the filters that it sets something for.

    `refuses`: what is no host is refused by it. `wrong_in_page` is wrong where it is in a page.
    `upgrades` are those that it takes, `ends` is whether it answers what nothing else takes.
    """

    name: str
    refuses: bool
    wrong: tuple[str, ...]
    clusters: tuple[Reference, ...]
    settings: tuple[tuple[str, str], ...]
    wrong_in_page: tuple[str, ...]
    upgrades: tuple[str, ...]
    ends: bool


def table_facts(body: bytes) -> Facts:
    """Read a table. Raises DecodeError."""
    try:
        parts = apart(body)
    except EncodingError as error:
        raise DecodeError(str(error)) from error
    table = RouteConfiguration.FromString(parts.bare)
    if layout.dispatches(table.name):
        return _dispatcher(table, parts)
    paged = bool(layout.page(table.name))
    wrong: list[Wrong] = [Wrong("", words) for words in pages.of_page(table) if paged]
    upgrades: list[tuple[str, str]] = []
    domains: set[str] = set()
    named: list[Named] = []
    settings: _Parts = defaultdict(list)
    wrong += _of_all("", table.typed_per_filter_config, settings)
    if not table.ignore_port_in_host_matching:
        wrong.append(Wrong("", _PORTS))
    if not parts.hosts:
        wrong.append(Wrong("", "there are no hosts: every answer is 404"))
    names: Counter[str] = Counter()
    for each in parts.hosts:
        host = pb.VirtualHost.FromString(each.bare)
        routes = [_route(one) for one in each.routes]
        names[host.name] += 1
        domains.update(host.domains)
        wrong += _of_host(host, routes, paged=paged)
        wrong += _of_all(host.name, host.typed_per_filter_config, settings)
        for route in routes:
            part = f"{host.name}/{route.name}"
            if not route.name:
                wrong.append(Wrong(host.name, "a route has no name"))
            wrong += [Wrong(part, words) for words in route.wrong]
            if paged:
                wrong += [Wrong(part, words) for words in route.wrong_in_page]
            upgrades += [(part, one) for one in route.upgrades]
            named += [Named(part, one) for one in route.clusters]
            for key in route.settings:
                settings[key].append(part)
    return Facts(
        name=table.name,
        wrong=(*wrong, *_switched(settings)),
        named=tuple(named),
        references=frozenset(one.reference for one in named),
        settings={key: tuple(parts) for key, parts in settings.items()},
        hosts=tuple(name for name, times in names.items() if times > 1),
        domains=frozenset(domains),
        upgrades=tuple(upgrades) if paged else (),
    )


def _dispatcher(table: RouteConfiguration, parts: Table) -> Facts:
    """Read what chooses pages: no route of a user's stands there."""
    wrong = [] if table.ignore_port_in_host_matching else [Wrong("", _PORTS)]
    named: list[Named] = []
    dispatches: list[Dispatch] = []
    settings: _Parts = defaultdict(list)
    names: Counter[str] = Counter()
    wrong += _of_all("", table.typed_per_filter_config, settings)
    for each in parts.hosts:
        host = pb.VirtualHost.FromString(each.bare + b"".join(each.routes))
        domains = frozenset(host.domains)
        names[host.name] += 1
        first = [_refuses(one) for one in host.routes[:1]]
        wrong += _of_domains(
            host,
            refused=first == [True]
            or not any(r.name.startswith(layout.TO_PAGE) for r in host.routes),
        )
        wrong += [Wrong(host.name, words) for words in pages.of_dispatched_host(host)]
        wrong += _of_all(host.name, host.typed_per_filter_config, settings)
        for route in host.routes:
            part = f"{host.name}/{route.name}"
            wrong += [Wrong(part, words) for words in pages.of_dispatched(route)]
            for key in _set(route.typed_per_filter_config):
                settings[key].append(part)
            named += [Named(part, Reference(CLUSTER, name)) for name in _clusters(route.route)]
            if route.name.startswith(layout.TO_PAGE):
                page = route.name.removeprefix(layout.TO_PAGE)
                taken = frozenset(one.upgrade_type for one in route.route.upgrade_configs)
                named.append(Named(part, Reference(SCOPE, page)))
                dispatches.append(Dispatch(part, page, domains, taken))
    return Facts(
        name=table.name,
        wrong=(*wrong, *_switched(settings)),
        named=tuple(named),
        references=frozenset(one.reference for one in named),
        settings={key: tuple(of) for key, of in settings.items()},
        hosts=tuple(name for name, times in names.items() if times > 1),
        dispatches=tuple(dispatches),
    )


@lru_cache(maxsize=ROUTES_KEPT)
def _route(field: bytes) -> _Route:
    """Read a route, which is a field of its host. Raises DecodeError."""
    (route,) = pb.VirtualHost.FromString(field).routes
    wrong: list[str] = []
    clusters: tuple[Reference, ...] = ()
    settings: list[tuple[str, str]] = []
    if route.HasField("route"):
        wrong += _beyond(route.route)
        clusters = tuple(Reference(CLUSTER, name) for name in _clusters(route.route))
        answers = CORS in route.typed_per_filter_config  # what that leaves alone is refused
        if Reference(CLUSTER, NOWHERE) in clusters and not answers:
            wrong.append("it goes nowhere")
        for weight in route.route.weighted_clusters.clusters:
            wrong += _of_several(weight.typed_per_filter_config)
            settings += _set(weight.typed_per_filter_config)
    elif route.HasField("redirect"):
        wrong += _beyond(route.redirect)
    configs = dict(route.typed_per_filter_config)
    settings += _set(configs)
    if AUTH not in configs or AFTER_AUTH in configs:
        wrong += _of_auth(configs)
    return _Route(
        name=route.name,
        refuses=_refuses(route),
        wrong=tuple(wrong),
        clusters=clusters,
        settings=tuple(settings),
        wrong_in_page=tuple(pages.of_page_route(route)),
        upgrades=tuple(one.upgrade_type for one in route.route.upgrade_configs),
        ends=pages.ends(route),
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
        keys=tuple(one.string_key for one in scope.key.fragments),
    )


def _of_host(host: pb.VirtualHost, routes: list[_Route], *, paged: bool) -> Iterator[Wrong]:
    # who comes to a page has been refused by the dispatcher, where that had to be
    yield from _of_domains(host, refused=paged or not routes or routes[0].refuses)
    if not routes:
        yield Wrong(host.name, "the host has no routes: every answer is 404")
    elif paged and not (any(one.ends for one in routes) and routes[-1].name == NOT_FOUND):
        yield Wrong(host.name, "the page does not end in an answer of the gateway")


def _of_domains(host: pb.VirtualHost, *, refused: bool) -> Iterator[Wrong]:
    for domain in host.domains:
        if "*" in domain[1:] or domain != domain.lower():
            yield Wrong(host.name, f"no request has the host '{domain}'")
    if any(d.startswith("*") for d in host.domains) and not refused:
        yield Wrong(host.name, "it takes any host, and what is none is not refused first")


def _refuses(route: pb.Route) -> bool:
    """Whether what is no host meets a refusal: its own, or the 503 that everything meets."""
    closed = route.match == _EVERYTHING and route.direct_response.status == _UNAVAILABLE
    return closed or route.name == NO_HOST


def _beyond(action: pb.RouteAction | pb.RedirectAction) -> Iterator[str]:
    """Envoy takes a substitution with a group that its expression has not, and writes nothing."""
    if action.HasField("regex_rewrite"):
        written = action.regex_rewrite.substitution.replace("\\\\", "")
        groups = len(_GROUP.findall(action.regex_rewrite.pattern.regex))
        if any(int(digit) > groups for digit in _FILLED.findall(written)):
            yield "its new path names a variable that its path has not"


_GROUP = re.compile(r"(?<!\\)\((?!\?)")
_FILLED = re.compile(r"\\([0-9])")


def _clusters(action: pb.RouteAction) -> Iterator[str]:
    kind = action.WhichOneof("cluster_specifier")
    if kind == "cluster":
        yield action.cluster
    elif kind == "weighted_clusters":
        yield from (c.name for c in action.weighted_clusters.clusters)
    yield from (m.cluster for m in action.request_mirror_policies if m.cluster)


def _set(configs: _Settings) -> Iterator[tuple[str, str]]:
    """The filters that something is set for, and the type of what is."""
    for name, packed in configs.items():
        yield name, packed.type_url.removeprefix(PREFIX)


def _of_all(part: str, configs: _Settings, settings: _Parts) -> Iterator[Wrong]:
    """Settings above a route."""
    for key in _set(configs):
        settings[key].append(part)
    for words in _of_several(configs):
        yield Wrong(part, words)


def _of_several(configs: _Settings) -> Iterator[str]:
    """Settings that hold for more than one way of a request: they would open all at once."""
    if AUTH in configs:
        yield f"'{AUTH}' is set for several routes at once"


def _switched(settings: _Parts) -> Iterator[Wrong]:
    for (name, kind), parts in settings.items():
        if kind == FILTER_CONFIG:
            for part in parts:
                yield Wrong(part, f"'{name}' is switched in a way that pages ignore")


def _of_auth(configs: _Settings) -> Iterator[str]:
    if AUTH not in configs:
        yield f"'{AUTH}' is neither set nor off: every answer is 503"
        return
    try:
        unasked = _is_off(configs[AUTH]) and _counts_users(configs[AFTER_AUTH])
    except DecodeError:
        yield f"what it sets for '{AUTH}' or limits cannot be read"
        return
    if unasked:
        yield "it counts by who asks, and nobody is asked who that is"


def _is_off(packed: Any) -> bool:
    return ExtAuthzPerRoute.FromString(packed.value).disabled


def _counts_users(packed: Any) -> bool:
    limits = RateLimitPerRoute.FromString(packed.value).rate_limits
    return any(a.HasField("metadata") for limit in limits for a in limit.actions)
