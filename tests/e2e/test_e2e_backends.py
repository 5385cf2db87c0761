"""What backends speak: verified TLS, HTTP/2 in clear text, gRPC."""

import grpc
import httpx
from conftest import Gateway


def test_https_is_verified_against_the_authorities_and_the_name(client: httpx.Client) -> None:
    assert client.get("/tls").json()["upstream"] == "tls"
    assert client.get("/tls-untrusted").status_code == 503
    assert client.get("/tls-misnamed").status_code == 503


def test_h2c(client: httpx.Client) -> None:
    assert client.get("/h2c").text == "HTTP/2 /h2c"


def test_grpc_unary_and_both_ways_at_once(gateway: Gateway) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        unary = channel.unary_unary("/test.Echo/Unary")
        assert unary(b"this", timeout=10) == b"got this"
        heard: list[bytes] = []

        def requests():  # noqa: ANN202 # a generator of bytes that waits for each answer
            yield b"one"
            assert next(answers) == b"heard one"  # before the request has ended: it is not held
            heard.append(b"one")
            yield b"two"

        answers = channel.stream_stream("/test.Echo/Talk")(requests(), timeout=10)
        assert list(answers) == [b"heard two"]
        assert heard == [b"one"]
        missing = channel.unary_unary("/test.Nothing/Here")
        try:
            missing(b"", timeout=10)
        except grpc.RpcError as error:
            assert isinstance(error, grpc.Call)
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        else:
            raise AssertionError("a method that no route takes was answered")
