"""Copies, sticky sides, weights and tries, through a real Envoy."""

from collections import Counter

import httpx

from tests.e2e.harness import Gateway
from tests.e2e.streaming import Streaming

HOST = {"host": "traffic.test"}


def test_a_mirror_gets_a_copy_as_it_was(http: httpx.Client, shadow: Streaming) -> None:
    while not shadow.seen.empty():
        shadow.seen.get()
    assert http.get("/mirrored?x=1", headers=HOST).text == "streaming"
    path, headers = shadow.seen.get(timeout=10)
    assert (path, headers["host"]) == ("/mirrored?x=1", "traffic.test")
    own, again = headers["x-forwarded-for"].split(",")  # what tells it from the request
    assert (own, headers["x-envoy-internal"]) == (again, "true")


def test_a_mirror_that_fails_is_not_noticed(http: httpx.Client) -> None:
    for _ in range(20):
        answer = http.get("/mirrored/to-nobody", headers=HOST)
        assert (answer.status_code, answer.text) == (200, "streaming")


def test_a_mirror_of_some_gets_some(http: httpx.Client, shadow: Streaming) -> None:
    while not shadow.seen.empty():
        shadow.seen.get()
    for _ in range(400):
        assert http.get("/mirrored/some", headers=HOST).status_code == 200
    assert http.get("/mirrored?last", headers=HOST).text == "streaming"
    found = 0
    while shadow.seen.get(timeout=10)[0] != "/mirrored?last":
        found += 1
    assert 10 <= found <= 90  # five deviations around 40


def test_the_same_cookie_is_the_same_side(gateway: Gateway) -> None:
    sides: Counter[str] = Counter()
    for _ in range(40):
        with httpx.Client(base_url=gateway.base) as user:
            first = user.get("/sticky", headers=HOST)
            told = first.headers["set-cookie"]
            assert "; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax" in told
            mine = HOST | {"cookie": f"a=b; {told.partition(';')[0]}; c=d"}
            for _ in range(5):
                again = user.get("/sticky", headers=mine)
                assert again.text == first.text
                assert "set-cookie" not in again.headers
            sides[first.text] += 1
    assert sides.keys() == {"streaming", "shadow"}


def test_a_cookie_of_no_side_is_replaced(http: httpx.Client) -> None:
    answer = http.get("/sticky", headers=HOST | {"cookie": "side=0123456789abcdef"})
    assert "set-cookie" in answer.headers


def test_the_same_header_is_the_same_side(http: httpx.Client) -> None:
    sides = {}
    for user in range(40):
        sent = HOST | {"x-user": f"user-{user}"}
        (side,) = {http.get("/by-header", headers=sent).text for _ in range(4)}
        sides[user] = side
    assert set(sides.values()) == {"streaming", "shadow"}
    without = {http.get("/by-header", headers=HOST).text for _ in range(60)}
    assert without == {"streaming", "shadow"}


def test_weights_hold(http: httpx.Client) -> None:
    found = Counter(http.get("/weighted", headers=HOST).text for _ in range(1000))
    assert 50 <= found["shadow"] <= 150  # five deviations around 100


def test_retries_within_a_budget_and_a_pause(http: httpx.Client) -> None:
    answer = http.get("/budgeted", headers=HOST)
    assert (answer.status_code, answer.json()["title"]) == (503, "Service Unavailable")


def test_a_try_in_which_nothing_moves_is_tried_again(http: httpx.Client) -> None:
    answer = http.get("/per-try-idle", headers=HOST | {"x-test-fail": "idle 1 wait"})
    assert (answer.status_code, answer.json()["tries"]) == (200, 2)
