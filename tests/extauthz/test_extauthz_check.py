"""Whole checks: bytes as Envoy sends them in, bytes that Envoy reads out."""

from collections.abc import Callable
from typing import Any

import pytest
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest, CheckResponse
from google.protobuf.internal import api_implementation
from structlog.testing import capture_logs

from decision.ask import Ask, KeysOf
from extauthz import check
from extauthz.reply import reply
from extauthz.service import METHOD, SlowProtobufError, make
from policies.auth.pipeline import CONTEXT
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ, KEY_REQUEST, KEYS, PIPELINE
from serving.service import Update
from tests.extauthz.checks import (
    FAULT,
    LEFT,
    Bench,
    FakeFeed,
    admits,
    bench,
    consumers,
    denial,
    envoy_call,
    hash_of,
    key_set,
    message,
    pipelines,
    served,
    told,
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


def test_the_service_as_it_is_served() -> None:
    made = make(FakeFeed())
    assert made.name == EXTAUTHZ
    assert made.types == (CONSUMERS, KEYS, PIPELINE)
    assert list(made.methods) == ["envoy.service.auth.v3.Authorization/Check"]
    assert made.work is None


def test_a_slow_protobuf_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_implementation, "Type", lambda: "python")
    with pytest.raises(SlowProtobufError):
        make(FakeFeed())


def test_a_token_is_admitted() -> None:
    response = bench(*served(BOTH)).check(envoy_call(NAME, GOOD))
    assert admits(response)
    assert told(response) == {
        "x-foregate-user": "alice",
        "x-foregate-scopes": "orders%3Aread profile",
    }
    overwrite = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    assert {o.append_action for o in response.ok_response.headers} == {overwrite}
    removed = set(response.ok_response.headers_to_remove)
    assert removed == {"authorization", "x-api-key", "x-foregate-consumer"}
    assert dict(response.dynamic_metadata) == {
        "user": f"=3:idp,{len(IDP.issuer)}:{IDP.issuer},7:subject,5:alice,"
    }


def test_a_key_is_admitted() -> None:
    response = bench(*served(BOTH)).check(envoy_call(NAME, KEY))
    assert admits(response)
    assert told(response) == {
        "x-foregate-user": "acme",
        "x-foregate-consumer": "acme",
        "x-foregate-scopes": "orders%3Aread",
    }
    assert dict(response.dynamic_metadata) == {
        "user": "=4:keys,0:,8:consumer,4:acme,",
        "consumer": "=acme",
    }


def test_what_the_upstream_is_told_is_encoded() -> None:
    subject = "a b%\r\n,/é\x00~-._Z"
    token = bearer(signer().token({"sub": subject, "scope": "a,b é/"}))
    response = bench(*served(BOTH)).check(envoy_call(NAME, token))
    assert told(response) == {
        "x-foregate-user": "a%20b%25%0D%0A%2C%2F%C3%A9%00~-._Z",
        "x-foregate-scopes": "a%2Cb %C3%A9%2F",
    }
    user = response.dynamic_metadata.fields["user"].string_value
    assert user.endswith(f"{len(subject)}:{subject},")


@pytest.mark.parametrize(
    ("headers", "status", "challenges"),
    [
        (
            [],
            401,
            ['Bearer realm="foregate"', 'ApiKey realm="foregate", header="x-api-key"'],
        ),
        ([KEY, KEY], 400, []),
    ],
)
def test_a_denial(headers: list[tuple[str, bytes]], status: int, challenges: list[str]) -> None:
    response = bench(*served(BOTH)).check(envoy_call(NAME, *headers))
    assert denial(response) == (7, status)
    sent = response.denied_response.headers
    assert [(o.header.key, o.header.value) for o in sent] == [
        ("www-authenticate", c) for c in challenges
    ]
    assert response.denied_response.body == ""
    assert not response.dynamic_metadata.fields


# Our own faults: each thing that a decision needs is taken away once.


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


# Old routes and new pipelines.


def test_an_unknown_pipeline_is_fetched_while_the_call_is_held() -> None:
    ours = bench(*served())
    name, body = message(BOTH)
    ours.feed.late[name] = body
    assert admits(ours.check(envoy_call(NAME, GOOD)))
    assert admits(ours.check(envoy_call(NAME, GOOD)))
    assert ours.feed.fetched == [(PIPELINE, NAME, LEFT / 2)]
    assert ours.sample("foregate_extauthz_pipelines_total", found="fetched") == 1
    assert ours.sample("foregate_extauthz_pipelines_total", found="memory") == 1


@pytest.mark.parametrize(("left", "within"), [(1.0, 0.5), (0.0, 0.0), (-1.0, 0.0)])
def test_a_call_is_held_for_half_of_what_is_left(left: float, within: float) -> None:
    ours = bench(*served())
    ours.raw(envoy_call(NAME, GOOD).SerializeToString(), left)
    assert ours.feed.fetched == [(PIPELINE, NAME, within)]


def test_a_removed_pipeline_still_judges_its_old_routes() -> None:
    ours = bench(*served(BOTH), pipelines(removed=[NAME]))
    assert admits(ours.check(envoy_call(NAME, GOOD)))
    assert denial(ours.check(envoy_call(NAME))) == (7, 401)
    assert ours.feed.fetched == []


# Unknown keys.


def rotated(ours: Bench) -> list[tuple[str, str]]:
    new = bearer(signer("new").token())
    assert denial(ours.check(envoy_call(NAME, new))) == (7, 401)
    return ours.feed.asked


def test_an_unknown_key_is_reported_at_most_every_two_seconds() -> None:
    ours = bench(*served(BOTH))
    assert rotated(ours) == [(KEY_REQUEST, IDP.keys)]
    assert len(rotated(ours)) == 1
    ours.clock.now += 1.9
    assert len(rotated(ours)) == 1
    ours.clock.now += 0.1
    assert len(rotated(ours)) == 2
    assert ours.sample("foregate_extauthz_key_reports_total", source=IDP.keys) == 2


def test_a_new_key_is_used_once_it_comes() -> None:
    ours = bench(*served(BOTH))
    rotated(ours)
    ours.take(key_set(IDP.keys, signer("new")))
    assert admits(ours.check(envoy_call(NAME, bearer(signer("new").token()))))
    assert denial(ours.check(envoy_call(NAME, GOOD))) == (7, 401)


def test_nobody_is_asked_from_a_plain_file() -> None:
    assert rotated(bench(*served(BOTH), alone=True)) == []


def test_nothing_else_is_reported() -> None:
    ours = bench(*served(BOTH))
    for header in (GOOD, KEY, bearer(b"a.b.c"), bearer(signer("new").token({"exp": 1}))):
        ours.check(envoy_call(NAME, header))
    assert ours.feed.asked == []


# Headers.


def test_headers_that_are_no_text_and_large_ones() -> None:
    ours = bench(*served(BOTH))
    noise = ("x-noise", b"\xff\xfe" * 30_000)
    assert admits(ours.check(envoy_call(NAME, noise, GOOD)))
    assert denial(ours.check(envoy_call(NAME, bearer(b"\xff" * 60_000)))) == (7, 401)
    assert denial(ours.check(envoy_call(NAME, api_key(b"\xff" * 60_000)))) == (7, 401)
    assert admits(ours.check(envoy_call(NAME, ("X-API-Key", b"acme-key"))))


def joined(**headers: str) -> CheckRequest:
    """A check as Envoy makes it without `encode_raw_headers`: lines of one name are joined."""
    call = envoy_call(NAME)
    call.attributes.request.http.ClearField("header_map")
    call.attributes.request.http.headers.update(
        {":path": "/a,b", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )
    return call


def test_joined_headers_are_taken_apart() -> None:
    ours = bench(*served(BOTH))
    good = GOOD[1].decode()
    assert admits(ours.check(joined(authorization=good)))
    assert admits(ours.check(joined(x_api_key="acme-key", accept="a,b,c")))
    for value in ("acme-key,acme-key", "acme-key,", ",acme-key", "other,acme-key"):
        assert denial(ours.check(joined(x_api_key=value))) == (7, 400)
    assert denial(ours.check(joined(authorization=f"{good},{good}"))) == (7, 400)
    assert denial(ours.check(joined(authorization=f"Basic a,{good}"))) == (7, 400)


def test_joined_headers_beside_raw_ones_do_not_count() -> None:
    call = envoy_call(NAME)
    call.attributes.request.http.headers["authorization"] = GOOD[1].decode()
    assert denial(bench(*served(BOTH)).check(call)) == (7, 401)


# Secrets.


CANARY = "canary-7f3a91"


def test_no_credential_is_ever_written_down() -> None:
    ours = bench(*served(BOTH, pipeline(IDP, API_KEYS, scopes=("none",))))
    eve = signer("eve")
    tokens = [
        signer().token({"sub": CANARY}),
        signer().token({"aud": CANARY}),
        signer().token({"iss": CANARY}),
        signer().token({"exp": 1, "sub": CANARY}),
        signer().token({"scope": CANARY, "other": CANARY}),
        signer().token(header={"kid": CANARY}),
        signer().token(header={"alg": CANARY}),
        eve.token({"sub": CANARY}),
        CANARY.encode(),
    ]
    seen = []
    with capture_logs() as logs:
        for name in (NAME, hash_of(pipeline(IDP, API_KEYS, scopes=("none",))), "0" * 64):
            for token in tokens:
                seen += [(token, ours.check(envoy_call(name, bearer(token))))]
                seen += [(token, ours.check(envoy_call(name, bearer(token), bearer(token))))]
            key = CANARY.encode()
            seen += [(key, ours.check(envoy_call(name, api_key(key), ("x-other", key))))]
    assert sum(admits(response) for _, response in seen) == 2
    assert len(logs) == len(seen) - 2
    written = str(logs) + ours.metrics()
    for secret, response in seen:
        text = str(response) if not admits(response) else response.denied_response.body
        for part in (secret.decode(), *secret.decode().split("."), CANARY):
            assert part not in written
            assert part not in text


def test_denials_are_quiet_and_faults_are_not() -> None:
    ours = bench(*served(BOTH))
    with capture_logs() as logs:
        ours.check(envoy_call(NAME))
        ours.check(envoy_call(NAME, GOOD))
        ours.check(envoy_call("0" * 64))
    assert [(log["log_level"], log["reason"]) for log in logs] == [
        ("debug", "no_credentials"),
        ("warning", "unknown_pipeline"),
    ]


def test_decisions_are_counted_by_rule_reason_and_verdict() -> None:
    ours = bench(*served(BOTH))
    ours.check(envoy_call(NAME, GOOD, rule="r1"))
    ours.check(envoy_call(NAME, rule="r1"))
    ours.check(envoy_call("0" * 64, rule="made-up"))
    counted = {
        ("r1", "admitted", "allow"): 1,
        ("r1", "no_credentials", "deny"): 1,
        ("", "unknown_pipeline", "fault"): 1,
        ("made-up", "unknown_pipeline", "fault"): None,
    }
    for (rule, reason, verdict), count in counted.items():
        labels = {"rule": rule, "reason": reason, "verdict": verdict}
        assert ours.sample("foregate_extauthz_decisions_total", **labels) == count
    assert ours.sample("foregate_extauthz_check_seconds_count") == 3


def test_the_method_has_the_name_that_envoy_calls() -> None:
    assert METHOD.endswith("Authorization/Check")
