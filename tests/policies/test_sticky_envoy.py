"""The side of sticky weights: what is told of a request is where a real Envoy sends it."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from controlplane.build import Build, Options, build
from controlplane.explaining.explaining import Explaining
from controlplane.explaining.request import Request
from controlplane.explaining.told import Forwarded
from controlplane.sources import SourceFile
from policies.sticky.xxhash import xxhash64
from tests.e2e.process import free_port
from tests.e2e.upstream import Upstream
from tests.policies.running_envoy import running_envoy

GATEWAY = """
version: 1
listen: {http: PORT}
defaults: {auth: none}
backends: {one: "http://127.0.0.1:1", two: "http://127.0.0.1:1", three: "http://127.0.0.1:1"}
routes:
  - {path: /cookie, sticky: {cookie: side}, to: {one: 50, two: 0, three: 50}}
  - {path: /header, sticky: {header: x-user}, to: {one: 60, two: 10, three: 30}}
  - {path: /accept, sticky: {header: accept}, to: {one: 50, two: 50}}
  - {path: /cookies, sticky: {header: cookie}, to: {one: 50, two: 50}}
  - {path: /all, sticky: {cookie: side}, to: {one: 100, two: 0}}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Build, httpx.Client]]:
    text = GATEWAY.replace("PORT", str(port := free_port()))
    upstreams = [Upstream(name) for name in ("one", "two", "three")]
    members = {one.name: one.port for one in upstreams}
    try:
        with (
            running_envoy(text, tmp_path_factory.mktemp("envoy"), members),
            httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            source = SourceFile(name="gateway.yaml", data=text.encode())
            yield build((source,), Options(trust_store="/none.pem")), client
    finally:
        for one in upstreams:
            one.end()


Headers = list[tuple[str, str]]
ASKED = 6
"""How often what chance could choose is asked."""


def told(built: Build, path: str, headers: Headers, host: str = "a.test") -> Forwarded:
    assert built.plan is not None
    request = Request(method="GET", host=host, target=path, headers=tuple(headers))
    outcome = Explaining(built.plan).told(request).outcome
    assert isinstance(outcome, Forwarded)
    return outcome


def asked(client: httpx.Client, path: str, headers: Headers, host: str = "a.test") -> str:
    """Where a request goes, of a client that adds no headers and keeps no cookies."""
    client.headers.clear()
    client.cookies.clear()
    sent = [(name.encode(), value.encode()) for name, value in (("host", host), *headers)]
    return str(client.get(path, headers=sent).json()["upstream"])


def sides(client: httpx.Client, path: str, headers: Headers) -> set[str]:
    return {asked(client, path, headers) for _ in range(ASKED)}


def test_a_cookie_names_its_side(gateway: tuple[Build, httpx.Client]) -> None:
    built, client = gateway
    seen: Counter[str] = Counter()
    while len(seen) < 2:  # sides
        answer = client.get("/cookie")
        client.cookies.clear()
        mine = answer.headers["set-cookie"].partition(";")[0]
        side = answer.json()["upstream"]
        seen[side] += 1
        for headers in (
            [("cookie", mine)],
            [("cookie", f"a=b; {mine}; c=d")],
            [("cookie", "a=b"), ("cookie", mine)],
        ):
            assert sides(client, "/cookie", headers) == {side}
            outcome = told(built, "/cookie", headers)
            assert dict(outcome.to) == {side: 100}
            assert outcome.side == f"{side}, whose cookie side it is"


def test_who_has_cookies_of_both_sides_is_on_the_first(
    gateway: tuple[Build, httpx.Client],
) -> None:
    built, client = gateway
    tokens: dict[str, str] = {}
    while len(tokens) < 2:  # sides
        answer = client.get("/cookie")
        client.cookies.clear()
        tokens[answer.json()["upstream"]] = answer.headers["set-cookie"].partition(";")[0]
    headers = [("cookie", f"{tokens['three']}; {tokens['one']}")]
    assert sides(client, "/cookie", headers) == {"one"}
    assert dict(told(built, "/cookie", headers).to) == {"one": 100}


@pytest.mark.parametrize(
    ("path", "headers", "words"),
    [
        ("/cookie", [], "by chance, and the answer sets the cookie side for the time to come"),
        ("/cookie", [("cookie", "side=0")], "by chance, and the answer sets the cookie side"),
        ("/header", [], "by chance: there is no header x-user"),
        ("/header", [("x-user", "")], "one, by the hash of x-user"),
    ],
)
def test_what_is_said_of_no_side(
    gateway: tuple[Build, httpx.Client], path: str, headers: Headers, words: str
) -> None:
    outcome = told(gateway[0], path, headers)
    assert outcome.side.startswith(words)
    assert ("by chance" in outcome.side) == (len(outcome.to) > 1)


def test_one_backend_with_all_the_weight_is_no_side(gateway: tuple[Build, httpx.Client]) -> None:
    outcome = told(gateway[0], "/all", [])
    assert (dict(outcome.to), outcome.side) == ({"one": 100}, "")


@pytest.mark.parametrize("path", ["/header", "/accept", "/cookies"])
def test_the_hash_of_a_header_is_envoys(gateway: tuple[Build, httpx.Client], path: str) -> None:
    built, client = gateway
    name = {"/header": "x-user", "/accept": "accept", "/cookies": "cookie"}[path]
    cases = [[(name, "u" * length)] for length in (0, 1, 3, 4, 7, 8, 12, 31, 32, 33, 64, 100)]
    cases += [[(name, f"user-{number}")] for number in range(40)]
    cases += [
        [(name, "b"), (name, "a")],
        [(name, "a"), (name, "b")],
        [(name, "a"), (name, "")],
        [(name, "é")],
        *([(name, str(n)), (name, "9"), (name, "é" * n)] for n in range(20)),
    ]
    wrong = {}
    for headers in cases:
        (expected,) = told(built, path, headers).to
        found = asked(client, path, headers)
        if found != expected:
            wrong[str(headers)] = (expected, found)
    assert not wrong


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", 0xEF46DB3751D8E999),
        ("a", 0xD24EC4F1A98C6E5B),
        ("abc", 0x44BC2CF5AD770999),
        ("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_the_hash_of_its_authors(text: str, found: int) -> None:
    assert xxhash64(text.encode()) == found
