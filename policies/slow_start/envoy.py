"""Slow start on the load balancers that have it."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster

from policies.contract import BackendFacts, ClusterStep


def _slow_start(settings: int, _facts: BackendFacts, cluster: Cluster) -> None:
    if cluster.lb_policy == Cluster.LEAST_REQUEST:
        start = cluster.least_request_lb_config.slow_start_config
    else:
        start = cluster.round_robin_lb_config.slow_start_config
    start.slow_start_window.FromMilliseconds(settings)


CLUSTER: Mapping[str, ClusterStep] = {"slowStart": _slow_start}
"""The settings of `slowStart`, after those of `balance`."""
