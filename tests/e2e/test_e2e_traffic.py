"""Streams, upgrades and gRPC-Web, through a real Envoy."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedRWPair
from urllib.parse import unquote

import grpc
import h2.config
import h2.connection
import h2.errors
import httpx
import pytest
from hpack import Decoder
from hyperframe.frame import Frame, HeadersFrame, RstStreamFrame

from tests.e2e.harness import Gateway
from tests.e2e.streaming import CLOSE, TEXT, Streaming, accepted, frame, read_frame

HOST = {"host": "traffic.test"}
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x01\x02\x03\x04"


@contextmanager
def upgraded(gateway: Gateway, path: str, protocol: str) -> Iterator[tuple[BufferedRWPair, str]]:
    """A connection after a request for an upgrade, with the head of the answer."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(
            f"GET {path} HTTP/1.1\r\nhost: traffic.test\r\nconnection: Upgrade\r\n"
            f"upgrade: {protocol}\r\nsec-websocket-key: {KEY}\r\n"
            "sec-websocket-version: 13\r\n\r\n".encode()
        )
        with client.makefile("rwb") as file:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += file.readline() or b"\r\n\r\n"
            yield file, head.decode().lower()


def send(file: BufferedRWPair, data: bytes) -> None:
    file.write(data)
    file.flush()


def said(gateway: Gateway, request: str) -> str:
    """The first line of what is answered to a request as it stands, or nothing."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(request.encode())
        return client.recv(65536).decode("latin-1").partition("\r\n")[0]


def test_a_websocket(gateway: Gateway) -> None:
    with upgraded(gateway, "/socket", "websocket") as (file, head):
        assert head.startswith("http/1.1 101")
        assert f"sec-websocket-accept: {accepted(KEY).lower()}" in head
        for word in (b"one", b"two"):
            send(file, frame(TEXT, word, MASK))
            assert read_frame(file) == (TEXT, b"heard " + word)


def test_a_websocket_ends_when_nothing_moves_for_its_timeout(gateway: Gateway) -> None:
    with upgraded(gateway, "/short-socket", "websocket") as (file, head):
        assert head.startswith("http/1.1 101")
        send(file, frame(TEXT, b"one", MASK))
        assert read_frame(file) == (TEXT, b"heard one")
        assert read_frame(file) == (CLOSE, b"")


def test_another_upgrade(gateway: Gateway) -> None:
    with upgraded(gateway, "/other-protocol", "SPDY/3.1") as (file, head):
        assert head.startswith("http/1.1 101")
        send(file, b"one\n")
        assert file.readline() == b"heard one\n"


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/any/thing", "websocket"),
        ("/events", "websocket"),
        ("/socket", "spdy/3.1"),
        ("/socket", "h2c"),
        ("/other-protocol", "websocket"),
        ("/any/thing", "h2c"),
    ],
)
def test_what_no_route_asks_for_is_no_upgrade(
    gateway: Gateway, streaming: Streaming, path: str, protocol: str
) -> None:
    while not streaming.seen.empty():
        streaming.seen.get()
    with upgraded(gateway, path, protocol) as (_, head):
        assert not head.startswith("http/1.1 101")
        if protocol != "h2c":
            assert head.startswith("http/1.1 403")
            assert streaming.seen.empty()


def events(client: httpx.Client, path: str, count: int, every: int) -> tuple[list[str], bool]:
    """The events that arrived, and whether the answer broke off."""
    sent = HOST | {"x-test-events": str(count), "x-test-every": str(every)}
    found: list[str] = []
    try:
        with client.stream("GET", path, headers=sent) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                found += [line] if line else []
                if len(found) == count and path.endswith("endless"):
                    return found, False
    except httpx.RemoteProtocolError:
        return found, True
    return found, False


def test_events_go_on_longer_than_the_timeout_of_a_stream(http: httpx.Client) -> None:
    found, broken = events(http, "/events", 12, 100)
    assert found == [f"data: {n}" for n in range(12)]
    assert broken, "silence ends it"
    found, broken = events(http, "/events/endless", 3, 450)
    assert (len(found), broken) == (3, False)
    found, broken = events(http, "/events/cut", 12, 100)
    assert len(found) < 12
    assert broken


def test_the_body_of_a_stream_is_not_held_back(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(
            b"POST /upload HTTP/1.1\r\nhost: traffic.test\r\ntransfer-encoding: chunked\r\n\r\n"
            b"5\r\nfirst\r\n"
        )
        answer = b""
        while not answer.endswith(b"first"):
            more = client.recv(4096)
            assert more, answer
            answer += more
        client.sendall(b"0\r\n\r\n")


@contextmanager
def channel(gateway: Gateway) -> Iterator[grpc.Channel]:
    options = [("grpc.default_authority", "traffic.test")]
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}", options) as made:
        yield made


def test_a_grpc_stream_answers_before_its_request_ends(gateway: Gateway) -> None:
    with channel(gateway) as made:
        answered = threading.Event()

        def asked() -> Iterator[bytes]:
            yield b"one"
            answered.wait(10)
            yield b"two"

        talk: grpc.StreamStreamMultiCallable[bytes, bytes]
        talk = made.stream_stream("/test.Echo/Talk")
        answers = iter(talk(asked(), timeout=10))
        assert next(answers) == b"heard one"
        answered.set()
        assert list(answers) == [b"heard two"]


def test_a_silent_grpc_stream_ends_after_its_timeout(gateway: Gateway) -> None:
    with channel(gateway) as made:
        silent: grpc.UnaryStreamMultiCallable[bytes, bytes]
        silent = made.unary_stream("/test.Echo/Silent")
        answers = silent(b"", timeout=10)
        assert next(answers) == b"once"
        with pytest.raises(grpc.RpcError) as ended:
            next(answers)
        assert ended.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED


def messages(body: bytes) -> list[tuple[int, bytes]]:
    """The messages of a gRPC-Web body, trailers being one with the flag 128."""
    found = []
    while body:
        flag, size = struct.unpack(">BI", body[:5])
        found.append((flag, body[5 : 5 + size]))
        body = body[5 + size :]
    return found


def test_grpc_web(client: httpx.Client) -> None:
    sent = HOST | {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    asked = struct.pack(">BI", 0, 3) + b"one"
    answer = client.post("/test.Echo/Unary", headers=sent, content=asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/grpc-web+proto"
    (flag, message), (last, trailers) = messages(answer.content)
    assert (flag, message) == (0, b"got one")
    assert last == 128
    assert b"grpc-status:0" in trailers.replace(b" ", b"")


@pytest.mark.parametrize("kind", ["", "+proto", "-text", "-text+proto"])
def test_our_own_answers_to_grpc_web_have_a_grpc_status(client: httpx.Client, kind: str) -> None:
    sent = HOST | {"content-type": f"application/grpc-web{kind}", "x-grpc-web": "1"}
    answer = client.post("/no.Service/Method", headers=sent, content=struct.pack(">BI", 0, 0))
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-type"].startswith("application/grpc-web")
    assert answer.headers["grpc-status"] == "12"
    assert json.loads(unquote(answer.headers["grpc-message"]))["title"] == "Not Found"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_neither_trace_nor_connect_passes(
    gateway: Gateway, streaming: Streaming, method: str
) -> None:
    while not streaming.seen.empty():
        streaming.seen.get()
    head = f"{method} /any/thing HTTP/1.1\r\nhost: traffic.test\r\n\r\n"
    first = said(gateway, head)
    assert first.split(" ")[1] in {"400", "403", "404"}, first
    if method == "CONNECT":
        first = said(gateway, "CONNECT traffic.test:80 HTTP/1.1\r\nhost: traffic.test:80\r\n\r\n")
        assert first.split(" ")[1] in {"400", "403", "404"}, first
    assert streaming.seen.empty()


def test_trace_over_http2_is_403(gateway: Gateway) -> None:
    with httpx.Client(base_url=gateway.base, http1=False, http2=True) as two:
        answer = two.request("TRACE", "/any/thing", headers=HOST)
        assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden")


@pytest.mark.parametrize("protocol", [None, "websocket"])
def test_connect_over_http2_is_refused(gateway: Gateway, protocol: str | None) -> None:
    config = h2.config.H2Configuration(validate_outbound_headers=False)
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    head = [(":method", "CONNECT"), (":authority", "traffic.test:80")]
    if protocol is not None:
        head += [(":protocol", protocol), (":scheme", "http"), (":path", "/socket")]
    connection.send_headers(1, head)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(connection.data_to_send())
        first = next(one for one in frames(client.makefile("rb")) if one.stream_id)
    if isinstance(first, RstStreamFrame):
        assert first.error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR
    else:
        assert isinstance(first, HeadersFrame)
        status = dict(Decoder().decode(first.data, raw=True))[b":status"]
        assert status in {b"400", b"403", b"404"}


def frames(stream: BufferedIOBase) -> Iterator[Frame]:
    """What comes over HTTP/2, frame by frame.

    Pages refuse CONNECT as an upgrade, so Envoy says GOAWAY before its answer, as RFC 9113 section
    6.8 has it, and h2 takes no answer after a GOAWAY.
    """
    while head := stream.read(9):
        made, size = Frame.parse_frame_header(memoryview(head))
        made.parse_body(memoryview(stream.read(size)))
        yield made
