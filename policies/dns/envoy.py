"""The way of a lookup on Envoy's DNS cluster."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.extensions.clusters.dns.v3.dns_cluster_pb2 import DnsCluster

from policies.contract import BackendFacts, ClusterStep


def _dns(settings: str, facts: BackendFacts, cluster: Cluster) -> None:
    if settings == "logical" and facts.by_name:
        found = DnsCluster.FromString(cluster.cluster_type.typed_config.value)
        found.all_addresses_in_single_endpoint = True
        cluster.cluster_type.typed_config.Pack(found, deterministic=True)


CLUSTER: Mapping[str, ClusterStep] = {"dns": _dns}
"""The settings of `dns`."""
