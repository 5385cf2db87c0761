"""What nodes say of themselves: which addresses are any, and how it is read from the wire."""

import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.snapshot import CLUSTER
from controlplane.xds.discovery import Request
from controlplane.xds.node import reachable, unfit
from controlplane.xds.wire import delta_request, sotw_request
from protos import CONSUMERS, EXTAUTHZ


@pytest.mark.parametrize(
    "address",
    [
        *("unix:/run/a.sock", "unix:/" + "a" * 106, "127.0.0.1:1", "[::1]:65535"),
        *("10.1.2.3:9001", "[fe80::1]:80"),
    ],
)
def test_an_address(address: str) -> None:
    assert reachable(address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "unix:", "unix:a", "unix:@a", "unix:/" + "a" * 107, "unix:/a b", "unix:/a\n"),
        *("unix:/a\0", "127.0.0.1", ":80", "a:", "a:0", "a:65536", "a:000080", "a:-1", "a:1.0"),
        *("::1:80", "[::1:80", "[nothing]:80", "[]:80", "http://a:80", "u@a:80", "a/b:80"),
        *("ä:80", "a:٨٠", "a" * 257 + ":80", "extauthz:9001", "localhost:80", "[fe80::1%lo]:80"),
        *("010.0.0.1:80", "1.2.3:80"),
    ],
)
def test_no_address(address: str) -> None:
    assert not reachable(address)


@given(st.text())
def test_no_text_is_too_strange_for_an_address(text: str) -> None:
    assert reachable(text) in {True, False}
    assert reachable(f"unix:/{text}") in {True, False}


def test_the_version_of_a_service_is_bounded() -> None:
    request = Request(type_url=CONSUMERS, node="n", service=EXTAUTHZ, address="10.0.0.1:1")
    assert unfit(request) == ""
    long = Request(
        type_url=CONSUMERS, node="n", service=EXTAUTHZ, address="10.0.0.1:1", software="1" * 257
    )
    assert "runs" in unfit(long)


def test_a_service_says_what_it_is_in_its_metadata() -> None:
    for message, read in (
        (DiscoveryRequest(type_url=CLUSTER), sotw_request),
        (DeltaDiscoveryRequest(type_url=CLUSTER), delta_request),
    ):
        message.node.id = "n"
        request = read(message.SerializeToString())
        assert (request.service, request.address, request.software) == ("", "", "")
        message.node.metadata["foregate.service"] = "extauthz"
        assert read(message.SerializeToString()).address == ""
        message.node.metadata["foregate.address"] = "unix:/a"
        message.node.metadata["foregate.version"] = "1.2"
        request = read(message.SerializeToString())
        assert (request.service, request.address, request.software) == (
            "extauthz",
            "unix:/a",
            "1.2",
        )
        message.node.user_agent_name = "envoy"
        assert read(message.SerializeToString()).service == ""


@pytest.mark.parametrize("name", ["", 1, True, None, ["extauthz"]])
def test_a_service_whose_name_is_no_text_is_no_envoy(name: str | float | list[str] | None) -> None:
    message = DeltaDiscoveryRequest(type_url=CLUSTER)
    message.node.id = "n"
    message.node.metadata["foregate.service"] = name
    request = delta_request(message.SerializeToString())
    assert unfit(request) == "foregate.service names no service of ours"
