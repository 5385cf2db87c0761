"""Caps as Envoy's circuit breaker thresholds, which are bounds and open on no failure."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster

from policies.caps.spec import Caps
from policies.contract import BackendFacts, ClusterStep


def _caps(settings: Caps, _facts: BackendFacts, cluster: Cluster) -> None:
    threshold = cluster.circuit_breakers.thresholds.add()
    if settings.connections is not None:
        threshold.max_connections.value = settings.connections
    if settings.pending is not None:
        threshold.max_pending_requests.value = settings.pending
    if settings.requests is not None:
        threshold.max_requests.value = settings.requests
    if settings.retries is not None:
        threshold.max_retries.value = settings.retries
    if settings.retry_budget is not None:
        threshold.retry_budget.budget_percent.value = settings.retry_budget.percent
        threshold.retry_budget.min_retry_concurrency.value = settings.retry_budget.min


CLUSTER: Mapping[str, ClusterStep] = {"caps": _caps}
