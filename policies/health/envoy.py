"""Active health checks on Envoy's Cluster."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.type.v3.http_pb2 import HTTP2

from policies.contract import BackendFacts, ClusterStep
from policies.health.spec import Health


def _health(settings: Health, facts: BackendFacts, cluster: Cluster) -> None:
    check = cluster.health_checks.add()
    check.timeout.FromMilliseconds(settings.timeout)
    check.interval.FromMilliseconds(settings.every)
    check.no_traffic_interval.FromMilliseconds(settings.every)
    check.unhealthy_threshold.value = settings.unhealthy_threshold
    check.healthy_threshold.value = settings.healthy_threshold
    check.http_health_check.path = settings.path.text
    check.http_health_check.host = facts.authority
    # else one answer takes an endpoint out: Envoy counts only failures without one, and these
    for start, end in ((100, 200), (201, 600)):
        check.http_health_check.retriable_statuses.add(start=start, end=end)
    # who is not listed any more gets no request, also where its checks still succeed
    cluster.ignore_health_on_host_removal = True
    if facts.http2:
        check.http_health_check.codec_client_type = HTTP2
    elif cluster.HasField("transport_socket"):
        # a check speaks HTTP/1.1 whatever TLS agrees on, so it may offer nothing else (envoy#46848)
        check.tls_options.alpn_protocols.append("http/1.1")


CLUSTER: Mapping[str, ClusterStep] = {"health": _health}
