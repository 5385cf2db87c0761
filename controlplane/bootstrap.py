"""The generated bootstrap made fit for one node whose place is known: `dev`, tests, the gate.

In production the file is used as it is and the node comes from Envoy's flags; here whoever starts
Envoy also chose the socket, so the result is complete and holds for this one process.
"""

import ipaddress
from dataclasses import dataclass

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.core.v3.address_pb2 import Address, Pipe, SocketAddress
from envoy.config.core.v3.config_source_pb2 import ApiConfigSource

# Parsing an Any needs its type to be known to protobuf: these are the ones the file holds.
from envoy.extensions.resource_monitors.downstream_connections.v3 import downstream_connections_pb2
from envoy.extensions.resource_monitors.fixed_heap.v3 import fixed_heap_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from google.protobuf import json_format

HELD = (downstream_connections_pb2, fixed_heap_pb2, http_protocol_options_pb2)
XDS_CLUSTER = "xds_cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One Envoy. An address is `/path/of/a/socket` or `IP:PORT` (port 0: any that is free)."""

    id: str
    cluster: str
    xds: str
    admin: str
    sotw: bool = False


def for_node(template: str, node: Node) -> str:
    """Give the bootstrap as JSON text, with the node's name, control plane and admin address."""
    bootstrap = json_format.Parse(template, Bootstrap())
    bootstrap.node.id = node.id
    bootstrap.node.cluster = node.cluster
    bootstrap.admin.address.CopyFrom(address(node.admin))
    for cluster in bootstrap.static_resources.clusters:
        if cluster.name == XDS_CLUSTER:
            endpoint = cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint
            endpoint.address.CopyFrom(address(node.xds))
    if node.sotw:
        bootstrap.dynamic_resources.ads_config.api_type = ApiConfigSource.GRPC
    return json_format.MessageToJson(bootstrap, preserving_proto_field_name=True)


def address(text: str) -> Address:
    """Read an address of Envoy; raises ValueError for what is neither a path nor `IP:PORT`."""
    if text.startswith("/"):
        return Address(pipe=Pipe(path=text))
    host, _, port = text.rpartition(":")
    ip = ipaddress.ip_address(host.strip("[]"))
    return Address(socket_address=SocketAddress(address=str(ip), port_value=int(port)))
