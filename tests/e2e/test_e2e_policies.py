"""What policies do to requests and answers, through a real Envoy."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.harness import Gateway


def arrived(answer: httpx.Response) -> dict[str, str]:
    """The headers that the upstream saw, repeated ones joined."""
    assert answer.status_code == 200, answer.text
    headers: dict[str, str] = {}
    for name, value in answer.json()["headers"]:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/moved/a/b?x=1", "/prefix/a/b?x=1"),
        ("/moved/", "/prefix/"),
        ("/moved", "/prefix"),
    ],
)
def test_a_redirect_fills_in_the_path_and_keeps_the_rest(
    client: httpx.Client, gateway: Gateway, path: str, to: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 308
    assert answer.headers["location"] == gateway.base + to
    assert answer.content == b""


def test_a_redirect_elsewhere(client: httpx.Client) -> None:
    answer = client.get("/elsewhere?x=1")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://example.com:8443/elsewhere?x=1"


def test_a_fixed_answer_is_left_as_it_is_written(client: httpx.Client) -> None:
    answer = client.get("/fixed")
    assert answer.status_code == 418
    assert answer.text == '{"short": "and %STOUT%"}'
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-why"] == "100%"
    empty = client.get("/none")
    assert (empty.status_code, empty.content) == (204, b"")


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/rewrite/ann/orders/7?x=1", "/o/7/of/ann?x=1"),
        ("/stripped", "/"),
        ("/stripped/", "/"),
        ("/stripped/a/b?x=1", "/a/b?x=1"),
        ("/one", "/another"),
    ],
)
def test_a_rewritten_path(client: httpx.Client, path: str, seen: str) -> None:
    assert client.get(path).json()["path"] == seen


def test_a_rewritten_host(client: httpx.Client, gateway: Gateway) -> None:
    assert arrived(client.get("/rewrite/ann/orders/7"))["host"] == "orders.internal"
    assert arrived(client.get("/exact"))["host"] == f"127.0.0.1:{gateway.port}"


def test_headers_both_ways(client: httpx.Client) -> None:
    sent = {"x-set": "client", "x-add": "one", "x-gone": "1"}
    answer = client.get("/headers", headers=sent)
    seen = arrived(answer)
    assert seen["x-set"] == "50% %REQ(:path)%"
    assert seen["x-add"] in {"one, two", "one,two"}
    assert "x-gone" not in seen
    assert answer.headers["x-out"] == "100%"
    assert "server" not in answer.headers
    assert "x-up" not in answer.headers
    assert client.get("/exact").headers["server"].startswith("BaseHTTP")


def test_a_timeout_is_504(client: httpx.Client) -> None:
    answer = client.get("/slow", headers={"x-test-delay": "2000"})
    assert answer.status_code == 504
    assert answer.json()["title"] == "Gateway Timeout"
    assert client.get("/slow").status_code == 200
    assert client.get("/patient", headers={"x-test-delay": "300"}).status_code == 200


def test_codes_are_retried_for_idempotent_methods_alone(client: httpx.Client) -> None:
    proto = client.get("/exact").http_version
    fail = f"idem-{proto} 2 503"
    answer = client.get("/retried", headers={"x-test-fail": fail})
    assert (answer.status_code, answer.json()["tries"]) == (200, 3)
    answer = client.put("/retried", headers={"x-test-fail": f"put-{proto} 2 503"})
    assert (answer.status_code, answer.json()["tries"]) == (200, 3)
    answer = client.post("/retried", headers={"x-test-fail": f"post-{proto} 2 503"})
    assert (answer.status_code, answer.json()["tries"]) == (503, 1)
    answer = client.post("/retried-post", headers={"x-test-fail": f"post2-{proto} 2 503"})
    assert (answer.status_code, answer.json()["tries"]) == (200, 3)
    answer = client.get("/retried", headers={"x-test-fail": f"much-{proto} 9 503"})
    assert (answer.status_code, answer.json()["tries"]) == (503, 3)
    answer = client.get("/retried", headers={"x-test-fail": f"other-{proto} 2 502"})
    assert (answer.status_code, answer.json()["tries"]) == (502, 1)


def test_connection_failures_are_retried_for_every_method(http: httpx.Client) -> None:
    assert {http.post("/retried-elsewhere").status_code for _ in range(10)} == {200}
    assert {http.post("/not-retried").status_code for _ in range(10)} == {200, 503}


def test_each_try_has_its_time(http: httpx.Client) -> None:
    answer = http.get("/per-try", headers={"x-test-fail": "try 1 wait"})
    assert (answer.status_code, answer.json()["tries"]) == (200, 2)


def test_a_dead_backend_is_503_and_names_its_rule(client: httpx.Client) -> None:
    answer = client.get("/dead")
    assert answer.status_code == 503
    assert answer.json()["rule"].startswith("r-")


def test_an_endpoint_that_is_not_well_gets_no_request(http: httpx.Client) -> None:
    seen = {http.get("/checked").json()["upstream"] for _ in range(20)}
    assert seen == {"echo"}


def test_an_endpoint_that_keeps_failing_is_ejected(http: httpx.Client) -> None:
    first = [http.get("/ejecting").status_code for _ in range(12)]
    assert 500 in first
    assert {http.get("/ejecting").status_code for _ in range(20)} == {200}


def test_with_all_ejected_nobody_is_asked(http: httpx.Client) -> None:
    assert [http.get("/nobody").status_code for _ in range(2)] == [500, 500]
    assert "upstream" not in http.get("/nobody").json()
    assert {http.get("/nobody").status_code for _ in range(5)} == {503}


def test_a_cap_refuses_what_is_over_it(gateway: Gateway) -> None:
    def call(delay: str) -> int:
        with httpx.Client(base_url=gateway.base, timeout=20) as one:
            return one.get("/capped", headers={"x-test-delay": delay}).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(call, ["1000"] * 8))
    assert 503 in statuses
    assert 200 in statuses
    assert call("0") == 200
