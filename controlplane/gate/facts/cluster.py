"""What a Cluster says, and what its endpoints are."""

import ipaddress
from collections.abc import Iterator

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ConfigSource
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext

from controlplane.compile.clusters import NOWHERE
from controlplane.gate.facts.facts import Facts, Named, Wrong
from controlplane.snapshot import ENDPOINTS, SECRET, Reference

OURS = "foregate:"
"""How the clusters of Foregate's own services begin: who serves there comes and goes."""


def cluster_facts(body: bytes) -> Facts:
    """Read a cluster. Raises DecodeError."""
    cluster = Cluster.FromString(body)
    wrong: list[Wrong] = []
    named: list[Named] = []
    if not cluster.HasField("cluster_type") and cluster.type == Cluster.EDS:
        name = cluster.eds_cluster_config.service_name or cluster.name
        named.append(Named("", Reference(ENDPOINTS, name)))
        if not from_here(cluster.eds_cluster_config.eds_config):
            wrong.append(Wrong("", "its endpoints are to come from elsewhere"))
    else:
        by_address = not cluster.HasField("cluster_type") and cluster.type == Cluster.STATIC
        nobody = cluster.name == NOWHERE
        wrong += _members(cluster.load_assignment, by_address=by_address, may_be_empty=nobody)
        if nobody and cluster.load_assignment.endpoints:
            wrong.append(Wrong("", "somebody is where nobody may be"))
    context = UpstreamTlsContext()
    if cluster.transport_socket.typed_config.Is(UpstreamTlsContext.DESCRIPTOR):
        cluster.transport_socket.typed_config.Unpack(context)
        wrong += _tls(context)
        named += (Named("", Reference(SECRET, s)) for s in _secrets(context))
    return Facts(
        name=cluster.name,
        wrong=tuple(wrong),
        named=tuple(named),
        references=frozenset(one.reference for one in named),
    )


def endpoints_facts(body: bytes) -> Facts:
    """Read the endpoints of a cluster. Raises DecodeError."""
    found = ClusterLoadAssignment.FromString(body)
    may_be_empty = found.cluster_name.startswith(OURS)
    wrong = _members(found, by_address=True, may_be_empty=may_be_empty)
    return Facts(name=found.cluster_name, wrong=tuple(wrong))


def from_here(source: ConfigSource) -> bool:
    """Whether a resource is to come over the same stream."""
    return source.WhichOneof("config_source_specifier") == "ads"


def _members(
    found: ClusterLoadAssignment, *, by_address: bool, may_be_empty: bool
) -> Iterator[Wrong]:
    members = [one for locality in found.endpoints for one in locality.lb_endpoints]
    if not members and not may_be_empty:
        yield Wrong("", "it has no endpoints: every answer is 503")
    for one in members:
        address = one.endpoint.address
        kind = address.WhichOneof("address")
        if kind == "pipe":
            continue
        socket = address.socket_address
        if kind is None or not socket.address:
            yield Wrong("", "an endpoint has no address")
        elif not socket.port_value:
            yield Wrong("", f"the endpoint {socket.address} has no port")
        elif by_address and not _is_address(socket.address):
            yield Wrong("", f"the endpoint '{socket.address}' is no IP address")
        elif one.HasField("load_balancing_weight") and not one.load_balancing_weight.value:
            yield Wrong("", f"the endpoint {socket.address} is sent nothing")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _tls(context: UpstreamTlsContext) -> Iterator[Wrong]:
    common = context.common_tls_context
    kind = common.WhichOneof("validation_context_type")
    if kind is None:
        yield Wrong("", "nobody verifies who answers")
    elif kind == "validation_context":
        checked = common.validation_context
        if not checked.HasField("trusted_ca"):
            yield Wrong("", "nobody verifies who answers: no authorities are trusted")
        if not checked.match_typed_subject_alt_names:
            yield Wrong("", "whoever has a certificate may answer: no name is compared")


def _secrets(context: UpstreamTlsContext) -> Iterator[str]:
    common = context.common_tls_context
    yield from (s.name for s in common.tls_certificate_sds_secret_configs)
    if common.HasField("validation_context_sds_secret_config"):
        yield common.validation_context_sds_secret_config.name
