"""What is told of a decision: challenges to the client, headers that the upstream never sees."""

from dataclasses import replace

import pytest

from policies.auth.pipeline import Pipeline
from tests.policies.auth_check.minting import (
    IDP,
    KEYS,
    PARTNER,
    api_key,
    bearer,
    decided,
    partner_token,
    pipeline,
    request,
    signer,
)

GOOD = bearer(signer().token())
BAD = bearer(signer().token({"exp": 1}))
OF_PARTNER = bearer(partner_token())
NOT_A_TOKEN = bearer(b"abc")
BASIC = ("authorization", b"Basic YTpi")
KEY = api_key(b"acme-key")
BAD_KEY = api_key(b"bob-key")

BEARER = 'Bearer realm="foregate"'
API_KEY = 'ApiKey realm="foregate", header="x-api-key"'

JWT_KEY = (IDP, KEYS)
KEY_JWT = (KEYS, IDP)
TWO = (IDP, PARTNER)


def invalid(description: str) -> str:
    return f'{BEARER}, error="invalid_token", error_description="{description}"'


@pytest.mark.parametrize(
    ("by", "headers", "expected"),
    [
        (pipeline(IDP), [], [BEARER]),
        (pipeline(*TWO), [], [BEARER]),
        (pipeline(KEYS), [], [API_KEY]),
        (pipeline(*JWT_KEY), [], [BEARER, API_KEY]),
        (pipeline(*KEY_JWT), [], [API_KEY, BEARER]),
        (pipeline(*JWT_KEY, every=True), [GOOD], [API_KEY]),
        (pipeline(*JWT_KEY), [BAD], [invalid("the token is expired")]),
        (pipeline(IDP), [NOT_A_TOKEN], [invalid("the token is malformed")]),
        (pipeline(KEYS), [BAD_KEY], [f'{API_KEY}, error="invalid_key"']),
        (
            pipeline(IDP, scopes=("a", 'q"\\é\r\n')),
            [GOOD],
            [r'Bearer error="insufficient_scope", scope="a q\"\\"'],
        ),
        (
            pipeline(KEYS, scopes=("a", "b")),
            [KEY],
            ['ApiKey error="insufficient_scope", scope="a b"'],
        ),
        (pipeline(IDP), [GOOD, GOOD], []),
    ],
)
def test_challenges(by: Pipeline, headers: list, expected: list[str]) -> None:  # type: ignore[type-arg]
    assert list(decided(request(*headers), by).challenges) == expected


IDP_FORWARDS = replace(IDP, forward=True)
KEYS_FORWARD = replace(KEYS, forward=True)


@pytest.mark.parametrize(
    ("by", "headers", "removed"),
    [
        (pipeline(*JWT_KEY), [GOOD, KEY], {"authorization", "x-api-key"}),
        (pipeline(IDP_FORWARDS, KEYS), [GOOD, KEY], {"x-api-key"}),
        (pipeline(IDP_FORWARDS, KEYS), [KEY], {"authorization", "x-api-key"}),
        (pipeline(KEYS, IDP_FORWARDS), [GOOD, KEY], {"authorization", "x-api-key"}),
        (pipeline(IDP, KEYS_FORWARD), [GOOD, KEY], {"authorization", "x-api-key"}),
        (pipeline(IDP, KEYS_FORWARD), [KEY, BASIC], {"authorization"}),
        (pipeline(IDP_FORWARDS, PARTNER), [OF_PARTNER], {"authorization", "x-api-key"}),
        (pipeline(IDP_FORWARDS, KEYS_FORWARD, every=True), [GOOD, KEY], set()),
        (pipeline(IDP_FORWARDS, KEYS, every=True), [GOOD, KEY], {"x-api-key"}),
    ],
)
def test_only_a_verified_credential_is_forwarded(
    by: Pipeline,
    headers: list,  # type: ignore[type-arg]
    removed: set[str],
) -> None:
    verdict = decided(request(*headers), by)
    assert verdict.principal
    assert set(verdict.remove) == removed
