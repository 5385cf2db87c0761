"""Backends as clusters: endpoints by EDS where they are addresses, by DNS where they are names."""

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.clusters.common.dns.v3.dns_pb2 import DnsLookupFamily
from envoy.extensions.clusters.dns.v3.dns_cluster_pb2 import DnsCluster
from envoy.extensions.network.dns_resolver.cares.v3.cares_dns_resolver_pb2 import (
    CaresDnsResolverConfig,
)
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    SubjectAltNameMatcher,
    TlsParameters,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from controlplane.compile.halves import cluster_steps
from controlplane.model.addresses import TLS, Address
from controlplane.model.backends import by_address, facts
from controlplane.model.gateway import Backend

_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CARES = "envoy.network.dns_resolver.cares"

NOWHERE = "foregate:nowhere"
"""The cluster of what is never forwarded, where Envoy wants one; no backend has such a name."""


def cluster(backend: Backend, trust_store: str, resolvers: tuple[Address, ...] = ()) -> Cluster:
    """The cluster of a backend, with its policies; no `resolvers` are those of Envoy's machine."""
    out = Cluster(name=backend.key.text)
    out.connect_timeout.seconds = 2
    if by_address(backend):
        out.type = Cluster.EDS
        out.eds_cluster_config.eds_config.ads.SetInParent()
        out.eds_cluster_config.eds_config.resource_api_version = ApiVersion.V3
    else:
        out.cluster_type.name = "envoy.cluster.dns"
        out.cluster_type.typed_config.Pack(_dns(resolvers), deterministic=True)
        out.load_assignment.CopyFrom(_members(backend))
    out.typed_extension_protocol_options[_HTTP].Pack(_protocol(backend), deterministic=True)
    if backend.protocol in TLS:
        out.transport_socket.name = "envoy.transport_sockets.tls"
        out.transport_socket.typed_config.Pack(_tls(backend, trust_store), deterministic=True)
    steps = cluster_steps()
    for setting in backend.settings:
        steps[setting.key](setting.value, facts(backend), out)
    return out


def nowhere() -> Cluster:
    """A cluster without endpoints."""
    out = Cluster(name=NOWHERE, type=Cluster.STATIC)
    out.load_assignment.cluster_name = NOWHERE
    return out


def endpoints(backend: Backend) -> ClusterLoadAssignment | None:
    """The members of a backend that EDS serves, or None where DNS finds them."""
    return _members(backend) if by_address(backend) else None


def _members(backend: Backend) -> ClusterLoadAssignment:
    out = ClusterLoadAssignment(cluster_name=backend.key.text)
    for priority, group in enumerate((backend.endpoints, backend.failover)):
        if not group:
            continue
        locality = out.endpoints.add(priority=priority)
        for endpoint in group:
            address = locality.lb_endpoints.add().endpoint.address.socket_address
            address.address = endpoint.host
            address.port_value = endpoint.port
    return out


def _dns(resolvers: tuple[Address, ...]) -> DnsCluster:
    out = DnsCluster(respect_dns_ttl=True, dns_lookup_family=DnsLookupFamily.V4_PREFERRED)
    if resolvers:
        asked = CaresDnsResolverConfig()
        for one in resolvers:
            address = asked.resolvers.add().socket_address
            address.address, address.port_value = one.host, one.port
        out.typed_dns_resolver_config.name = _CARES
        out.typed_dns_resolver_config.typed_config.Pack(asked, deterministic=True)
    return out


def _protocol(backend: Backend) -> HttpProtocolOptions:
    out = HttpProtocolOptions()
    if backend.protocol == "https":
        out.auto_config.http_protocol_options.SetInParent()
        out.auto_config.http2_protocol_options.SetInParent()
    elif facts(backend).http2:
        out.explicit_http_config.http2_protocol_options.SetInParent()
    else:
        out.explicit_http_config.http_protocol_options.SetInParent()
    return out


def _tls(backend: Backend, trust_store: str) -> UpstreamTlsContext:
    """A verified connection: Envoy checks nothing unless it is given authorities and a name."""
    address = backend.endpoints[0]
    out = UpstreamTlsContext()
    common = out.common_tls_context
    common.alpn_protocols.extend(["h2"] if backend.protocol == "grpcs" else ["h2", "http/1.1"])
    common.tls_params.tls_minimum_protocol_version = TlsParameters.TLSv1_2
    common.validation_context.trusted_ca.filename = trust_store
    name = common.validation_context.match_typed_subject_alt_names.add()
    name.matcher.exact = address.host
    if address.is_ip:
        name.san_type = SubjectAltNameMatcher.IP_ADDRESS
    else:
        name.san_type = SubjectAltNameMatcher.DNS
        out.sni = address.host
    return out
