"""The bootstrap of the proving Envoy: like the fleet's in what resources can meet, small else."""

from pathlib import Path

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ApiConfigSource, ApiVersion, ConfigSource
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from controlplane.bootstrap import XDS_CLUSTER, address

NAME = "foregate-prover"
LOCAL_CLUSTER = "local_cluster"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def bootstrap(xds: Path, admin: Path) -> bytes:
    """Give a serialized Bootstrap: all by delta xDS, with both addresses Unix sockets."""
    made = Bootstrap()
    made.node.id = made.node.cluster = NAME
    made.admin.address.CopyFrom(address(str(admin)))
    control = made.static_resources.clusters.add(name=XDS_CLUSTER, type=Cluster.STATIC)
    control.connect_timeout.seconds = 1
    control.load_assignment.cluster_name = XDS_CLUSTER
    endpoint = control.load_assignment.endpoints.add().lb_endpoints.add().endpoint
    endpoint.address.CopyFrom(address(str(xds)))
    options = HttpProtocolOptions()
    options.explicit_http_config.http2_protocol_options.SetInParent()
    control.typed_extension_protocol_options[HTTP_OPTIONS].Pack(options)
    local = made.static_resources.clusters.add(name=LOCAL_CLUSTER, type=Cluster.STATIC)
    local.connect_timeout.seconds = 1
    local.load_assignment.cluster_name = LOCAL_CLUSTER
    made.cluster_manager.local_cluster_name = LOCAL_CLUSTER
    dynamic = made.dynamic_resources
    dynamic.ads_config.api_type = ApiConfigSource.DELTA_GRPC
    dynamic.ads_config.transport_api_version = ApiVersion.V3
    dynamic.ads_config.set_node_on_first_message_only = True
    dynamic.ads_config.grpc_services.add().envoy_grpc.cluster_name = XDS_CLUSTER
    for source in (dynamic.lds_config, dynamic.cds_config):
        _by_ads(source)
    # Thousands of clusters have hundreds of statistics each, and nobody reads these.
    made.stats_config.stats_matcher.inclusion_list.patterns.add().prefix = "listener_manager."
    return made.SerializeToString(deterministic=True)


def _by_ads(source: ConfigSource) -> None:
    source.ads.SetInParent()
    source.resource_api_version = ApiVersion.V3
    source.initial_fetch_timeout.SetInParent()
