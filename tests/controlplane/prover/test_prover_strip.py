"""What is compiled reaches nobody from a prover without a network of its own."""

from envoy.config.cluster.v3.cluster_pb2 import Cluster

from controlplane.prover.strip import CHECKS, NAMES, strip
from controlplane.snapshot import CLUSTER
from tests.controlplane.gate.damage.example import good


def test_no_name_of_a_backend_is_left() -> None:
    for name, kinds in (("named", {NAMES}), ("secure", {NAMES}), ("users", {CHECKS})):
        cluster = Cluster.FromString(good().of(CLUSTER)[name].body)
        assert strip(cluster, walled=False) == kinds
        assert cluster.type in {Cluster.STATIC, Cluster.EDS}
        assert not cluster.HasField("cluster_type")
        assert "internal" not in str(cluster.load_assignment)
