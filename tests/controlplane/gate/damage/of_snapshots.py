"""Damage to the set: what is missing, too much, under a wrong name, or of a wrong kind."""

from dataclasses import replace

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration

from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    SCOPE,
    Reference,
    Resource,
    Snapshot,
    Subject,
    resource,
)
from tests.controlplane.gate.damage.damage import (
    Damage,
    beside,
    renamed,
    replaced,
    spoilt,
    without,
)
from tests.controlplane.gate.damage.example import (
    TABLE,
    cluster,
    endpoints,
    front,
    listener,
    route,
    table,
)
from tests.controlplane.gate.damage.layouts import written


def _lost(whole: Snapshot) -> Snapshot:
    return without(whole, CLUSTER, "named")


def _endpoints_lost(whole: Snapshot) -> Snapshot:
    return without(whole, ENDPOINTS, "users")


def _table_lost(whole: Snapshot) -> Snapshot:
    return without(whole, ROUTES, TABLE)


def _service_lost(whole: Snapshot) -> Snapshot:
    return without(whole, CLUSTER, "foregate:extauthz")


def _cluster_misnamed(whole: Snapshot) -> Snapshot:
    return renamed(whole, CLUSTER, "named", "secure-2")


def _endpoints_misnamed(whole: Snapshot) -> Snapshot:
    def by(one: Resource) -> Resource:
        return replace(one, body=whole.of(ENDPOINTS)["orders"].body)

    return replaced(whole, ENDPOINTS, "users", by)


def _cluster_spoilt(whole: Snapshot) -> Snapshot:
    return spoilt(whole, CLUSTER, "users")


def _table_spoilt(whole: Snapshot) -> Snapshot:
    return spoilt(whole, ROUTES, written("", whole).name)


def _listener_spoilt(whole: Snapshot) -> Snapshot:
    return spoilt(whole, LISTENER, front(whole))


def _of_another_type(whole: Snapshot) -> Snapshot:
    def by(one: Resource) -> Resource:
        return replace(one, body=whole.of(LISTENER)[front(whole)].body)

    return replaced(whole, CLUSTER, "users", by)


def _second_listener(whole: Snapshot) -> Snapshot:
    its = whole.of(LISTENER)[front(whole)]
    again = Listener.FromString(its.body)
    again.name = "zzz"
    return beside(whole, resource(LISTENER, "zzz", again, needs=its.needs))


def _unknown_type(whole: Snapshot) -> Snapshot:
    url = "type.googleapis.com/foregate.auth.v1.ConsumerSet"
    return beside(whole, resource(url, "consumers", Cluster(name="consumers")))


def _versionless(whole: Snapshot) -> Snapshot:
    return replaced(whole, CLUSTER, "users", lambda one: replace(one, version=""))


def _needs_nobody(whole: Snapshot) -> Snapshot:
    needs = frozenset({Reference(CLUSTER, "gone")})
    return replaced(whole, CLUSTER, "secure", lambda one: replace(one, needs=needs))


def _order_lost(whole: Snapshot) -> Snapshot:
    def by(one: Resource) -> Resource:
        return replace(one, needs=one.needs - {Reference(CLUSTER, "named")})

    return replaced(whole, ROUTES, written(route("/named").part, whole).name, by)


def _order_of_endpoints_lost(whole: Snapshot) -> Snapshot:
    return replaced(whole, CLUSTER, "users", lambda one: replace(one, needs=frozenset()))


def _order_of_the_table_lost(whole: Snapshot) -> Snapshot:
    def by(one: Resource) -> Resource:
        kinds = {ROUTES, SCOPE}
        return replace(one, needs=frozenset(n for n in one.needs if n.type_url not in kinds))

    return replaced(whole, LISTENER, front(whole), by)


def _scope(parts: int, to: str = TABLE) -> ScopedRouteConfiguration:
    scope = ScopedRouteConfiguration(name="scope", route_configuration_name=to)
    for part in range(parts):
        scope.key.fragments.add(string_key=f"part-{part}")
    return scope


def _scope_of_two_parts(whole: Snapshot) -> Snapshot:
    return beside(whole, resource(SCOPE, "scope", _scope(2)))


def _scope_of_no_table(whole: Snapshot) -> Snapshot:
    return beside(whole, resource(SCOPE, "scope", _scope(1, to="gone")))


def _table_of_nobody(whole: Snapshot) -> Snapshot:
    one = whole.of(ROUTES)[written("", whole).name]
    table = RouteConfiguration.FromString(one.body)
    table.name, needs = "spare", one.needs
    return beside(whole, resource(ROUTES, "spare", table, needs=needs))


SCOPED = Subject(SCOPE, "scope")

OF_SNAPSHOTS = (
    Damage(name="cluster-lost", apply=_lost, blamed=route("/named")),
    Damage(name="endpoints-lost", apply=_endpoints_lost, blamed=cluster("users")),
    Damage(
        name="table-lost",
        apply=_table_lost,
        blamed=listener(),
        plain_alone="the listener names no table there: `page-lost` and `scope-lost` are the like",
    ),
    Damage(name="service-lost", apply=_service_lost, blamed=listener()),
    Damage(name="cluster-misnamed", apply=_cluster_misnamed, blamed=Subject(CLUSTER, "secure-2")),
    Damage(name="endpoints-of-others", apply=_endpoints_misnamed, blamed=endpoints("users")),
    Damage(name="cluster-in-pieces", apply=_cluster_spoilt, blamed=cluster("users")),
    Damage(name="table-in-pieces", apply=_table_spoilt, blamed=table()),
    Damage(name="listener-in-pieces", apply=_listener_spoilt, blamed=listener()),
    Damage(name="cluster-of-another-type", apply=_of_another_type, blamed=cluster("users")),
    Damage(name="two-listeners", apply=_second_listener, blamed=Subject(LISTENER, "zzz")),
    Damage(
        name="resource-of-no-envoy",
        apply=_unknown_type,
        blamed=Subject("type.googleapis.com/foregate.auth.v1.ConsumerSet", "consumers"),
    ),
    Damage(name="no-version", apply=_versionless, blamed=cluster("users")),
    Damage(name="needs-of-nobody", apply=_needs_nobody, blamed=cluster("secure")),
    Damage(name="cluster-after-its-route", apply=_order_lost, blamed=route("/named")),
    Damage(name="endpoints-alone", apply=_order_of_endpoints_lost, blamed=cluster("users")),
    Damage(name="table-after-listener", apply=_order_of_the_table_lost, blamed=listener()),
    Damage(name="scope-of-another-key", apply=_scope_of_two_parts, blamed=SCOPED),
    Damage(name="scope-of-no-table", apply=_scope_of_no_table, blamed=SCOPED),
    Damage(name="table-of-nobody", apply=_table_of_nobody, blamed=Subject(ROUTES, "spare")),
)
