"""Damage that only pages can have, and where other damage is in them."""

from collections.abc import Callable
from dataclasses import replace

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutationPerRoute,
)
from envoy.extensions.filters.http.ip_tagging.v3.ip_tagging_pb2 import IPTagging
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    header_mutation_pb2 as early_pb2,
)

from controlplane import layout
from controlplane.build import Build, Options
from controlplane.compile.clusters import NOWHERE
from controlplane.compile.listener import BUFFER
from controlplane.compile.pages.names import DISPATCHER, NOT_FOUND
from controlplane.compile.pages.selection import PAGE_FILTER, RESELECT_FILTER
from controlplane.plan.plan import PlannedRoute
from controlplane.snapshot import CLUSTER, ROUTES, SCOPE, Snapshot, Subject, resource
from tests.controlplane.gate.damage.damage import (
    Apply,
    Damage,
    beside,
    in_manager,
    replaced,
    without,
)
from tests.controlplane.gate.damage.example import TABLE, TRUST, WHOLE, listener
from tests.controlplane.small_pages import in_pages

PAGED: Build = in_pages(WHOLE, Options(loopback=True, trust_store=TRUST))
FIRST = f"{TABLE}/{DISPATCHER}"


def paged() -> Snapshot:
    """The gateway that is damaged, in pages."""
    assert PAGED.snapshot is not None
    return PAGED.snapshot


def written(part: str, whole: Snapshot | None = None) -> Subject:
    """A part of the plain table in the first page that has it."""
    for name, one in (whole or paged()).of(ROUTES).items():
        table = RouteConfiguration.FromString(one.body)
        parts = {h.name for h in table.virtual_hosts}
        parts |= {f"{h.name}/{r.name}" for h in table.virtual_hosts for r in h.routes}
        if name != FIRST and (not part or part in parts):
            return Subject(ROUTES, name, part)
    raise AssertionError(part)


def _dispatched(path: str) -> tuple[Subject, str]:
    """The dispatcher's part for the page of a route, and the page's table."""
    rule = next(s for s in PAGED.provenance if s == written(_rule(path)))
    host = rule.part.partition("/")[0]
    return Subject(ROUTES, FIRST, f"{host}/d-{layout.page(rule.name)}"), rule.name


def _rule(path: str) -> str:
    assert WHOLE.plan is not None
    for host in WHOLE.plan.hosts:
        for entry in host.entries:
            if isinstance(entry, PlannedRoute) and path == entry.route.path.text:
                return f"{host.name}/{entry.rule}"
    raise AssertionError(path)


TO_USERS, USERS = _dispatched("/users/{id}")
TO_ORDERS, ORDERS = _dispatched("/orders/**")


def _in_table(name: str, change: Callable[[RouteConfiguration], None]) -> Apply:
    def apply(whole: Snapshot) -> Snapshot:
        one = whole.of(ROUTES)[name]
        table = RouteConfiguration.FromString(one.body)
        change(table)
        body = table.SerializeToString(deterministic=True)
        assert body != one.body, "nothing was damaged"
        made = resource(ROUTES, name, table, needs=one.needs)
        return replaced(whole, ROUTES, name, lambda _: made)

    return apply


def _at(part: str, change: Callable[[pb.Route], None]) -> Callable[[RouteConfiguration], None]:
    host, _, rule = part.partition("/")

    def inner(table: RouteConfiguration) -> None:
        (found,) = (h for h in table.virtual_hosts if h.name == host)
        for route in found.routes:
            if route.name == rule:
                change(route)

    return inner


def _in_dispatcher(change: Callable[[pb.Route], None], of: Subject = TO_USERS) -> Apply:
    return _in_table(FIRST, _at(of.part, change))


def _says(route: pb.Route, change: Callable[[HeaderMutationPerRoute], None]) -> None:
    packed = route.typed_per_filter_config[PAGE_FILTER]
    said = HeaderMutationPerRoute.FromString(packed.value)
    change(said)
    packed.Pack(said, deterministic=True)


def _wrong_page(route: pb.Route) -> None:
    def change(said: HeaderMutationPerRoute) -> None:
        said.mutations.request_mutations[0].append.header.value = layout.page(ORDERS)

    _says(route, change)


def _wrong_page_and_name(route: pb.Route) -> None:
    _wrong_page(route)
    route.name = f"d-{layout.page(ORDERS)}"


def _beside(route: pb.Route) -> None:
    def change(said: HeaderMutationPerRoute) -> None:
        said.mutations.request_mutations[
            0
        ].append.append_action = HeaderValueOption.APPEND_IF_EXISTS_OR_ADD

    _says(route, change)


def _no_page(route: pb.Route) -> None:
    del route.typed_per_filter_config[PAGE_FILTER]


def _to_a_backend(route: pb.Route) -> None:
    route.route.cluster = "users"


def _by_method(route: pb.Route) -> None:
    route.match.headers.add(name=":method").string_match.exact = "GET"


def _of_a_user(route: pb.Route) -> None:
    route.name = "r-0123456789"


def _with_a_policy(route: pb.Route) -> None:
    settings = route.typed_per_filter_config["envoy.filters.http.rbac"]
    settings.type_url = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute"


def _everything_first(table: RouteConfiguration) -> None:
    (host,) = (h for h in table.virtual_hosts if h.name == TO_USERS.part.partition("/")[0])
    kept = pb.VirtualHost()
    kept.CopyFrom(host)
    del host.routes[:]
    own = [r for r in kept.routes if not r.name.startswith("d-")]
    chosen = [r for r in kept.routes if r.name.startswith("d-")]
    assert len(chosen) > 1
    assert chosen[-1].match.prefix == "/"
    host.routes.extend([*own[:1], chosen[-1], *chosen[:-1], *own[1:]])


def _without_the_rest(table: RouteConfiguration) -> None:
    (host,) = (h for h in table.virtual_hosts if h.name == TO_USERS.part.partition("/")[0])
    (at,) = (n for n, r in enumerate(host.routes) if r.match.prefix == "/" and r.name[:2] == "d-")
    del host.routes[at]


def _what_is_no_host(table: RouteConfiguration) -> None:
    (host,) = (h for h in table.virtual_hosts if h.name == TO_USERS.part.partition("/")[0])
    del host.routes[0]


def _other_domains(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].domains[:] = ["elsewhere.example.com"]


def _no_end(table: RouteConfiguration) -> None:
    kept = [r for r in table.virtual_hosts[0].routes if r.name != NOT_FOUND]
    del table.virtual_hosts[0].routes[:]
    table.virtual_hosts[0].routes.extend(kept)


def _header_kept(table: RouteConfiguration) -> None:
    del table.request_headers_to_remove[:]


def _upgraded(route: pb.Route) -> None:
    route.route.upgrade_configs.add(upgrade_type="websocket")


def _goes_nowhere(route: pb.Route) -> None:
    route.route.cluster = NOWHERE


def _scope_lost(whole: Snapshot) -> Snapshot:
    return without(whole, SCOPE, layout.page(USERS))


def _page_lost(whole: Snapshot) -> Snapshot:
    return without(whole, ROUTES, USERS)


def _in_scope(change: Callable[[ScopedRouteConfiguration], None]) -> Apply:
    def apply(whole: Snapshot) -> Snapshot:
        one = whole.of(SCOPE)[layout.page(USERS)]
        scope = ScopedRouteConfiguration.FromString(one.body)
        change(scope)
        made = resource(SCOPE, one.name, scope, needs=one.needs)
        return replaced(whole, SCOPE, one.name, lambda _: made)

    return apply


def _other_key(scope: ScopedRouteConfiguration) -> None:
    scope.key.fragments[0].string_key = "other"


def _other_table(scope: ScopedRouteConfiguration) -> None:
    scope.route_configuration_name = ORDERS


def _page_of_nobody(whole: Snapshot) -> Snapshot:
    one = whole.of(ROUTES)[USERS]
    table = RouteConfiguration.FromString(one.body)
    table.name = f"{TABLE}/0123456789"
    scope = ScopedRouteConfiguration(name="0123456789", route_configuration_name=table.name)
    scope.key.fragments.add(string_key="0123456789")
    needs = {next(iter(whole.of(SCOPE)[layout.page(USERS)].needs))._replace(name=table.name)}
    return beside(
        whole,
        resource(ROUTES, table.name, table, needs=one.needs),
        resource(SCOPE, scope.name, scope, needs=needs),
    )


def _scope_forgotten(whole: Snapshot) -> Snapshot:
    first = whole.of(ROUTES)[FIRST]
    less = {n for n in first.needs if n.name != layout.page(USERS)}
    return replaced(whole, ROUTES, FIRST, lambda one: replace(one, needs=frozenset(less)))


def _somebody_nowhere(whole: Snapshot) -> Snapshot:
    cluster = Cluster.FromString(whole.of(CLUSTER)[NOWHERE].body)
    place = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address
    place.socket_address.address, place.socket_address.port_value = "10.0.0.1", 80
    return replaced(whole, CLUSTER, NOWHERE, lambda _: resource(CLUSTER, NOWHERE, cluster))


_Manager = hcm_pb2.HttpConnectionManager


def _early(manager: _Manager, change: Callable[[early_pb2.HeaderMutation], None]) -> None:
    packed = manager.early_header_mutation_extensions[0].typed_config
    found = early_pb2.HeaderMutation.FromString(packed.value)
    change(found)
    packed.Pack(found, deterministic=True)


def _client_chooses(manager: _Manager) -> None:
    def change(found: early_pb2.HeaderMutation) -> None:
        del found.mutations[-1]

    _early(manager, change)


def _said_before_it_is_removed(manager: _Manager) -> None:
    def change(found: early_pb2.HeaderMutation) -> None:
        several = [*found.mutations]
        del found.mutations[:]
        found.mutations.extend([several[-1], *several[:-1]])

    _early(manager, change)


def _said_beside(manager: _Manager) -> None:
    def change(found: early_pb2.HeaderMutation) -> None:
        found.mutations[-1].append.append_action = HeaderValueOption.ADD_IF_ABSENT

    _early(manager, change)


def _filter(manager: _Manager, name: str) -> hcm_pb2.HttpFilter:
    (found,) = (one for one in manager.http_filters if one.name == name)
    return found


def _no_reselection(manager: _Manager) -> None:
    del manager.http_filters[1]


def _reselection_off(manager: _Manager) -> None:
    _filter(manager, RESELECT_FILTER).disabled = True


def _reselection_late(manager: _Manager) -> None:
    kept = hcm_pb2.HttpFilter()
    kept.CopyFrom(manager.http_filters[1])
    del manager.http_filters[1]
    manager.http_filters.insert(4, kept)


def _some_reselected(manager: _Manager) -> None:
    packed = _filter(manager, RESELECT_FILTER).typed_config
    tagging = IPTagging.FromString(packed.value)
    tagging.ip_tags[0].ip_list[0].prefix_len.value = 8
    packed.Pack(tagging, deterministic=True)


def _tag_appended(manager: _Manager) -> None:
    packed = _filter(manager, RESELECT_FILTER).typed_config
    tagging = IPTagging.FromString(packed.value)
    tagging.ClearField("ip_tag_header")
    packed.Pack(tagging, deterministic=True)


def _page_filter_off(manager: _Manager) -> None:
    _filter(manager, PAGE_FILTER).disabled = True


def _buffer_off(manager: _Manager) -> None:
    _filter(manager, BUFFER).disabled = True


def _other_header(manager: _Manager) -> None:
    part = manager.scoped_routes.scope_key_builder.fragments[0].header_value_extractor
    part.name = "x-page"


def _part_of_the_header(manager: _Manager) -> None:
    part = manager.scoped_routes.scope_key_builder.fragments[0].header_value_extractor
    part.element_separator = ","


def _scopes_from_elsewhere(manager: _Manager) -> None:
    source = manager.scoped_routes.scoped_rds.scoped_rds_config_source
    source.path_config_source.path = "/etc/scopes"


def _tables_from_elsewhere(manager: _Manager) -> None:
    manager.scoped_routes.rds_config_source.path_config_source.path = "/etc/routes"


def _one_page_alone(manager: _Manager) -> None:
    source = manager.scoped_routes.rds_config_source
    manager.rds.config_source.CopyFrom(source)
    manager.rds.route_config_name = USERS


_HOST = TO_USERS.part.partition("/")[0]
_LISTENERS = (
    ("client-chooses-the-page", _client_chooses),
    ("page-said-before-it-is-removed", _said_before_it_is_removed),
    ("page-said-beside-another", _said_beside),
    ("no-reselection", _no_reselection),
    ("reselection-off", _reselection_off),
    ("reselection-after-others", _reselection_late),
    ("reselection-of-some", _some_reselected),
    ("reselection-without-a-header", _tag_appended),
    ("page-filter-off", _page_filter_off),
    ("buffer-off-in-pages", _buffer_off),
    ("scopes-of-another-header", _other_header),
    ("scopes-of-a-part-of-the-header", _part_of_the_header),
    ("scopes-from-elsewhere", _scopes_from_elsewhere),
    ("pages-from-elsewhere", _tables_from_elsewhere),
)
_DISPATCHES = (
    ("dispatcher-to-the-wrong-page", _wrong_page),
    ("dispatcher-appends-the-page", _beside),
    ("dispatcher-says-no-page", _no_page),
    ("dispatcher-to-a-backend", _to_a_backend),
    ("dispatcher-by-method", _by_method),
    ("dispatcher-with-a-policy", _with_a_policy),
)

OF_PAGES = (
    *(Damage(name=n, apply=in_manager(c), blamed=listener()) for n, c in _LISTENERS),
    *(Damage(name=n, apply=_in_dispatcher(c), blamed=TO_USERS) for n, c in _DISPATCHES),
    Damage(
        name="dispatcher-to-a-page-of-another-host",
        apply=_in_dispatcher(_wrong_page_and_name),
        blamed=Subject(ROUTES, FIRST, f"{_HOST}/d-{layout.page(ORDERS)}"),
    ),
    Damage(
        name="dispatcher-with-a-users-route",
        apply=_in_dispatcher(_of_a_user),
        blamed=Subject(ROUTES, FIRST, f"{_HOST}/r-0123456789"),
    ),
    Damage(
        name="dispatcher-with-everything-first",
        apply=_in_table(FIRST, _everything_first),
        blamed=Subject(ROUTES, FIRST, _HOST),
    ),
    Damage(
        name="dispatcher-without-the-rest",
        apply=_in_table(FIRST, _without_the_rest),
        blamed=Subject(ROUTES, FIRST, _HOST),
    ),
    Damage(
        name="dispatcher-takes-what-is-no-host",
        apply=_in_table(FIRST, _what_is_no_host),
        blamed=Subject(ROUTES, FIRST, _HOST),
    ),
    Damage(name="page-of-other-hosts", apply=_in_table(USERS, _other_domains), blamed=TO_USERS),
    Damage(
        name="page-without-an-end",
        apply=_in_table(USERS, _no_end),
        blamed=Subject(ROUTES, USERS, _HOST),
    ),
    Damage(
        name="page-tells-backends",
        apply=_in_table(USERS, _header_kept),
        blamed=Subject(ROUTES, USERS),
    ),
    Damage(
        name="page-takes-upgrades-alone",
        apply=_in_table(USERS, _at(_rule("/users/{id}"), _upgraded)),
        blamed=Subject(ROUTES, USERS, _rule("/users/{id}")),
    ),
    Damage(
        name="page-goes-nowhere",
        apply=_in_table(USERS, _at(_rule("/users/{id}"), _goes_nowhere)),
        blamed=Subject(ROUTES, USERS, _rule("/users/{id}")),
    ),
    Damage(name="scope-lost", apply=_scope_lost, blamed=TO_USERS),
    Damage(name="page-lost", apply=_page_lost, blamed=Subject(SCOPE, layout.page(USERS))),
    Damage(
        name="scope-of-another-name",
        apply=_in_scope(_other_key),
        blamed=Subject(SCOPE, layout.page(USERS)),
    ),
    Damage(
        name="scope-to-another-page",
        apply=_in_scope(_other_table),
        blamed=Subject(SCOPE, layout.page(USERS)),
    ),
    Damage(name="dispatcher-before-its-scope", apply=_scope_forgotten, blamed=TO_USERS),
    Damage(
        name="page-of-nobody",
        apply=_page_of_nobody,
        blamed=Subject(ROUTES, f"{TABLE}/0123456789"),
    ),
    Damage(name="somebody-is-nowhere", apply=_somebody_nowhere, blamed=Subject(CLUSTER, NOWHERE)),
    Damage(name="listener-of-one-page", apply=in_manager(_one_page_alone), blamed=listener()),
)
