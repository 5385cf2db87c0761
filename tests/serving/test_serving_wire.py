"""What requests and responses are on the wire."""

import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from google.protobuf.message import DecodeError

from serving.bundle import Resource
from serving.subscription import Request
from serving.wire import Node, request, response

NODE = Node(id="n", service="extauthz", address="unix:/x", version="1")


def message(*names: str) -> DeltaDiscoveryResponse:
    made = DeltaDiscoveryResponse(type_url="t", nonce="1", removed_resources=["gone"])
    for name in names:
        one = made.resources.add(name=name, version="v")
        one.resource.type_url = "t"
        one.resource.value = name.encode()
    return made


def test_a_response_is_read() -> None:
    read = response(message("a").SerializeToString())
    assert (read.type_url, read.nonce, read.removed, read.fault) == ("t", "1", ("gone",), "")
    assert read.resources == {"a": Resource(version="v", body=b"a")}


def test_a_heartbeat_changes_nothing() -> None:
    made = message("a")
    made.resources.add(name="b", version="v")
    assert response(made.SerializeToString()).resources.keys() == {"a"}


def test_what_contradicts_itself_is_a_fault() -> None:
    assert response(message("a", "a").SerializeToString()).fault == "'a' is there twice"
    made = message("a")
    made.resources[0].resource.type_url = "other"
    assert response(made.SerializeToString()).fault == "'a' is of another type"
    with pytest.raises(DecodeError):
        response(b"\xff")


def test_only_the_first_request_says_who_it_is_and_only_a_nack_has_an_error() -> None:
    first = Request(type_url="t", first=True, subscribe=("*",), initial={"a": "v"})
    read = DeltaDiscoveryRequest.FromString(request(first, NODE))
    assert (read.node.id, read.node.cluster) == ("n", "extauthz")
    assert dict(read.initial_resource_versions) == {"a": "v"}
    assert not read.HasField("error_detail")
    for error in ("", "why"):
        nack = Request(type_url="t", nonce="1", error=error, unsubscribe=("a",))
        read = DeltaDiscoveryRequest.FromString(request(nack, NODE))
        assert not read.HasField("node")
        assert (read.error_detail.code, read.error_detail.message) == (3, error)
        assert list(read.resource_names_unsubscribe) == ["a"]
