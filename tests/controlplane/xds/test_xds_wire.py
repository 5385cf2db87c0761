"""The hand-laid responses read back by the real messages, and requests from the real ones."""

import pytest
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from controlplane.snapshot import CLUSTER, Resource
from controlplane.xds.discovery import Push
from controlplane.xds.wire import (
    delta_request,
    delta_response,
    sotw_request,
    sotw_response,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
RESOURCES = st.builds(
    Resource,
    type_url=st.just(CLUSTER),
    name=TEXTS,
    body=st.one_of(st.binary(max_size=20), st.integers(120, 40_000).map(bytes)),
    version=TEXTS,
)
PUSHES = st.builds(
    Push,
    type_url=st.just(CLUSTER),
    nonce=TEXTS,
    version=TEXTS,
    resources=st.lists(RESOURCES, max_size=4).map(tuple),
    removed=st.lists(TEXTS, max_size=4).map(tuple),
)


@given(PUSHES)
def test_a_sotw_response_reads_back(push: Push) -> None:
    message = DiscoveryResponse.FromString(sotw_response(push))
    assert (message.version_info, message.type_url) == (push.version, push.type_url)
    assert message.nonce == push.nonce
    bodies = [(CLUSTER, r.body) for r in push.resources]
    assert [(a.type_url, a.value) for a in message.resources] == bodies


@given(PUSHES)
def test_a_delta_response_reads_back(push: Push) -> None:
    message = DeltaDiscoveryResponse.FromString(delta_response(push))
    assert (message.system_version_info, message.type_url) == (push.version, push.type_url)
    assert (message.nonce, tuple(message.removed_resources)) == (push.nonce, push.removed)
    found = [
        Resource(
            type_url=r.resource.type_url, name=r.name, body=r.resource.value, version=r.version
        )
        for r in message.resources
    ]
    assert tuple(found) == push.resources


def test_an_error_detail_makes_a_nack_even_when_it_is_empty() -> None:
    for message, read in (
        (DiscoveryRequest(type_url=CLUSTER), sotw_request),
        (DeltaDiscoveryRequest(type_url=CLUSTER), delta_request),
    ):
        assert read(message.SerializeToString()).error is None
        message.error_detail.SetInParent()
        assert read(message.SerializeToString()).error == ""


def test_requests_are_read() -> None:
    full = DiscoveryRequest(type_url=CLUSTER, resource_names=["a", "b"], response_nonce="n")
    full.node.id = "node"
    request = sotw_request(full.SerializeToString())
    assert (request.node, request.nonce, request.names) == ("node", "n", ("a", "b"))
    change = DeltaDiscoveryRequest(
        type_url=CLUSTER,
        resource_names_subscribe=["a"],
        resource_names_unsubscribe=["b"],
        initial_resource_versions={"a": "1"},
    )
    request = delta_request(change.SerializeToString())
    assert (request.names, request.unsubscribe) == (("a",), ("b",))
    assert request.initial == {"a": "1"}


def test_bytes_that_are_no_request_are_an_error() -> None:
    for read in (sotw_request, delta_request):
        with pytest.raises(DecodeError):
            read(b"\xff\xff\xff")
