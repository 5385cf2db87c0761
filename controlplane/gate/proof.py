"""The configuration by which Envoy proves a snapshot: the same resources, none of them by xDS.

`envoy --mode validate` reads one static file. So clusters carry their endpoints, and listeners
their route tables. A proof of a part replaces what was left out by a harmless stand-in of the same
name: a part is then refused for what it holds and never for what it lacks.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)

from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Snapshot, Subject

MANAGER = "envoy.filters.network.http_connection_manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A snapshot's messages, parsed once; `units` is what a refusal can be narrowed down to."""

    clusters: tuple[Cluster, ...]
    listeners: tuple[Listener, ...]
    tables: tuple[RouteConfiguration, ...]
    units: tuple[Subject, ...]

    def whole(self) -> bytes:
        """Prove everything; a serialized `Bootstrap`."""
        return self.of(self.units)

    def of(self, chosen: Iterable[Subject]) -> bytes:
        """Prove some units, all others replaced by stand-ins."""
        wanted = frozenset(chosen)
        bootstrap = Bootstrap()
        bootstrap.node.id = bootstrap.node.cluster = "foregate-gate"
        static = bootstrap.static_resources
        for cluster in self.clusters:
            static.clusters.append(
                cluster if Subject(CLUSTER, cluster.name) in wanted else _no_cluster(cluster.name)
            )
        tables = {table.name: _part_of(table, wanted) for table in self.tables}
        unread = dict(tables)
        for listener in self.listeners:
            if Subject(LISTENER, listener.name) in wanted:
                static.listeners.append(with_tables(listener, tables))
                for name in _tables_of(listener):
                    unread.pop(name, None)
        for number, table in enumerate(unread.values(), 1):
            static.listeners.append(_only_routes(number, table))
        return bootstrap.SerializeToString(deterministic=True)


def proof(snapshot: Snapshot) -> Proof:
    """Parse a snapshot. Raises DanglingResourceError if it names a resource that it lacks."""
    endpoints = {
        name: ClusterLoadAssignment.FromString(r.body) for name, r in snapshot.of(ENDPOINTS).items()
    }
    clusters = tuple(
        with_endpoints(Cluster.FromString(r.body), endpoints) for r in snapshot.of(CLUSTER).values()
    )
    listeners = tuple(Listener.FromString(r.body) for r in snapshot.of(LISTENER).values())
    tables = tuple(RouteConfiguration.FromString(r.body) for r in snapshot.of(ROUTES).values())
    known = {table.name for table in tables}
    for listener in listeners:
        for name in _tables_of(listener):
            if name not in known:
                raise DanglingResourceError(ROUTES, name)
    return Proof(
        clusters=clusters,
        listeners=listeners,
        tables=tables,
        units=_units(clusters, tables, listeners),
    )


class DanglingResourceError(Exception):
    """A snapshot names a resource that it does not hold: a mistake of ours, in the compiler."""

    def __init__(self, type_url: str, name: str) -> None:
        super().__init__(type_url, name)
        self.type_url = type_url
        self.name = name


def with_endpoints(cluster: Cluster, endpoints: dict[str, ClusterLoadAssignment]) -> Cluster:
    """Turn an EDS cluster into a static one that holds its endpoints; leave any other."""
    if cluster.type != Cluster.EDS:
        return cluster
    name = cluster.eds_cluster_config.service_name or cluster.name
    if name not in endpoints:
        raise DanglingResourceError(ENDPOINTS, name)
    static = Cluster()
    static.CopyFrom(cluster)
    static.ClearField("eds_cluster_config")
    static.type = Cluster.STATIC
    static.load_assignment.CopyFrom(endpoints[name])
    return static


def with_tables(listener: Listener, tables: dict[str, RouteConfiguration]) -> Listener:
    """Put route tables into the connection managers that name them."""
    inlined = Listener()
    inlined.CopyFrom(listener)
    for network_filter in _managers(inlined):
        manager = hcm.HttpConnectionManager()
        network_filter.typed_config.Unpack(manager)
        if manager.HasField("rds"):
            manager.route_config.CopyFrom(tables[manager.rds.route_config_name])
            network_filter.typed_config.Pack(manager, deterministic=True)
    return inlined


def _units(
    clusters: tuple[Cluster, ...],
    tables: tuple[RouteConfiguration, ...],
    listeners: tuple[Listener, ...],
) -> tuple[Subject, ...]:
    """Lowest first, so that the shortest refused prefix ends at a host only if no route is bad."""
    found = [Subject(CLUSTER, cluster.name) for cluster in clusters]
    for table in tables:
        hosts = table.virtual_hosts
        found.append(Subject(ROUTES, table.name))
        found += [Subject(ROUTES, table.name, host.name) for host in hosts]
        found += [
            Subject(ROUTES, table.name, f"{host.name}/{route.name}")
            for host in hosts
            for route in host.routes
        ]
    found += [Subject(LISTENER, listener.name) for listener in listeners]
    return tuple(dict.fromkeys(found))


def _part_of(table: RouteConfiguration, wanted: Collection[Subject]) -> RouteConfiguration:
    """Take the chosen hosts and routes of a table; each cluster that they name must exist."""
    part = RouteConfiguration(name=table.name)
    if Subject(ROUTES, table.name) in wanted:
        part.CopyFrom(table)
        part.ClearField("virtual_hosts")
    part.validate_clusters.value = True
    for number, host in enumerate(table.virtual_hosts):
        routes = [
            route
            for route in host.routes
            if Subject(ROUTES, table.name, f"{host.name}/{route.name}") in wanted
        ]
        if Subject(ROUTES, table.name, host.name) in wanted:
            chosen = part.virtual_hosts.add()
            chosen.CopyFrom(host)
            chosen.ClearField("routes")
            chosen.routes.extend(routes)
        elif routes:
            part.virtual_hosts.append(
                VirtualHost(name=f"host-{number}", domains=[f"{number}.invalid"], routes=routes)
            )
    return part


def _no_cluster(name: str) -> Cluster:
    return Cluster(
        name=name,
        type=Cluster.STATIC,
        load_assignment=ClusterLoadAssignment(cluster_name=name),
    )


def _only_routes(number: int, table: RouteConfiguration) -> Listener:
    """Make a listener that only reads a table; nothing is bound when Envoy validates."""
    router = hcm.HttpFilter(name="envoy.filters.http.router")
    router.typed_config.Pack(Router())
    manager = Filter(name=MANAGER)
    manager.typed_config.Pack(
        hcm.HttpConnectionManager(stat_prefix="gate", route_config=table, http_filters=[router])
    )
    return Listener(
        name=f"foregate-gate-{number}",
        address=Address(
            socket_address=SocketAddress(
                address=f"127.77.{number >> 8 & 255}.{number & 255}", port_value=9
            )
        ),
        filter_chains=[FilterChain(filters=[manager])],
    )


def _managers(listener: Listener) -> list[Filter]:
    chains = [*listener.filter_chains]
    if listener.HasField("default_filter_chain"):
        chains.append(listener.default_filter_chain)
    return [
        one
        for chain in chains
        for one in chain.filters
        if one.typed_config.Is(hcm.HttpConnectionManager.DESCRIPTOR)
    ]


def _tables_of(listener: Listener) -> list[str]:
    names = []
    for network_filter in _managers(listener):
        manager = hcm.HttpConnectionManager()
        network_filter.typed_config.Unpack(manager)
        if manager.HasField("rds"):
            names.append(manager.rds.route_config_name)
    return names
