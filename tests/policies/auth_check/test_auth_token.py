"""Tokens, read strictly: each row is one that some library takes, or one that must pass."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.auth.objects import MalformedObjectError, base64url, json_object
from policies.auth.token import Flaw, Token, flaw, read
from tests.policies.auth_check.minting import CLAIMS, IDP, NOW, b64, rsa_key, signer

HEADER = b'{"alg":"ES256","kid":"es"}'
BODY = json.dumps(CLAIMS).encode()
SIGNATURE = b64(b"s" * 64)


def flaw_of(text: bytes) -> Flaw | None:
    token = read(text)
    return token if isinstance(token, Flaw) else flaw(token, IDP, NOW)


def minted(header: bytes = HEADER, body: bytes = BODY) -> bytes:
    return b64(header) + b"." + b64(body) + b"." + SIGNATURE


HEADERS: list[tuple[dict[str, Any], Flaw | None]] = [
    ({}, None),
    ({"typ": None}, None),
    ({"typ": "jwt"}, None),
    ({"typ": "AT+JWT"}, None),
    ({"typ": "application/at+jwt"}, None),
    ({"typ": "application/jwt"}, Flaw.TYPE),
    ({"typ": "dpop+jwt"}, Flaw.TYPE),
    ({"typ": "logout+jwt"}, Flaw.TYPE),
    ({"typ": "JOSE"}, Flaw.TYPE),
    ({"typ": ""}, Flaw.TYPE),
    ({"typ": 1}, Flaw.TYPE),
    ({"cty": "JWT"}, Flaw.TYPE),
    ({"alg": "none"}, Flaw.ALGORITHM),
    ({"alg": "None"}, Flaw.ALGORITHM),
    ({"alg": "HS256"}, Flaw.ALGORITHM),
    ({"alg": "PS256"}, Flaw.ALGORITHM),
    ({"alg": "RS512"}, Flaw.ALGORITHM),
    ({"alg": "es256"}, Flaw.ALGORITHM),
    ({"alg": ""}, Flaw.ALGORITHM),
    ({"alg": ["ES256"]}, Flaw.ALGORITHM),
    ({"alg": None}, Flaw.ALGORITHM),
    ({"crit": ["exp"]}, Flaw.EXTENSION),
    ({"crit": []}, Flaw.EXTENSION),
    ({"b64": False}, Flaw.EXTENSION),
    ({"b64": True}, Flaw.EXTENSION),
    ({"kid": None}, None),
    ({"kid": ""}, Flaw.MALFORMED),
    ({"kid": 7}, Flaw.MALFORMED),
    ({"kid": "k" * 1025}, Flaw.MALFORMED),
    ({"jwk": {"kty": "oct"}, "jku": "https://evil.example", "x5u": "a"}, None),
]


@pytest.mark.parametrize(("header", "expected"), HEADERS)
def test_headers(header: dict[str, Any], expected: Flaw | None) -> None:
    assert flaw_of(signer().token(header=header)) is expected


@pytest.mark.parametrize("member", ["typ", "crit", "b64", "kid", "cty"])
def test_a_null_is_not_absent(member: str) -> None:
    header = f'{{"alg":"ES256","{member}":null}}'.encode()
    assert flaw_of(minted(header)) is not None


INF, NAN = float("inf"), float("nan")

CLAIMED: list[tuple[dict[str, Any], Flaw | None]] = [
    ({"iss": None}, Flaw.ISSUER),
    ({"iss": IDP.issuer + "/"}, Flaw.ISSUER),
    ({"iss": IDP.issuer.upper()}, Flaw.ISSUER),
    ({"iss": [IDP.issuer]}, Flaw.ISSUER),
    ({"aud": None}, Flaw.AUDIENCE),
    ({"aud": ["shop"]}, None),
    ({"aud": ["other", "shop"]}, None),
    ({"aud": "other"}, Flaw.AUDIENCE),
    ({"aud": "SHOP"}, Flaw.AUDIENCE),
    ({"aud": "shopping"}, Flaw.AUDIENCE),
    ({"aud": []}, Flaw.AUDIENCE),
    ({"aud": ["shop", 7]}, Flaw.AUDIENCE),
    ({"aud": [["shop"]]}, Flaw.AUDIENCE),
    ({"aud": {"shop": 1}}, Flaw.AUDIENCE),
    ({"exp": None}, Flaw.NO_EXPIRY),
    ({"exp": int(NOW) - 29}, None),
    ({"exp": NOW - 29.5}, None),
    ({"exp": int(NOW) - 30}, Flaw.EXPIRED),
    ({"exp": 0}, Flaw.EXPIRED),
    ({"exp": -1}, Flaw.TIME),
    ({"exp": True}, Flaw.TIME),
    ({"exp": str(int(NOW) + 60)}, Flaw.TIME),
    ({"exp": [int(NOW) + 60]}, Flaw.TIME),
    ({"exp": int(NOW) * 1000}, Flaw.TIME),
    ({"exp": 10**400}, Flaw.TIME),
    ({"nbf": int(NOW) + 30}, None),
    ({"nbf": int(NOW) + 31}, Flaw.EARLY),
    ({"nbf": "now"}, Flaw.TIME),
    ({"nbf": False}, Flaw.TIME),
    ({"iat": None}, None),
    ({"iat": int(NOW) + 30}, None),
    ({"iat": int(NOW) + 31}, Flaw.EARLY),
    ({"iat": "now"}, Flaw.TIME),
    ({"sub": None}, Flaw.SUBJECT),
    ({"sub": ""}, Flaw.SUBJECT),
    ({"sub": 7}, Flaw.SUBJECT),
    ({"sub": ["alice"]}, Flaw.SUBJECT),
    ({"sub": "a" * 1024}, None),
    ({"sub": "a" * 1025}, Flaw.SUBJECT),
    ({"sub": "é" * 513}, Flaw.SUBJECT),
    ({"cnf": {"jkt": "a"}}, Flaw.BOUND),
    ({"jti": 7, "other": {"deep": [[{}]]}}, None),
]


@pytest.mark.parametrize(("claims", "expected"), CLAIMED)
def test_claims(claims: dict[str, Any], expected: Flaw | None) -> None:
    assert flaw_of(signer().token(claims)) is expected


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_numbers_that_are_none(number: bytes) -> None:
    body = BODY.replace(str(CLAIMS["exp"]).encode(), number)
    assert flaw_of(minted(body=body)) in {Flaw.MALFORMED, Flaw.TIME}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"..",
        b"a.b",
        b"a.b.c",
        minted() + b".",
        minted() + b".a",
        minted() + b"=",
        minted() + b"\n",
        b" " + minted(),
        minted().replace(b".", b"=.", 1),
        minted().rsplit(b".", 1)[0],
        minted().rsplit(b".", 1)[0] + b".",
        minted(b"", BODY),
        minted(HEADER, b""),
        minted(HEADER, b"[]"),
        minted(HEADER, b"null"),
        minted(HEADER, b'"text"'),
        minted(HEADER, minted()),  # a token in a token
        minted(b"[]"),
        minted(HEADER, BODY + b"x"),
        minted(HEADER, b"\xef\xbb\xbf" + BODY),
        minted(HEADER, BODY.replace(b"alice", b"\xff")),
        minted(HEADER, BODY.decode().encode("utf-16")),
        minted(HEADER, BODY.replace(b"alice", b"\\ud800")),
        minted(HEADER, BODY.replace(b'"sub"', b'"\\ud800": 1, "sub"')),
        minted(HEADER, BODY.replace(b"alice", b"a\nb")),
        minted(HEADER, BODY.replace(b'"sub"', b'"sub": "eve", "sub"')),
        minted(HEADER, BODY.replace(b'"sub"', b'"o": {"a": 1, "\\u0061": 2}, "sub"')),
        minted(b'{"alg":"ES256","alg":"none"}'),
        minted(HEADER, b'{"a":' * 17 + b"1" + b"}" * 17),
        minted(HEADER, b'{"a":' + b"[" * 6000 + b"]" * 6000 + b"}"),
        minted(HEADER, b'{"a":' + b"9" * 6000 + b"}"),
        minted(HEADER, BODY + b" " * 13_000),
    ],
    ids=range(34),
)
def test_what_is_no_token(text: bytes) -> None:
    assert read(text) is Flaw.MALFORMED


def test_the_largest_token() -> None:
    room = 16 * 1024 - len(minted())
    padded = BODY[:-1] + b" " * (room * 3 // 4 - 3) + b"}"
    assert flaw_of(minted(body=padded)) is None
    assert flaw_of(minted(body=padded[:-1] + b" " * 9 + b"}")) is Flaw.MALFORMED


@pytest.mark.parametrize("text", [b"QQ", b"QUI", b"QUJD", b"", b"-_-_"])
def test_base64url(text: bytes) -> None:
    assert b64(base64url(text)) == text


@pytest.mark.parametrize(
    "text", [b"QR", b"QUJ", b"Q", b"QQ==", b"+/", b"Q Q", b"QQ\n", b"\xff\xff"]
)
def test_other_spellings_of_base64(text: bytes) -> None:
    with pytest.raises(MalformedObjectError):
        base64url(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_token_or_malformed(text: bytes) -> None:
    assert isinstance(read(text), Token | Flaw)
    assert isinstance(read(b64(HEADER) + b"." + b64(text) + b"." + SIGNATURE), Token | Flaw)


@given(st.binary(max_size=60))
def test_one_spelling_for_each_value(text: bytes) -> None:
    try:
        value = base64url(text)
    except MalformedObjectError:
        return
    assert base64.urlsafe_b64encode(value).rstrip(b"=") == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=4))
def test_an_object_is_read_as_written(plain: dict[str, Any]) -> None:
    assert json_object(json.dumps(plain, ensure_ascii=False).encode()) == plain


def test_depth_is_bounded_exactly() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' * depth + b"1" + b"}" * depth

    assert json_object(nested(16))
    with pytest.raises(MalformedObjectError):
        json_object(nested(17))


def test_what_is_malformed_is_not_repeated() -> None:
    with pytest.raises(MalformedObjectError) as caught:
        json_object(b'{"a": "canary"')
    assert "canary" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_the_pipeline_can_only_narrow_the_algorithms() -> None:
    token = read(signer().token())
    assert isinstance(token, Token)
    assert flaw(token, replace(IDP, algorithms=("RS256",)), NOW) is Flaw.ALGORITHM
    hmac = read(minted(b'{"alg":"HS256"}'))
    assert isinstance(hmac, Token)
    assert flaw(hmac, replace(IDP, algorithms=("HS256", "none")), NOW) is Flaw.ALGORITHM


def test_no_description_holds_anything_of_a_token() -> None:
    assert all(f.description.isascii() and '"' not in f.description for f in Flaw)
    assert len({f.word for f in Flaw}) == len(Flaw)


def test_the_rsa_key_is_made_once() -> None:
    assert rsa_key() is rsa_key()
