"""The one path with an empty segment before its end, `//`: who takes it, through a real Envoy."""

import socket
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest

from tests.e2e.process import Process, foregate, free_port

ROUTES = """\
defaults: {auth: none}
routes:
  - {path: /, respond: {status: 201}}
  - {path: "/{i}/**", respond: {status: 202}}
  - {path: /**, respond: {status: 203}}
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a gateway in which each path has an answer of its own."""
    folder = tmp_path_factory.mktemp("slashes")
    port = free_port()
    (folder / "gateway.yaml").write_text(f"version: 1\nlisten: {{http: {port}}}\n{ROUTES}")
    process = Process(foregate("dev", str(folder)), folder)
    process.wait_for("is live")
    yield port
    assert process.end() == 0, "\n".join(process.lines)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 201) for path in ("/", "/.", "/a/..", "//..", "/..//..")),
        *((path, 202) for path in ("/a", "/a/", "/a//", "//a", "//a//", "/%25")),
        *((path, 203) for path in ("//", "///", "//////", "//?a", "//.", "/.//", "/\\", "/a/..//")),
    ],
)
def test_who_takes_slashes(port: int, path: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as one:
        one.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        with HTTPResponse(one) as answer:
            answer.begin()
            assert answer.status == status
