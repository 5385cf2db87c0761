"""What is a key set with keys to use, and what is kept of it."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.keyring.jwks import NONE, NoKeysError, public_keys

RSA = {"kty": "RSA", "n": "x", "e": "AQAB", "kid": "r", "key_ops": ["verify"]}
EC = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}
OKP = {"kty": "OKP", "crv": "Ed25519", "x": "x"}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_public_keys_are_kept_as_they_came_and_nothing_else() -> None:
    body = json.dumps({"more": 1, "keys": [RSA, EC, OKP]}, indent=2).encode()
    assert json.loads(public_keys(body)) == {"keys": [RSA, EC, OKP]}
    assert public_keys(public_keys(body)) == public_keys(body)


@pytest.mark.parametrize(
    "bad",
    [
        *({}, {"kty": "RSA"}, {**RSA, "n": ""}, {**RSA, "e": 3}, {**EC, "y": None}),
        *({"kty": "oct", "k": "c2VjcmV0"}, {"kty": "none"}, {"kty": ["RSA"]}, {**OKP, "k": "x"}),
        *({**RSA, "d": "x"}, {**RSA, "p": "x"}, {**EC, "d": "x"}, {**OKP, "d": ""}),
    ],
)
def test_a_key_that_is_not_public_is_none(bad: dict[str, Any]) -> None:
    assert public_keys(json.dumps({"keys": [bad]}).encode()) == NONE
    kept = public_keys(json.dumps({"keys": [bad, RSA]}).encode())
    assert json.loads(kept) == {"keys": [RSA]}


def test_what_extauthz_does_not_read_is_left_out() -> None:
    surrogate = {"kid": chr(0xD800)}
    assert public_keys(json.dumps({"keys": [RSA | surrogate, RSA]}).encode()) == public_keys(
        json.dumps({"keys": [RSA]}).encode()
    )
    strange = {"x5c": [[[[[[[[[[[[]]]]]]]]]]]], "foo": float("nan"), "key_ops": ["verify", 1]}
    kept = public_keys(json.dumps({"keys": [RSA | strange]}).encode())
    assert json.loads(kept) == {"keys": [RSA]}


def test_more_keys_than_extauthz_reads_are_refused() -> None:
    many = [{**RSA, "kid": str(number)} for number in range(1001)]
    with pytest.raises(NoKeysError, match="cannot read"):
        public_keys(json.dumps({"keys": many}).encode())


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b"null", b"{}", b'{"keys":{}}', b'{"keys":[1]}'),
        *(b"\xff\xfe", b"[" * 100_000, b"1" * 10_000, b'{"keys":[{"kty":"RSA"},"x"]}'),
    ],
)
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(NoKeysError):
        public_keys(body)


@given(st.binary() | JSON.map(lambda j: json.dumps(j).encode()))
def test_no_body_is_too_strange(body: bytes) -> None:
    with suppress(NoKeysError):
        assert public_keys(body) == NONE


@given(JSON)
def test_no_member_is_too_strange(value: Any) -> None:
    body = json.dumps({"keys": [{**RSA, "kid": value, "kty": value}, RSA]}).encode()
    assert RSA in json.loads(public_keys(body))["keys"]
