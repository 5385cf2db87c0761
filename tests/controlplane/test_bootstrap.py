"""The generated bootstrap: committed as generated, accepted by Envoy, made fit for a node."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.core.v3.config_source_pb2 import ApiConfigSource
from google.protobuf import json_format

from controlplane.bootstrap import Node, address, for_node
from controlplane.gate.validate import Run, validate
from foregate.parts import envoy

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = (ROOT / "envoy" / "bootstrap.json").read_text(encoding="utf-8")


def made(*, sotw: bool = False, admin: str = "127.0.0.1:0") -> Bootstrap:
    node = Node(id="n1", cluster="c1", xds="/run/xds.sock", admin=admin, sotw=sotw)
    return json_format.Parse(for_node(TEMPLATE, node), Bootstrap())


def test_what_is_committed_is_what_is_generated() -> None:
    """In a process of its own: importing the generator's library warns, and warnings fail here."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_folder_of_envoys_data_holds_no_python() -> None:
    """A Python file there would hide the packages that the protobuf messages are in."""
    assert [one for one in (ROOT / "envoy").rglob("*") if one.suffix.startswith(".py")] == []


def test_the_template_opens_nothing_to_the_network_and_names_no_node() -> None:
    whole = json_format.Parse(TEMPLATE, Bootstrap())
    xds = whole.static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint
    assert whole.admin.address.socket_address.address == "127.0.0.1"
    assert xds.address.socket_address.address == "127.0.0.1"
    assert not whole.HasField("node")
    assert whole.dynamic_resources.ads_config.api_type == ApiConfigSource.DELTA_GRPC
    names = {one.name for one in whole.static_resources.clusters}
    assert whole.cluster_manager.local_cluster_name in names
    monitors = {one.name for one in whole.overload_manager.resource_monitors}
    assert {t.name for a in whole.overload_manager.actions for t in a.triggers} <= monitors


def test_a_node_differs_from_the_template_in_its_places_alone() -> None:
    whole, template = made(), json_format.Parse(TEMPLATE, Bootstrap())
    assert (whole.node.id, whole.node.cluster) == ("n1", "c1")
    assert whole.admin.address == address("127.0.0.1:0")
    xds = whole.static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0]
    assert xds.endpoint.address.pipe.path == "/run/xds.sock"
    whole.ClearField("node")
    for one in (whole, template):
        one.admin.ClearField("address")
        one.static_resources.clusters[0].ClearField("load_assignment")
    assert whole == template


def test_a_node_may_speak_the_older_variant_and_have_its_admin_on_a_socket() -> None:
    assert made(sotw=True).dynamic_resources.ads_config.api_type == ApiConfigSource.GRPC
    assert made(admin="/run/admin.sock").admin.address.pipe.path == "/run/admin.sock"


@pytest.mark.parametrize("text", ["localhost:80", "80", "127.0.0.1", "127.0.0.1:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        address(text)


@pytest.mark.parametrize("sotw", [False, True])
def test_envoy_accepts_it(*, sotw: bool) -> None:
    body = made(sotw=sotw).SerializeToString()
    assert asyncio.run(validate(envoy().path, body, seconds=60, memory=4 << 30)) == Run(words="")
