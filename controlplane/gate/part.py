"""A part of a snapshot, closed in itself, in the two forms that Envoy is shown it.

`envoy --mode validate` reads one static file: clusters carry their endpoints there, and listeners
their route tables. The prover is sent what a node would be sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)

from controlplane.prover.readers import managers, readers, scoped, tables_of
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    SCOPE,
    Resource,
    Snapshot,
    resource,
    snapshot,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Messages that need nothing else. `others` are resources that validating does not look at."""

    clusters: tuple[Cluster, ...]
    endpoints: Mapping[str, ClusterLoadAssignment]
    listeners: tuple[Listener, ...]
    tables: Mapping[str, RouteConfiguration]
    others: tuple[Resource, ...] = ()

    def bootstrap(self) -> bytes:
        """Give it as one static file; a serialized `Bootstrap`."""
        made = Bootstrap()
        made.node.id = made.node.cluster = "foregate-gate"
        static = made.static_resources
        static.clusters.extend(with_endpoints(one, self.endpoints) for one in self.clusters)
        scopes = [ScopedRouteConfiguration.FromString(r.body) for r in self._scopes()]
        read = [name for one in self.listeners for name in tables_of(one)]
        if any(map(scoped, self.listeners)):
            read += (one.route_configuration_name for one in scopes)
        listeners = (*self.listeners, *readers(self.tables, read))
        static.listeners.extend(with_tables(one, self.tables, scopes) for one in listeners)
        return made.SerializeToString(deterministic=True)

    def _scopes(self) -> Iterator[Resource]:
        return (one for one in self.others if one.type_url == SCOPE)

    def snapshot(self) -> Snapshot:
        """Give it as resources."""
        return snapshot(
            (
                *(resource(CLUSTER, one.name, one) for one in self.clusters),
                *(resource(ENDPOINTS, name, one) for name, one in self.endpoints.items()),
                *(resource(LISTENER, one.name, one) for one in self.listeners),
                *(resource(ROUTES, name, one) for name, one in self.tables.items()),
                *self.others,
            )
        )


class DanglingResourceError(Exception):
    """A snapshot names a resource that it does not hold: a mistake of ours, in the compiler."""

    def __init__(self, type_url: str, name: str) -> None:
        super().__init__(type_url, name)
        self.type_url = type_url
        self.name = name


def endpoints_of(cluster: Cluster) -> str:
    """Name the endpoints that an EDS cluster has, empty for another."""
    if cluster.type != Cluster.EDS:
        return ""
    return cluster.eds_cluster_config.service_name or cluster.name


def with_endpoints(cluster: Cluster, endpoints: Mapping[str, ClusterLoadAssignment]) -> Cluster:
    """Turn an EDS cluster into a static one that holds its endpoints; leave any other."""
    name = endpoints_of(cluster)
    if not name:
        return cluster
    static = Cluster()
    static.CopyFrom(cluster)
    static.ClearField("eds_cluster_config")
    static.type = Cluster.STATIC
    static.load_assignment.CopyFrom(endpoints[name])
    return static


def with_tables(
    listener: Listener,
    tables: Mapping[str, RouteConfiguration],
    scopes: Iterable[ScopedRouteConfiguration] = (),
) -> Listener:
    """Put route tables into the connection managers that name them, or read scopes that do."""
    inlined = Listener()
    inlined.CopyFrom(listener)
    for network_filter in managers(inlined):
        manager = hcm.HttpConnectionManager()
        network_filter.typed_config.Unpack(manager)
        if manager.HasField("rds"):
            manager.route_config.CopyFrom(tables[manager.rds.route_config_name])
            network_filter.typed_config.Pack(manager, deterministic=True)
        elif manager.HasField("scoped_routes"):
            inside = manager.scoped_routes.scoped_route_configurations_list
            inside.SetInParent()
            for scope in scopes:
                one = inside.scoped_route_configurations.add()
                one.CopyFrom(scope)
                one.ClearField("route_configuration_name")
                one.route_configuration.CopyFrom(tables[scope.route_configuration_name])
            network_filter.typed_config.Pack(manager, deterministic=True)
    return inlined
