"""The backends on this machine that a snapshot names: the demo upstream may stand in for them."""

import ipaddress
from collections.abc import Iterator

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from controlplane.snapshot import CLUSTER, ENDPOINTS, Snapshot
from foregate.dev.upstream import Backend

HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def local_backends(snapshot: Snapshot) -> tuple[Backend, ...]:
    """Give each loopback address of a backend that speaks plain HTTP/1.1, once, in order."""
    found: dict[tuple[str, int], Backend] = {}
    for resource in snapshot.of(CLUSTER).values():
        cluster = Cluster.FromString(resource.body)
        if cluster.HasField("transport_socket") or _speaks_http2(cluster):
            continue
        for host, port in _addresses(cluster, snapshot):
            if _is_loopback(host):
                found.setdefault((host, port), Backend(name=cluster.name, host=host, port=port))
    return tuple(found.values())


def _addresses(cluster: Cluster, snapshot: Snapshot) -> Iterator[tuple[str, int]]:
    assignment = cluster.load_assignment
    if cluster.type == Cluster.EDS:
        name = cluster.eds_cluster_config.service_name or cluster.name
        held = snapshot.of(ENDPOINTS).get(name)
        if held:
            assignment = ClusterLoadAssignment.FromString(held.body)
    for locality in assignment.endpoints:
        for one in locality.lb_endpoints:
            socket = one.endpoint.address.socket_address
            yield socket.address, socket.port_value


def _speaks_http2(cluster: Cluster) -> bool:
    options = HttpProtocolOptions()
    return (
        HTTP in cluster.typed_extension_protocol_options
        and cluster.typed_extension_protocol_options[HTTP].Unpack(options)
        and options.explicit_http_config.HasField("http2_protocol_options")
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
