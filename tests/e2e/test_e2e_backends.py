"""What backends speak: verified TLS, HTTP/2 in clear text, gRPC."""

import queue

import grpc
import httpx
import pytest

from tests.e2e.harness import Gateway


def test_https_is_verified_against_the_authorities_and_the_name(client: httpx.Client) -> None:
    assert client.get("/tls").json()["upstream"] == "tls"
    assert client.get("/tls-untrusted").status_code == 503
    assert client.get("/tls-misnamed").status_code == 503


def test_h2c(client: httpx.Client) -> None:
    assert client.get("/h2c").text == "HTTP/2 /h2c"


def test_grpc_unary_and_both_ways_at_once(gateway: Gateway) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        unary: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Echo/Unary")
        assert unary(b"this", timeout=10) == b"got this"
        says: queue.Queue[bytes | None] = queue.Queue()
        talk: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            "/test.Echo/Talk"
        )
        answers = talk(iter(says.get, None), timeout=10)
        for word in (b"one", b"two"):  # each is answered before the request has ended
            says.put(word)
            assert next(answers) == b"heard " + word
        says.put(None)
        assert list(answers) == []
        missing: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/test.Nothing/Here"
        )
        with pytest.raises(grpc.RpcError) as refused:
            missing(b"", timeout=10)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
