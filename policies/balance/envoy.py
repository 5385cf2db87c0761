"""Balance as Envoy's load balancer policy, and what is hashed as a hash policy of routes."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.route.v3.route_components_pb2 import RouteAction

from policies.balance.spec import ByHash, HashBy
from policies.contract import BackendFacts, ClusterStep, ForwardStep

_POLICIES = {
    "roundRobin": Cluster.ROUND_ROBIN,
    "leastRequest": Cluster.LEAST_REQUEST,
    "random": Cluster.RANDOM,
}


def _balance(settings: str | ByHash, _facts: BackendFacts, cluster: Cluster) -> None:
    if isinstance(settings, str):
        cluster.lb_policy = _POLICIES[settings]
    else:
        hashed = Cluster.RING_HASH if settings.ring_hash is not None else Cluster.MAGLEV
        cluster.lb_policy = hashed


def _hash(by: HashBy, action: RouteAction) -> None:
    policy = action.hash_policy.add()
    if by.header is not None:
        policy.header.header_name = by.header
    elif by.cookie is not None:
        policy.cookie.name = by.cookie
        if by.ttl is not None:  # without one Envoy gives no cookie
            policy.cookie.ttl.FromMilliseconds(by.ttl)
            policy.cookie.path = "/"
    elif by.query is not None:
        policy.query_parameter.name = by.query
    else:
        policy.connection_properties.source_ip = True


CLUSTER: Mapping[str, ClusterStep] = {"balance": _balance}
"""The settings of `balance`."""

FORWARD: Mapping[str, ForwardStep] = {"balance": _hash}
"""What is hashed, which is the route's to say."""
