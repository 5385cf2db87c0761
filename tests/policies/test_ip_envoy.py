"""Address lists in a real Envoy: whom they let in, as which address a request counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.process import free_port
from tests.policies.running_envoy import running_envoy

ROUTES = """
defaults: {auth: none}
routes:
  - path: /open
    respond: {status: 204}
  - path: /moved
    ip: {deny: [127.0.0.1, 198.51.100.0/24]}
    redirect: {path: /open}
  - path: /wide
    ip: {allow: [198.51.100.0/24], deny: [198.51.100.128/25]}
    respond: {status: 204}
  - path: /narrow
    ip:
      allow: [198.51.100.7, 192.0.2.0/24, 0.0.0.0/1, 198.51.100.8/29]
      deny: [198.51.100.8/30, 192.0.2.7]
    respond: {status: 204}
  - path: /six
    ip: {allow: ["2001:db8::/32", "::1"], deny: ["2001:db8:9::/48"]}
    respond: {status: 204}
  - path: /all-of-six
    ip: {allow: ["::/0"]}
    respond: {status: 204}
  - path: /none-of-six
    ip: {deny: ["::/0"]}
    respond: {status: 204}
  - path: /here
    ip: {allow: [127.0.0.1]}
    respond: {status: 204}
"""


@contextmanager
def gateway(listen: str, host: str, folder: Path) -> Iterator[httpx.Client]:
    port = free_port()
    head = f"version: 1\nlisten: {listen.replace('PORT', str(port))}\n"
    with (
        running_envoy(head + ROUTES, folder),
        httpx.Client(base_url=f"http://{host}:{port}") as made,
    ):
        yield made


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with gateway("{http: PORT}", "127.0.0.1", tmp_path_factory.mktemp("alone")) as made:
        yield made


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    listen = "{http: PORT, trustedHops: 1}"
    with gateway(listen, "127.0.0.1", tmp_path_factory.mktemp("behind")) as made:
        yield made


def test_a_refusal_is_a_problem_of_its_route(alone: httpx.Client) -> None:
    refused = alone.get("/wide")
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    told = refused.json()
    assert (told["title"], told["status"]) == ("Forbidden", 403)
    assert told["rule"].startswith("r-")
    assert alone.get("/open").status_code == 204
    assert alone.get("/here").status_code == 204
    assert alone.get("/moved").status_code == 403, "a redirect is a route like others"


def test_what_a_client_claims_counts_only_behind_a_proxy(
    alone: httpx.Client, behind: httpx.Client
) -> None:
    spoofed = {"x-forwarded-for": "198.51.100.7", "x-real-ip": "198.51.100.7"}
    assert alone.get("/wide", headers=spoofed).status_code == 403
    assert behind.get("/wide", headers=spoofed).status_code == 204
    assert behind.get("/wide").status_code == 403


def test_both_families_on_one_port(tmp_path: Path) -> None:
    with gateway('{http: "[::]:PORT"}', "127.0.0.1", tmp_path) as client:
        assert client.get("/here").status_code == 204
        assert client.get("/six").status_code == 403
        assert client.get("/none-of-six").status_code == 204
        six = str(client.base_url).replace("127.0.0.1", "[::1]")
        assert httpx.get(f"{six}/six").status_code == 204
        assert httpx.get(f"{six}/here").status_code == 403
        assert httpx.get(f"{six}/none-of-six").status_code == 403


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        ("/wide", "198.51.100.7", 204),
        ("/wide", "198.51.100.129", 403),
        ("/wide", "192.0.2.1", 403),
        ("/narrow", "198.51.100.7", 204),
        ("/narrow", "198.51.100.9", 403),
        ("/narrow", "192.0.2.6", 204),
        ("/narrow", "192.0.2.7", 403),
        ("/narrow", "::ffff:192.0.2.6", 204),
        ("/narrow", "::ffff:192.0.2.7", 403),
        ("/narrow", "1.2.3.4", 204),
        ("/narrow", "::1", 403),
        ("/six", "2001:db8::1", 204),
        ("/six", "2001:db8:9::1", 403),
        ("/six", "2001:db9::1", 403),
        ("/six", "198.51.100.7", 403),
        ("/all-of-six", "2001:db8::1", 204),
        ("/all-of-six", "198.51.100.7", 403),
        ("/all-of-six", "::ffff:198.51.100.7", 403),
        ("/none-of-six", "2001:db8::1", 403),
        ("/none-of-six", "198.51.100.7", 204),
        ("/none-of-six", "::ffff:198.51.100.7", 204),
        ("/moved", "198.51.100.7", 403),
        ("/moved", "192.0.2.1", 302),
    ],
)
def test_the_address_that_a_trusted_proxy_passes_on(
    behind: httpx.Client, path: str, address: str, status: int
) -> None:
    # what stands left of what the proxy wrote is the client's claim
    for sent in (address, f"127.0.0.1, {address}", f"198.51.100.7, 192.0.2.6, {address}"):
        answer = behind.get(path, headers={"x-forwarded-for": sent})
        assert answer.status_code == status, sent
