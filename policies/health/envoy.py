"""Active health checks on Envoy's Cluster."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.health_check_pb2 import HealthCheck
from envoy.type.v3.http_pb2 import HTTP2

from policies.contract import BackendFacts, ClusterStep
from policies.health.spec import Health

PANIC = 50
"""The percentage of endpoints that are well below which requests go to all, as Envoy has it."""


def _health(settings: Health, facts: BackendFacts, cluster: Cluster) -> None:
    check = cluster.health_checks.add()
    check.timeout.FromMilliseconds(settings.timeout)
    check.interval.FromMilliseconds(settings.every)
    check.no_traffic_interval.FromMilliseconds(settings.every)
    check.unhealthy_threshold.value = settings.unhealthy_threshold
    check.healthy_threshold.value = settings.healthy_threshold
    cluster.common_lb_config.healthy_panic_threshold.value = PANIC
    # who is not listed any more gets no request, also where its checks still succeed; what a name
    # server does not list is another thing: it may be wrong
    cluster.ignore_health_on_host_removal = not facts.by_name
    if settings.tcp:
        check.tcp_health_check.SetInParent()
    elif settings.grpc is not None:
        check.grpc_health_check.service_name = settings.grpc.service
        check.grpc_health_check.authority = facts.authority
    elif settings.path is not None:
        _http(settings.path.text, facts, check)
    if (
        check.HasField("http_health_check")
        and not facts.http2
        and cluster.HasField("transport_socket")
    ):
        # a check speaks HTTP/1.1 whatever TLS agrees on, so it may offer nothing else (envoy#46848)
        check.tls_options.alpn_protocols.append("http/1.1")


def _http(path: str, facts: BackendFacts, check: HealthCheck) -> None:
    check.http_health_check.path = path
    check.http_health_check.host = facts.authority
    # else one answer takes an endpoint out: Envoy counts only failures without one, and these
    for start, end in ((100, 200), (201, 600)):
        check.http_health_check.retriable_statuses.add(start=start, end=end)
    if facts.http2:
        check.http_health_check.codec_client_type = HTTP2


CLUSTER: Mapping[str, ClusterStep] = {"health": _health}
