"""What browsers are told of other origins, through a real Envoy, both services and a real Redis."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.cors_gateway import ADMIN, APP, GATEWAY
from tests.e2e.decided import ACME
from tests.e2e.fleet import Fleet


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet"), GATEWAY)
    made.start("redis", "controlplane", "extauthz", "ratelimit", "envoy")
    try:
        made.answers("/any", 200)
        made.answers("/guarded", 200, headers={"x-api-key": ACME})
        yield made
    finally:
        codes = made.end()
    assert set(codes.values()) == {0}, (codes, made.said)


@pytest.fixture(scope="module", params=["HTTP/1.1", "HTTP/2"])
def client(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[httpx.Client]:
    two = request.param == "HTTP/2"
    with httpx.Client(base_url=fleet.base, http1=not two, http2=two, timeout=10) as made:
        yield made


def preflight(client: httpx.Client, path: str, method: str, origin: str = APP) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": method}
    return client.options(path, headers=headers)


def told(answer: httpx.Response) -> dict[str, str]:
    """What a browser is told, without the beginning that all the names share."""
    start = "access-control-"
    return {n.removeprefix(start): v for n, v in answer.headers.items() if n.startswith(start)}


def reached(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type") is None and "x-up" in answer.headers


def test_a_preflight_needs_no_credential_and_reaches_nobody(client: httpx.Client) -> None:
    answer = preflight(client, "/guarded", "GET")
    assert (answer.status_code, answer.content) == (200, b"")
    assert told(answer) == {
        "allow-origin": APP,
        "allow-methods": "GET, HEAD, POST",
        "allow-headers": "x-api-key",
        "expose-headers": "x-up",
        "max-age": "3600",
    }
    assert not reached(answer)


@pytest.mark.parametrize("path", ["/guarded", "/methods", "/re/abc", "/mixed/x"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com.evil.net",
        "https://evilapp.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com/",
        "https://APP.example.com",
        "https://app.example.com, https://evil.net",
        "null",
        "*",
    ],
)
def test_a_preflight_from_elsewhere_gets_nothing(
    client: httpx.Client, path: str, origin: str
) -> None:
    answer = preflight(client, path, "GET", origin)
    assert told(answer) == {}
    assert not reached(answer)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["title"]) == (403, "Forbidden")
    assert answer.json()["rule"].startswith("p-")


def test_two_origins_are_none(client: httpx.Client) -> None:
    asked = [("origin", APP), ("origin", "https://evil.net")]
    answer = client.options("/guarded", headers=[*asked, ("access-control-request-method", "GET")])
    assert told(answer) == {}
    assert answer.status_code == 403
    assert told(client.get("/guarded", headers=[*asked, ("x-api-key", ACME)])) == {}


def test_an_answer_says_who_may_read_it(client: httpx.Client) -> None:
    answer = client.get("/guarded", headers={"origin": APP, "x-api-key": ACME})
    assert answer.status_code == 200
    assert reached(answer)
    assert told(answer) == {"allow-origin": APP, "expose-headers": "x-up"}
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://app.example.com.evil.net", "null", ""])
def test_an_answer_to_others_says_nothing_whatever_the_backend_says(
    client: httpx.Client, origin: str
) -> None:
    says = [
        ("x-test-says", "access-control-allow-origin: *"),
        ("x-test-says", "access-control-allow-credentials: true"),
        ("x-test-says", "vary: Accept"),
    ]
    answer = client.get("/guarded", headers=[("origin", origin), ("x-api-key", ACME), *says])
    assert answer.status_code == 200
    assert told(answer) == {}
    assert answer.headers.get_list("vary", split_commas=True) == ["Accept", "Origin"]
    answer = client.get("/plain", headers=[("origin", origin), ("x-api-key", ACME), *says])
    assert told(answer) == {"allow-origin": "*", "allow-credentials": "true"}


def test_our_own_refusals_can_be_read(client: httpx.Client) -> None:
    answer = client.get("/guarded", headers={"origin": APP})
    assert answer.status_code == 401
    assert told(answer) == {"allow-origin": APP, "expose-headers": "x-up"}
    assert answer.headers["vary"] == "Origin"
    while (answer := client.get("/few", headers={"origin": APP})).status_code == 200:
        pass
    assert answer.status_code == 429
    assert told(answer) == {"allow-origin": APP, "expose-headers": "x-up"}
    assert told(client.get("/guarded", headers={"origin": "https://evil.net"})) == {}


def test_without_cors_options_is_a_method(client: httpx.Client) -> None:
    assert preflight(client, "/plain", "GET").status_code == 401
    asked = {"origin": APP, "access-control-request-method": "GET", "x-api-key": ACME}
    answer = client.options("/plain", headers=asked)
    assert answer.status_code == 200
    assert reached(answer)
    assert told(answer) == {}
    assert client.options("/guarded", headers={"origin": APP}).status_code == 401
    assert client.options("/guarded").status_code == 401
    empty = {"origin": "", "access-control-request-method": "GET"}
    assert client.options("/guarded", headers=empty).status_code == 401
    assert preflight(client, "/fixed", "GET").status_code == 200
    assert told(preflight(client, "/fixed", "GET")) == {}


@pytest.mark.parametrize(
    ("method", "origin", "methods"),
    [
        ("GET", APP, "GET, PUT"),
        ("PUT", APP, "GET, PUT"),
        ("DELETE", APP, None),
        ("DELETE", ADMIN, "DELETE"),
        ("GET", ADMIN, None),
    ],
)
def test_the_method_that_is_asked_about_decides(
    client: httpx.Client, method: str, origin: str, methods: str | None
) -> None:
    answer = preflight(client, "/methods", method, origin)
    assert told(answer).get("allow-methods") == methods
    assert told(answer).get("allow-origin") == (origin if methods else None)
    credentials = "true" if methods == "DELETE" else None
    assert told(answer).get("allow-credentials") == credentials
    assert not reached(answer)


@pytest.mark.parametrize("method", ["PATCH", "POST", "get", ""])
def test_a_method_without_a_policy_is_not_answered(client: httpx.Client, method: str) -> None:
    answer = preflight(client, "/methods", method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PUT, PATCH, DELETE"
    assert told(answer) == {}


def test_a_method_that_the_policy_does_not_name(client: httpx.Client) -> None:
    answer = preflight(client, "/narrow", "DELETE")
    assert told(answer)["allow-methods"] == "GET"
    assert not reached(answer)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("https://a.shop.test:8443", True),
        ("null", True),
        ("https://example.com", False),
        ("https://.example.com", False),
        ("https://evilexample.com", False),
        ("https://a.example.com.evil.net", False),
        ("https://evil.net/.example.com", False),
        ("https://evil.net?.example.com", False),
        ("https://a.exampleXcom", False),
        ("http://a.example.com", False),
        ("https://a.example.com:8443", False),
        ("https://a.shop.test", False),
        ("https://a.shop.test:84430", False),
    ],
)
def test_all_below_a_host(client: httpx.Client, *, origin: str, allowed: bool) -> None:
    for answer in (
        preflight(client, "/wild", "GET", origin),
        client.get("/wild", headers={"origin": origin}),
    ):
        assert told(answer).get("allow-origin") == (origin if allowed else None)


def test_any_origin_has_no_credentials(client: httpx.Client) -> None:
    for answer in (
        preflight(client, "/any", "POST", "https://evil.net"),
        client.get("/any", headers={"origin": "https://evil.net"}),
    ):
        assert told(answer)["allow-origin"] in {"*", "https://evil.net"}
        assert "allow-credentials" not in told(answer)


def test_an_address_that_is_refused_may_not_ask_either(client: httpx.Client) -> None:
    answer = preflight(client, "/inside", "GET")
    assert answer.status_code == 403
    assert told(answer) == {}


def test_conditions_do_not_count(client: httpx.Client) -> None:
    """Of /mixed/under the one route has no `cors`, and asks for what no preflight carries."""
    answer = preflight(client, "/mixed/under", "GET")
    assert answer.status_code == 403
    assert told(answer) == {}
    assert told(preflight(client, "/mixed/other", "GET"))["allow-origin"] == APP


def test_what_is_not_answered_is_a_request_to_the_route_that_takes_options(
    client: httpx.Client,
) -> None:
    answer = preflight(client, "/mixed/x", "DELETE")
    assert reached(answer)
    assert told(answer) == {}
    answer = preflight(client, "/own", "OPTIONS")
    assert reached(answer)
    answer = preflight(client, "/own", "GET")
    assert told(answer)["allow-origin"] == APP
    assert not reached(answer)
