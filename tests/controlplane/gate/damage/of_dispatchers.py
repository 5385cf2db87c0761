"""Damage to what chooses pages."""

from collections.abc import Callable

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutationPerRoute,
)

from controlplane import layout
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.compile.pages.selection import PAGE_FILTER
from controlplane.snapshot import ROUTES, Subject
from tests.controlplane.gate.damage.damage import (
    Apply,
    Damage,
)
from tests.controlplane.gate.damage.in_tables import at, in_a_table
from tests.controlplane.gate.damage.layouts import (
    FIRST,
    ORDERS,
    TO_USERS,
)


def _in_dispatcher(change: Callable[[pb.Route], None], of: Subject = TO_USERS) -> Apply:
    return in_a_table(FIRST, at(of.part, change))


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


def _ends_first(table: RouteConfiguration) -> None:
    (host,) = (h for h in table.virtual_hosts if h.name == _HOST)
    (at,) = (n for n, r in enumerate(host.routes) if r.name == NOT_FOUND and r.match.prefix)
    last = pb.Route.FromString(host.routes[at].SerializeToString())
    del host.routes[at]
    host.routes.insert(1, last)


_HOST = TO_USERS.part.partition("/")[0]
_DISPATCHES = (
    ("dispatcher-to-the-wrong-page", _wrong_page),
    ("dispatcher-appends-the-page", _beside),
    ("dispatcher-says-no-page", _no_page),
    ("dispatcher-to-a-backend", _to_a_backend),
    ("dispatcher-by-method", _by_method),
    ("dispatcher-with-a-policy", _with_a_policy),
)

OF_DISPATCHERS = (
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
        apply=in_a_table(FIRST, _everything_first),
        blamed=Subject(ROUTES, FIRST, _HOST),
    ),
    Damage(
        name="dispatcher-without-the-rest",
        apply=in_a_table(FIRST, _without_the_rest),
        blamed=Subject(ROUTES, FIRST, _HOST),
    ),
    Damage(
        name="dispatcher-takes-what-is-no-host",
        apply=in_a_table(FIRST, _what_is_no_host),
        blamed=Subject(ROUTES, FIRST, _HOST),
    ),
    Damage(
        name="dispatcher-that-ends-first",
        apply=in_a_table(FIRST, _ends_first),
        blamed=Subject(ROUTES, FIRST, _HOST),
    ),
)
