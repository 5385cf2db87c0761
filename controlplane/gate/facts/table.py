"""What a RouteConfiguration says."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from google.protobuf.message import DecodeError

from controlplane import layout
from controlplane.compile.listener import BODY_BYTES
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.encoding import EncodingError
from controlplane.gate.facts import pages
from controlplane.gate.facts.facts import Dispatch, Facts, Named, Written, Wrong
from controlplane.gate.facts.keeping import FORBIDDEN, bars, spares
from controlplane.gate.facts.own import refuses
from controlplane.gate.facts.route import (
    Route,
    Settings,
    clusters_of,
    filters_set,
    of_several,
    route_facts,
)
from controlplane.snapshot import CLUSTER, NOTHING, ROUTES, SCOPE, Reference
from controlplane.tables import Table, apart

FILTER_CONFIG = "envoy.config.route.v3.FilterConfig"

_PORTS = "a host with a port is not the host"

_Parts = dict[tuple[str, str], list[str]]


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
    unsaid = BODY_BYTES if paged else 0  # the filter is on where pages are, and off elsewhere
    wrong: list[Wrong] = [Wrong("", words) for words in pages.of_page(table) if paged]
    upgrades: list[tuple[str, str]] = []
    written: list[Written] = []
    takes: dict[str, frozenset[str]] = {}
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
        routes = [route_facts(one) for one in each.routes]
        names[host.name] += 1
        domains.update(host.domains)
        takes[host.name] = frozenset(host.domains)
        wrong += _of_host(host, routes, paged=paged)
        wrong += _of_all(host.name, host.typed_per_filter_config, settings)
        spared = _spared(each.routes, routes)
        barring = _barring(each.routes, routes)
        barred = [False, *barring]
        for number, route in enumerate(routes):
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
            held = unsaid if route.held is None else route.held
            kept = (barring[number], barred[number], spared[number])
            its = (route.answers, route.preflight, route.enforced)
            written.append(Written(host.name, route.name, *its, *kept, held))
    return Facts(
        name=table.name,
        wrong=(*wrong, *_switched(settings)),
        named=tuple(named),
        references=frozenset(one.reference for one in named),
        settings={key: tuple(parts) for key, parts in settings.items()},
        hosts=tuple(name for name, times in names.items() if times > 1),
        domains=frozenset(domains),
        upgrades=tuple(upgrades) if paged else (),
        written=tuple(written),
        takes=takes,
    )


def _barring(fields: Sequence[bytes], routes: Sequence[Route]) -> list[bool]:
    """Of each route, whether it keeps upgrades from the next."""
    return [
        one.answers == FORBIDDEN and bars(field, behind)
        for one, field, behind in zip(routes, fields, fields[1:], strict=False)
    ] + [False] * bool(routes)


def _spared(fields: Sequence[bytes], routes: Sequence[Route]) -> list[bool]:
    """Of each route, whether one of its rule before it takes its preflights."""
    out: list[bool] = []
    rule, before = "", list[bytes]()
    for one, field in zip(routes, fields, strict=True):
        if one.name != rule:
            rule, before = one.name, []
        out.append(any(spares(other, field) for other in before))
        if one.preflight:
            before.append(field)
    return out


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
        first = [refuses(one) for one in host.routes[:1]]
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
            for key in filters_set(route.typed_per_filter_config):
                settings[key].append(part)
            named += [Named(part, Reference(CLUSTER, name)) for name in clusters_of(route.route)]
            if route.name.startswith(layout.TO_PAGE):
                page = route.name.removeprefix(layout.TO_PAGE)
                taken = frozenset(one.upgrade_type for one in route.route.upgrade_configs)
                named.append(Named(part, Reference(SCOPE, page)))
                dispatches.append(Dispatch(part, page, domains, taken, route.match.prefix))
    return Facts(
        name=table.name,
        wrong=(*wrong, *_switched(settings)),
        named=tuple(named),
        references=frozenset(one.reference for one in named),
        settings={key: tuple(of) for key, of in settings.items()},
        hosts=tuple(name for name, times in names.items() if times > 1),
        dispatches=tuple(dispatches),
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


def _of_host(host: pb.VirtualHost, routes: list[Route], *, paged: bool) -> Iterator[Wrong]:
    # who comes to a page has been refused by the dispatcher, where that had to be
    yield from _of_domains(host, refused=paged or not routes or routes[0].refuses)
    if not routes:
        yield Wrong(host.name, "the host has no routes: every answer is 404")
    elif paged and not (any(one.ends for one in routes) and routes[-1].name == NOT_FOUND):
        yield Wrong(host.name, "the page does not end in an answer of the gateway")


def _of_domains(host: pb.VirtualHost, *, refused: bool) -> Iterator[Wrong]:
    if not host.domains:
        yield Wrong(host.name, "it is for no host")
    for domain in host.domains:
        if "*" in domain[1:] or domain != domain.lower():
            yield Wrong(host.name, f"no request has the host '{domain}'")
    if any(d.startswith("*") for d in host.domains) and not refused:
        yield Wrong(host.name, "it takes any host, and what is none is not refused first")


def _of_all(part: str, configs: Settings, settings: _Parts) -> Iterator[Wrong]:
    """Settings above a route."""
    for key in filters_set(configs):
        settings[key].append(part)
    for words in of_several(configs):
        yield Wrong(part, words)


def _switched(settings: _Parts) -> Iterator[Wrong]:
    for (name, kind), parts in settings.items():
        if kind == FILTER_CONFIG:
            for part in parts:
                yield Wrong(part, f"'{name}' is switched in a way that pages ignore")
