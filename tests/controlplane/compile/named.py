"""What a message names, found by its descriptors: the oracle of `Resource.needs`.

It knows no compiler of ours. A string field that speaks of a cluster, a secret or a table and that
no list below knows fails the test that meets it, so that a new feature cannot go unseen.
"""

from collections.abc import Iterator

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig
from google.protobuf import symbol_database
from google.protobuf.any_pb2 import Any
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from controlplane.compile.pages.selection import HEADER
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    PREFIX,
    ROUTES,
    SCOPE,
    SECRET,
    Reference,
    Resource,
)

_ROUTE = "envoy.config.route.v3."
_CORE = "envoy.config.core.v3."
_FILTERS = "envoy.extensions.filters.network."

FIELDS = {
    f"{_ROUTE}RouteAction.cluster": CLUSTER,
    f"{_ROUTE}RouteAction.RequestMirrorPolicy.cluster": CLUSTER,
    f"{_ROUTE}WeightedCluster.ClusterWeight.name": CLUSTER,
    f"{_ROUTE}ScopedRouteConfiguration.route_configuration_name": ROUTES,
    f"{_CORE}GrpcService.EnvoyGrpc.cluster_name": CLUSTER,
    f"{_CORE}HttpUri.cluster": CLUSTER,
    f"{_FILTERS}http_connection_manager.v3.Rds.route_config_name": ROUTES,
    f"{_FILTERS}tcp_proxy.v3.TcpProxy.cluster": CLUSTER,
    f"{_FILTERS}tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight.name": CLUSTER,
}
"""String fields that name a resource whenever they are set."""

OTHERS = {
    "envoy.config.endpoint.v3.ClusterLoadAssignment.cluster_name",  # its own name, or its cluster's
}
"""String fields that speak of such a thing and need nothing."""

TELLING = ("cluster", "secret", "route_config")


def named(resource: Resource) -> frozenset[Reference]:
    """Every resource that a resource names, at any depth and in every Any."""
    return frozenset(_named(unpacked(Any(type_url=resource.type_url, value=resource.body))))


def unpacked(packed: Any) -> Message:
    """The message in an Any; its module must have been imported."""
    name = packed.type_url.removeprefix(PREFIX)
    message: Message = symbol_database.Default().GetSymbol(name)()
    message.ParseFromString(packed.value)
    return message


def _named(message: Message) -> Iterator[Reference]:
    if isinstance(message, Any):
        if message.type_url:
            yield from _named(unpacked(message))
        return
    yield from _known(message)
    for field, value in message.ListFields():
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        below = value.values() if is_map else value if field.is_repeated else [value]
        for one in below:
            if isinstance(one, Message):
                yield from _named(one)
            elif isinstance(one, str):
                yield from _string(field, one)


def _known(message: Message) -> Iterator[Reference]:
    """What messages name that are no string of FIELDS."""
    if isinstance(message, Cluster) and message.type == Cluster.EDS:
        yield Reference(ENDPOINTS, message.eds_cluster_config.service_name or message.name)
    if isinstance(message, hcm_pb2.HttpFilter) and message.HasField("config_discovery"):
        yield Reference(EXTENSION, message.name)
    if isinstance(message, HeaderMutation) and message.append.header.key == HEADER:
        yield Reference(SCOPE, message.append.header.value)
    if isinstance(message, SdsSecretConfig) and message.HasField("sds_config"):
        yield Reference(SECRET, message.name)


def _string(field: FieldDescriptor, value: str) -> Iterator[Reference]:
    if field.full_name in FIELDS:
        yield Reference(FIELDS[field.full_name], value)
    elif field.full_name not in OTHERS and any(word in field.name for word in TELLING):
        raise UnlistedFieldError(field.full_name, value)


class UnlistedFieldError(Exception):
    """A field that seems to name a resource is in none of the lists: say which it is."""

    def __init__(self, field: str, value: str) -> None:
        super().__init__(field, value)
        self.field = field
        self.value = value
