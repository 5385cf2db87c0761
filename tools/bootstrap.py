"""The bootstrap of every Envoy of a fleet, from typed messages: `envoy/bootstrap.json`.

`envoy/bootstrap-unix.json` is the same for an Envoy that shares a socket with its control plane.

envoy-data-plane is the generator here because a misspelt field is a type error in it. It holds no
node and no secret: those come from the environment that starts Envoy,
`envoy -c bootstrap.json --service-node ID --service-cluster CLUSTER --service-zone ZONE
--config-yaml '{"node": {"metadata": {...}}}'` (Envoy merges the last over the file).
"""

import json
from datetime import timedelta

import betterproto2
from envoy_data_plane.envoy.config.bootstrap.v3 import (
    Admin,
    Bootstrap,
    BootstrapDynamicResources,
    BootstrapStaticResources,
    ClusterManager,
)
from envoy_data_plane.envoy.config.cluster.v3 import Cluster, ClusterDiscoveryType
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    AggregatedConfigSource,
    ApiConfigSource,
    ApiConfigSourceApiType,
    ApiVersion,
    ConfigSource,
    GrpcService,
    GrpcServiceEnvoyGrpc,
    Http2ProtocolOptions,
    KeepaliveSettings,
    Pipe,
    SocketAddress,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.config.overload.v3 import (
    OverloadAction,
    OverloadManager,
    ResourceMonitor,
    ThresholdTrigger,
    Trigger,
)
from envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections.v3 import (
    DownstreamConnectionsConfig,
)
from envoy_data_plane.envoy.extensions.resource_monitors.fixed_heap.v3 import FixedHeapConfig
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions,
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.google.protobuf import Any

XDS_CLUSTER = "xds_cluster"
XDS_SOCKET = "/run/foregate/xds.sock"
"""Where the containers of one host meet: a volume that only they have."""
LOCAL_CLUSTER = "local_cluster"
MAX_HEAP = 1 << 30
"""Bytes. Envoy sheds load against this figure: a container's limit must lie above it."""
MAX_CONNECTIONS = 50_000
"""Downstream connections of one Envoy, over all listeners; the admin page is not counted."""

HEAP = "envoy.resource_monitors.fixed_heap"
CONNECTIONS = "envoy.resource_monitors.global_downstream_max_connections"


def bootstrap() -> str:
    """Give the generated file as JSON text, with Envoy's own field names."""
    return _bootstrap(_tcp("127.0.0.1", 18000))


def bootstrap_unix() -> str:
    """Give the one whose control plane is reached by a Unix socket."""
    return _bootstrap(Address(pipe=Pipe(path=XDS_SOCKET)))


def _bootstrap(xds: Address) -> str:
    return _json(
        Bootstrap(
            admin=Admin(
                address=_tcp("127.0.0.1", 9901),
                # An Envoy that is full must still say so.
                ignore_global_conn_limit=True,
            ),
            static_resources=BootstrapStaticResources(
                clusters=[_xds_cluster(xds), _local_cluster()]
            ),
            dynamic_resources=BootstrapDynamicResources(
                lds_config=_from_ads(),
                cds_config=_from_ads(),
                ads_config=ApiConfigSource(
                    api_type=ApiConfigSourceApiType.DELTA_GRPC,
                    transport_api_version=ApiVersion.V3,
                    set_node_on_first_message_only=True,
                    grpc_services=[
                        GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=XDS_CLUSTER))
                    ],
                ),
            ),
            cluster_manager=ClusterManager(local_cluster_name=LOCAL_CLUSTER),
            overload_manager=_overload_manager(),
        )
    )


def _xds_cluster(address: Address) -> Cluster:
    """Name the control plane, reached over HTTP/2; a dead connection is noticed within 40 s."""
    http2 = HttpProtocolOptions(
        explicit_http_config=HttpProtocolOptionsExplicitHttpConfig(
            http2_protocol_options=Http2ProtocolOptions(
                connection_keepalive=KeepaliveSettings(
                    interval=timedelta(seconds=30), timeout=timedelta(seconds=10)
                )
            )
        )
    )
    return Cluster(
        name=XDS_CLUSTER,
        type=ClusterDiscoveryType.STATIC,
        connect_timeout=timedelta(seconds=1),
        typed_extension_protocol_options={
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": Any.pack(http2)
        },
        load_assignment=ClusterLoadAssignment(
            cluster_name=XDS_CLUSTER,
            endpoints=[
                LocalityLbEndpoints(lb_endpoints=[LbEndpoint(endpoint=Endpoint(address=address))])
            ],
        ),
    )


def _local_cluster() -> Cluster:
    """Name the fleet that this Envoy is one of, by which per-node limits are shared out.

    It names no member as long as no limit is shared: Envoy then counts itself alone.
    """
    return Cluster(
        name=LOCAL_CLUSTER,
        type=ClusterDiscoveryType.STATIC,
        connect_timeout=timedelta(seconds=1),
        load_assignment=ClusterLoadAssignment(cluster_name=LOCAL_CLUSTER),
    )


def _overload_manager() -> OverloadManager:
    """Shed load before the kernel kills: give memory back, end keep-alive, then refuse."""
    return OverloadManager(
        refresh_interval=timedelta(milliseconds=250),
        resource_monitors=[
            ResourceMonitor(
                name=HEAP,
                typed_config=Any.pack(FixedHeapConfig(max_heap_size_bytes=MAX_HEAP)),
            ),
            ResourceMonitor(
                name=CONNECTIONS,
                typed_config=Any.pack(
                    DownstreamConnectionsConfig(max_active_downstream_connections=MAX_CONNECTIONS)
                ),
            ),
        ],
        actions=[
            _at_heap("envoy.overload_actions.shrink_heap", 0.85),
            _at_heap("envoy.overload_actions.disable_http_keepalive", 0.90),
            _at_heap("envoy.overload_actions.stop_accepting_requests", 0.95),
            _at_heap("envoy.overload_actions.stop_accepting_connections", 0.98),
        ],
    )


def _at_heap(action: str, share: float) -> OverloadAction:
    return OverloadAction(
        name=action,
        triggers=[Trigger(name=HEAP, threshold=ThresholdTrigger(value=share))],
    )


def _from_ads() -> ConfigSource:
    """Wait for the answer without end: `/ready` is true only once there are listeners."""
    return ConfigSource(
        ads=AggregatedConfigSource(),
        resource_api_version=ApiVersion.V3,
        initial_fetch_timeout=timedelta(0),
    )


def _tcp(host: str, port: int) -> Address:
    return Address(socket_address=SocketAddress(address=host, port_value=port))


def _json(message: betterproto2.Message) -> str:
    return json.dumps(message.to_dict(casing=betterproto2.Casing.SNAKE), indent=2) + "\n"
