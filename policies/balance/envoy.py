"""Balance as Envoy's load balancer policy."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster

from policies.contract import BackendFacts, ClusterStep

_POLICIES = {"roundRobin": Cluster.ROUND_ROBIN, "leastRequest": Cluster.LEAST_REQUEST}


def _balance(settings: str, _facts: BackendFacts, cluster: Cluster) -> None:
    cluster.lb_policy = _POLICIES[settings]


CLUSTER: Mapping[str, ClusterStep] = {"balance": _balance}
