"""A hardened listener: what clients send to get around rules, through a real Envoy."""

import json
import socket
from http.client import HTTPResponse
from urllib.parse import unquote

import httpx
import pytest

from foregate.layout import layout
from tests.e2e.harness import Gateway

IN_PAGES = layout() == "pages"
"""Whether these tests run over pages, as `FOREGATE_LAYOUT` says."""


def raw(gateway: Gateway, head: str, body: bytes = b"") -> tuple[int, str]:
    """Send bytes as they are, and give the status and all that comes back."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as one:
        one.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        with HTTPResponse(one) as answer:
            answer.begin()
            return answer.status, f"{answer.headers}\n{answer.read().decode()}"


@pytest.mark.parametrize(
    "path",
    [
        "/admin",
        "/admin/",
        "/admin/x",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/%61dmin",
        "/admin%2fx",
        "/admin%5cx",
        "/x/%2e%2e/admin",
        "/x/..%2fadmin",
        "/admin//x",
        "/admin/.",
        "/admin?x",
        "/admin;x/../",
        "\\admin",
        "/x\\..\\admin",
    ],
)
def test_no_way_around_a_rule_on_a_path(gateway: Gateway, path: str) -> None:
    status, said = raw(gateway, f"GET {path} HTTP/1.1\nhost: x\nconnection: close")
    if status == 307:  # escaped slashes are redirected, to where the rule is
        assert "location: /admin" in said.lower()
    else:
        assert status in {403, 400, 404}, said
        assert "upstream" not in said


def test_headers_that_the_gateway_asserts_are_never_a_clients(client: httpx.Client) -> None:
    sent = {
        "x-foregate-user": "root",
        "x-foregate-page": "zzz",
        "X-Foregate-Anything": "1",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-max-retries": "9",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-host": "evil",
        "x-forwarded-proto": "https",
        "forwarded": "for=203.0.113.9",
        "x-real-ip": "203.0.113.9",
        "true-client-ip": "203.0.113.9",
        "x-request-id": "mine",
    }
    seen = dict(client.get("/exact", headers=sent).json()["headers"])
    assert "203.0.113.9" not in json.dumps(seen)
    assert not [n for n in seen if n.startswith("x-foregate-")]
    assert {n for n in seen if n.startswith("x-envoy-")} <= {"x-envoy-external-address"}
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-request-id"] != "mine"
    assert "x-forwarded-host" not in seen


def test_headers_with_underscores_are_refused(gateway: Gateway) -> None:
    head = "GET /exact HTTP/1.1\nhost: x\nx_foregate_user: root\nconnection: close"
    status, said = raw(gateway, head)
    assert status == 400
    assert "application/problem+json" in said


def test_a_body_over_the_limit_is_413(client: httpx.Client) -> None:
    answer = client.post("/exact", content=b"x" * (8 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["title"] == "Content Too Large"
    assert client.post("/exact", content=b"x" * 1024 * 1024).json()["body"] == 1024 * 1024


def test_heads_over_the_limit_are_431(gateway: Gateway) -> None:
    long = "GET /exact HTTP/1.1\nhost: x\nconnection: close\nx-long: " + "x" * 62_000
    many = "GET /exact HTTP/1.1\nhost: x\nconnection: close\n" + "\n".join(
        f"x-{n}: 1" for n in range(120)
    )
    assert raw(gateway, long)[0] == 431
    assert raw(gateway, many)[0] == 431


@pytest.mark.parametrize(
    "head",
    [
        "GET /exact HTTP/1.1\nconnection: close",
        "GET /exact HTTP/1.1\nhost: x\ncontent-length: 1\ntransfer-encoding: chunked",
        "GET /exact HTTP/1.1\nhost: x\ncontent-length: 1\ncontent-length: 2",
        "GET /ex\x00act HTTP/1.1\nhost: x",
        "nonsense",
    ],
)
def test_requests_that_are_none_are_400(gateway: Gateway, head: str) -> None:
    assert raw(gateway, head)[0] == 400


def test_a_grpc_caller_gets_a_grpc_status(client: httpx.Client) -> None:
    answer = client.post("/nowhere", headers={"content-type": "application/grpc"})
    assert answer.status_code == 200
    assert answer.headers["grpc-status"] == "12"
    problem = json.loads(unquote(answer.headers["grpc-message"]))
    assert (problem["title"], len(problem["requestId"])) == ("Not Found", 36)


def test_every_answer_of_the_gateway_is_a_problem(client: httpx.Client) -> None:
    answer = client.get("/nowhere")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (404, "Not Found")
    assert problem["type"] == "about:blank"
    assert len(problem["requestId"]) == 36


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST /nowhere HTTP/1.1\nhost: x\ncontent-length: 100", 404),
        ("POST /methods HTTP/1.1\nhost: x\ncontent-length: 100", 405),
        ("POST /fixed HTTP/1.1\nhost: x\ncontent-length: 100", 418),
        ("POST /moved/x HTTP/1.1\nhost: x\ncontent-length: 100", 308),
        # of a tunnel that a route could have taken, as the dispatcher's, Envoy says 403
        ("CONNECT example.com:80 HTTP/1.1\nhost: example.com:80", 403 if IN_PAGES else 404),
    ],
)
def test_what_needs_no_backend_waits_for_no_body(gateway: Gateway, head: str, status: int) -> None:
    assert raw(gateway, head)[0] == status


@pytest.mark.parametrize(
    "hosts",
    [
        *("host: a\nhost: api.example.com", "host: u@example.com", "host:", "host: a..b"),
        *("host: api.example.com..", "host: .api.example.com", "host: api.example.com:80:80"),
        *("host: [api.example.com]", "host: api.example.com;", "host: api.example.com%2e"),
        *("host: a b", "host: [::1", "host: ::1", "host: a:x"),
    ],
)
def test_what_is_no_host_reaches_no_route(gateway: Gateway, hosts: str) -> None:
    status, said = raw(gateway, f"GET /who HTTP/1.1\n{hosts}\nconnection: close")
    assert status == 400
    assert "any" not in said


@pytest.mark.parametrize("host", ["x", "a-b.c_d.e", "10.0.0.1:80", "[::1]:8080", "[::1]", "x."])
def test_what_is_a_host_reaches_its_routes(gateway: Gateway, host: str) -> None:
    assert raw(gateway, f"GET /who HTTP/1.1\nhost: {host}\nconnection: close")[0] == 200
