"""Authentication in a real Envoy: what is asked of extauthz, and that nothing passes without it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from controlplane.build import Options, build
from controlplane.compile.services import cluster_name
from controlplane.snapshot import ROUTES, Subject
from controlplane.sources import SourceFile
from policies.auth.pipeline import CONTEXT, RULE
from protos import EXTAUTHZ, PIPELINE
from tests.e2e.process import free_port
from tests.policies.auth_service import AuthService, admitted, auth_service, unauthorized
from tests.policies.running_envoy import running_envoy

GATEWAY = """
version: 1
listen: {{http: {port}}}
defaults: {{auth: idp}}
identities: {{idp: {{issuer: "https://idp.example.com", audience: shop}}}}
routes:
  - path: /open
    auth: none
    respond: {{status: 200, body: open}}
  - path: /answer
    respond: {{status: 200, body: answer}}
  - path: /moved
    redirect: {{path: /open}}
  - path: /methods
    methods: [POST]
    respond: {{status: 200}}
"""


@pytest.fixture(scope="module")
def service() -> Iterator[AuthService]:
    with auth_service() as one:
        yield one


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def client(
    service: AuthService, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("envoy")
    members = {cluster_name(EXTAUTHZ): service.port}
    with (
        running_envoy(GATEWAY.format(port=port), folder, members),
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as one,
    ):
        yield one


pytestmark = pytest.mark.xdist_group("auth_envoy")


@pytest.mark.parametrize(("path", "status"), [("/answer", 200), ("/moved", 302)])
def test_a_call_carries_the_hash_and_the_rule_of_its_route(
    client: httpx.Client, service: AuthService, port: int, path: str, status: int
) -> None:
    service.asked.clear()
    service.answer = admitted("alice")
    assert client.get(path, headers={"authorization": "Bearer a"}).status_code == status
    (asked,) = service.asked
    context = asked.attributes.context_extensions
    file = SourceFile(name="gateway.yaml", data=GATEWAY.format(port=port).encode())
    built = build((file,), Options(loopback=True))
    (pipeline,) = built.services[EXTAUTHZ].of(PIPELINE)
    assert context[CONTEXT] == pipeline
    assert Subject(ROUTES, "http", f"*/{context[RULE]}") in built.provenance
    headers = {h.key: h.raw_value for h in asked.attributes.request.http.header_map.headers}
    assert headers["authorization"] == b"Bearer a"


def test_a_refusal_is_a_problem_with_its_challenge(
    client: httpx.Client, service: AuthService
) -> None:
    service.answer = unauthorized()
    said = client.get("/answer")
    assert said.status_code == 401
    assert said.headers["www-authenticate"] == "Bearer"
    assert said.headers["content-type"] == "application/problem+json"
    problem = said.json()
    assert (problem["status"], problem["title"]) == (401, "Unauthorized")
    assert problem["rule"].startswith("r-")


@pytest.mark.parametrize(("path", "status"), [("/open", 200), ("/methods", 405), ("/nowhere", 404)])
def test_nobody_is_asked_where_nobody_need_be(
    client: httpx.Client, service: AuthService, path: str, status: int
) -> None:
    service.asked.clear()
    assert client.get(path).status_code == status
    assert service.asked == []


def test_without_the_service_only_open_routes_answer(tmp_path: Path) -> None:
    port = free_port()
    with running_envoy(GATEWAY.format(port=port), tmp_path):
        said = httpx.get(f"http://127.0.0.1:{port}/answer")
        assert said.status_code == 503
        assert said.json()["rule"].startswith("r-")
        assert httpx.get(f"http://127.0.0.1:{port}/moved").status_code == 503
        assert httpx.get(f"http://127.0.0.1:{port}/open").text == "open"
