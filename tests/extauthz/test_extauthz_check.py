"""Whole checks: bytes as Envoy sends them in, bytes that Envoy reads out."""

import pytest
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from google.protobuf.internal import api_implementation

from extauthz.service import SlowProtobufError, make
from protos import CONSUMERS, EXTAUTHZ, KEY_REQUEST, KEYS, PIPELINE
from tests.extauthz.checks import (
    LEFT,
    Bench,
    FakeFeed,
    admits,
    bench,
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
