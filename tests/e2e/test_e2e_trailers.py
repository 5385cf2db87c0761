"""What a client sends after the body could say otherwise what was judged before it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from tests.e2e.process import free_port
from tests.policies.running_envoy import running_envoy

GATEWAY = """\
version: 1
listen: {http: @port@}
backends: {h2: "h2c://127.0.0.1:@upstream@"}
routes:
  - {path: /**, auth: none, to: h2}
"""


class Upstream(threading.Thread):
    """Speaks HTTP/2 to one client and keeps the trailers that arrive."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.trailers: list[tuple[bytes, bytes]] = []
        self.bodies: list[bytes] = []

    def run(self) -> None:
        peer, _ = self.listener.accept()
        with peer:
            config = h2.config.H2Configuration(client_side=False, header_encoding=None)
            connection = h2.connection.H2Connection(config)
            connection.initiate_connection()
            peer.sendall(connection.data_to_send())
            while data := peer.recv(65536):
                for event in connection.receive_data(data):
                    self.take(event, connection)
                peer.sendall(connection.data_to_send())

    def take(self, event: object, connection: h2.connection.H2Connection) -> None:
        if isinstance(event, h2.events.DataReceived):
            self.bodies.append(event.data)
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers.extend(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream = event.stream_id
            assert stream is not None
            connection.send_headers(stream, [(":status", "200")], end_stream=True)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    made.start()
    yield made
    made.listener.close()


def sent(port: int, trailers: list[tuple[str, str]]) -> int:
    """The status of a POST with trailers."""
    connection = h2.connection.H2Connection()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        connection.initiate_connection()
        head = [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", "x")]
        connection.send_headers(1, head)
        connection.send_data(1, b"hello")
        connection.send_headers(1, trailers, end_stream=True)
        one.sendall(connection.data_to_send())
        while data := one.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return int(dict(event.headers)[b":status"])
            one.sendall(connection.data_to_send())
    return 0


def test_trailers_of_a_client_go_nowhere(upstream: Upstream, tmp_path: Path) -> None:
    port = free_port()
    text = GATEWAY.replace("@port@", str(port)).replace("@upstream@", str(upstream.port))
    with running_envoy(text, tmp_path):
        trailers = [("x-foregate-user", "root"), ("x-api-key", "key"), ("x-own", "1")]
        assert sent(port, trailers) == 200
    assert b"".join(upstream.bodies) == b"hello"
    assert upstream.trailers == []
