"""Our own faults: each thing that a decision needs is taken away once, and it is a 503."""

from collections.abc import Callable
from typing import Any

import pytest
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest, CheckResponse
from structlog.testing import capture_logs

from decision.ask import Ask, KeysOf
from extauthz import check
from extauthz.reply import reply
from policies.auth.pipeline import CONTEXT
from protos import CONSUMERS, CONSUMERS_NAME, KEYS, PIPELINE
from serving.service import Update
from tests.extauthz.checks import (
    FAULT,
    LEFT,
    FakeFeed,
    admits,
    bench,
    consumers,
    denial,
    envoy_call,
    hash_of,
    key_set,
    served,
)
from tests.policies.auth_check.minting import (
    IDP,
    NOW,
    api_key,
    bearer,
    pipeline,
    signer,
)
from tests.policies.auth_check.minting import (
    KEYS as API_KEYS,
)

BOTH = pipeline(IDP, API_KEYS)
NAME = hash_of(BOTH)
GOOD = bearer(signer().token())
KEY = api_key(b"acme-key")


def test_without_a_hash() -> None:
    call = envoy_call(NAME, GOOD)
    del call.attributes.context_extensions[CONTEXT]
    ours = bench(*served(BOTH))
    assert denial(ours.check(call)) == FAULT
    assert denial(ours.check(envoy_call("", GOOD))) == FAULT
    assert ours.feed.fetched == []
    labels = {"rule": "", "reason": "no_pipeline", "verdict": "fault"}
    assert ours.sample("foregate_extauthz_decisions_total", **labels) == 2


def test_without_the_pipeline() -> None:
    ours = bench(*served())
    assert denial(ours.check(envoy_call(NAME, GOOD))) == FAULT
    assert ours.feed.fetched == [(PIPELINE, NAME, LEFT / 2)]
    assert ours.sample("foregate_extauthz_pipelines_total", found="unknown") == 1


def test_what_is_no_hash_is_not_fetched() -> None:
    ours = bench(*served(BOTH))
    for name in ("a", NAME.upper(), NAME + "\n", "0" * 63):
        assert denial(ours.check(envoy_call(name, GOOD))) == FAULT
    assert ours.feed.fetched == []


def test_without_keys() -> None:
    without = [u for u in served(BOTH) if IDP.keys not in u.changed]
    assert denial(bench(*without).check(envoy_call(NAME, GOOD))) == FAULT
    removed = bench(*served(BOTH), Update(type_url=KEYS, removed=frozenset({IDP.keys})))
    assert denial(removed.check(envoy_call(NAME, GOOD))) == FAULT
    none_yet = bench(*without, key_set(IDP.keys))
    assert denial(none_yet.check(envoy_call(NAME, GOOD))) == FAULT
    assert none_yet.service.intake.ready


def test_with_stale_keys() -> None:
    ours = bench(*served(BOTH))
    ours.take(key_set(IDP.keys, signer(), fetched_at=NOW - 3600, use_for=3600))
    assert denial(ours.check(envoy_call(NAME, GOOD))) == FAULT
    ours.take(key_set(IDP.keys, signer(), fetched_at=NOW - 3600, use_for=0))
    assert admits(ours.check(envoy_call(NAME, GOOD)))


def test_keys_get_stale_by_the_clock() -> None:
    ours = bench(*served(BOTH))
    ours.take(key_set(IDP.keys, signer(), use_for=10))
    ours.clock.now += 9
    assert admits(ours.check(envoy_call(NAME, GOOD)))
    ours.clock.now += 1
    assert denial(ours.check(envoy_call(NAME, GOOD))) == FAULT


def test_without_consumers() -> None:
    without = [u for u in served(BOTH) if u.type_url != CONSUMERS]
    assert denial(bench(*without).check(envoy_call(NAME, KEY))) == FAULT
    gone = Update(type_url=CONSUMERS, removed=frozenset({CONSUMERS_NAME}))
    assert denial(bench(*served(BOTH), gone).check(envoy_call(NAME, KEY))) == FAULT
    assert denial(bench(*served(BOTH), consumers({})).check(envoy_call(NAME, KEY))) == (7, 401)


def test_without_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def asking(*_: object) -> Ask:
        return Ask(question=KeysOf(source="a"))

    monkeypatch.setattr(check, "decide", asking)
    assert denial(bench(*served(BOTH)).check(envoy_call(NAME, GOOD))) == FAULT


def without_method(call: CheckRequest) -> None:
    del call.attributes.request.http.header_map.headers[1]
    call.attributes.request.http.method = ""


def without_path(call: CheckRequest) -> None:
    del call.attributes.request.http.header_map.headers[2]
    call.attributes.request.http.path = ""


def without_http(call: CheckRequest) -> None:
    call.attributes.request.ClearField("http")


def with_two_paths(call: CheckRequest) -> None:
    call.attributes.request.http.header_map.headers.add(key=":path", raw_value=b"/other")


@pytest.mark.parametrize("broken", [without_method, without_path, without_http, with_two_paths])
def test_a_request_that_is_none(broken: Callable[[CheckRequest], None]) -> None:
    call = envoy_call(NAME, GOOD)
    broken(call)
    ours = bench(*served(BOTH))
    assert denial(ours.check(call)) == FAULT
    labels = {"rule": "rule-1", "reason": "malformed_check", "verdict": "fault"}
    assert ours.sample("foregate_extauthz_decisions_total", **labels) == 1


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x0a\x05abc", b"\x0a\xff\xff\xff\xff\x0f"])
def test_bytes_that_are_no_check(body: bytes) -> None:
    assert denial(CheckResponse.FromString(bench(*served(BOTH)).raw(body))) == FAULT


@pytest.mark.parametrize("broken", ["decide", "request", "reply", "rule_id"])
def test_an_exception_inside(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def failing(*given: Any) -> bytes:
        if broken == "reply" and not admitted_once.pop(0):
            return reply(*given)
        raise RuntimeError("canary")

    admitted_once = [True, False]
    monkeypatch.setattr(check, broken, failing)
    ours = bench(*served(BOTH))
    with capture_logs() as logs:
        assert denial(ours.check(envoy_call(NAME, GOOD))) == FAULT
    assert [(log["event"], log["error"], log["log_level"]) for log in logs] == [
        ("check failed", "RuntimeError", "warning")
    ]
    assert "canary" not in str(logs)
    assert "internal_error" in ours.metrics()


def test_a_feed_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = bench(*served())

    async def failing(*_: object, **__: object) -> bool:
        raise OSError("no control plane")

    monkeypatch.setattr(FakeFeed, "fetch", failing)
    assert denial(ours.check(envoy_call(NAME, GOOD))) == FAULT
