"""What is compiled reaches nobody from a prover without a network of its own."""

from pathlib import Path

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext

from controlplane.prover.strip import CHECKS, FILES, NAMES, strip
from controlplane.snapshot import CLUSTER
from policies.tls.envoy import OWN_FILES
from tests.controlplane.gate.damage.example import good


def test_no_name_of_a_backend_is_left() -> None:
    for name, kinds in (("named", {NAMES}), ("secure", {NAMES}), ("users", {CHECKS})):
        cluster = Cluster.FromString(good().of(CLUSTER)[name].body)
        assert strip(cluster, walled=False) == kinds
        assert cluster.type in {Cluster.STATIC, Cluster.EDS}
        assert not cluster.HasField("cluster_type")
        assert "internal" not in str(cluster.load_assignment)


def test_of_files_only_those_that_are_not_here_are_left_out(tmp_path: Path) -> None:
    here = tmp_path / "ca.pem"
    here.touch()
    for authorities, shown, left in (
        (here, here, (True, True)),
        (here, "/nowhere", (True, False)),
        ("/nowhere", here, (False, True)),
    ):
        context = UpstreamTlsContext()
        common = context.common_tls_context
        common.validation_context.trusted_ca.filename = str(authorities)
        common.tls_certificates.add().certificate_chain.filename = str(shown)
        cluster = Cluster()
        cluster.transport_socket.name = OWN_FILES
        cluster.transport_socket.typed_config.Pack(context)
        kinds = strip(cluster, walled=True)
        assert kinds == (set() if all(left) else {FILES})
        cluster.transport_socket.typed_config.Unpack(context)
        common = context.common_tls_context
        assert (common.HasField("validation_context"), bool(common.tls_certificates)) == left
