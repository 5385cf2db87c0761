"""Which keys of a set may verify, which one a token means, and that signatures are checked."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from decision.ask import IssuerKeys, KeysOf
from policies.auth.keys import Key, MalformedKeysError, chosen, parse
from policies.auth.objects import base64url
from tests.policies.auth_check.minting import (
    IDP,
    NOW,
    Signer,
    b64,
    bearer,
    decided,
    issuer_keys,
    jwks,
    pipeline,
    request,
    rsa_key,
    signer,
)

ES, ED, RS = signer(), signer("ed", "EdDSA"), signer("rs", "RS256")
GOOD = ES.jwk(kid="good")


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode()


def rsa_jwk(modulus: int, exponent: int = 65537) -> dict[str, Any]:
    return {"kty": "RSA", "kid": "x", "n": number(modulus), "e": number(exponent)}


def small_rsa(bits: int) -> dict[str, Any]:
    return rsa_jwk((1 << (bits - 1)) + 0x10001)


def roca_modulus() -> int:
    """A number with the fingerprint of CVE-2017-15361; whether it is a product does not matter."""
    product = 1
    for prime in (n for n in range(2, 168) if all(n % p for p in range(2, n))):
        product *= prime
    modulus = pow(65537, 12345, product)
    return modulus + product * ((1 << 2047) // product + 2)


def modulus() -> int:
    return int(rsa_key().public_key().public_numbers().n)


SOUND = [
    ES.jwk(),
    ED.jwk(),
    RS.jwk(),
    ES.jwk(use="sig", alg="ES256", key_ops=["verify"]),
    RS.jwk(key_ops=["verify", "sign"], x5t="ignored", unknown={"a": 1}),
    rsa_jwk(modulus(), 3),
]

UNSOUND = [
    ES.jwk(use="enc"),
    ES.jwk(use=None),
    ES.jwk(use=""),
    ES.jwk(key_ops=["sign"]),
    ES.jwk(key_ops=[]),
    ES.jwk(key_ops="verify"),
    ES.jwk(alg="RS256"),
    ES.jwk(alg="ES384"),
    ES.jwk(alg=None),
    RS.jwk(alg="PS256"),
    RS.jwk(alg="HS256"),
    ES.jwk(kty="RSA"),
    ES.jwk(crv="P-384"),
    ES.jwk(crv=["P-256"]),
    ES.jwk(x=ES.jwk()["y"]),
    ES.jwk(x=ES.jwk()["x"] + "="),
    ES.jwk(x=ES.jwk()["x"][:-4]),
    ES.jwk(x=7),
    ES.jwk(d="AAAA"),
    RS.jwk(p="AAAA"),
    ES.jwk(k="AAAA"),
    ES.jwk(kid=""),
    ES.jwk(kid=7),
    ES.jwk(kid=None),
    ED.jwk(x="AAAA"),
    ED.jwk(crv="X25519"),
    small_rsa(1024),
    small_rsa(2047),
    small_rsa(8193),
    rsa_jwk(modulus(), 1),
    rsa_jwk(modulus(), 4),
    rsa_jwk(modulus(), 2**32 + 1),
    rsa_jwk(modulus() + 1),
    rsa_jwk(roca_modulus()),
    {"kty": "oct", "kid": "x", "k": b64(b"k" * 32).decode(), "alg": "HS256"},
    {"kty": "oct", "kid": "x", "k": b64(b"k" * 32).decode(), "alg": "ES256", "crv": "P-256"},
    {"kty": "RSA", "kid": "x"},
    {"kid": "x"},
    {},
    json.loads(ECAlgorithm.to_jwk(ES.private)),
    json.loads(OKPAlgorithm.to_jwk(ED.private)),
    json.loads(RSAAlgorithm.to_jwk(RS.private)),
    json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key())),
    json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256K1()).public_key())),
    json.loads(OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key())),
]


@pytest.mark.parametrize("jwk", SOUND, ids=range(len(SOUND)))
def test_a_sound_key(jwk: dict[str, Any]) -> None:
    assert [key.kid for key in parse(jwks(jwk, GOOD))] == [jwk["kid"], "good"]


@pytest.mark.parametrize("jwk", UNSOUND, ids=range(len(UNSOUND)))
def test_an_unsound_key_is_left_out_and_the_good_one_stays(jwk: dict[str, Any]) -> None:
    assert [key.kid for key in parse(jwks(jwk, GOOD))] == ["good"]
    assert [key.kid for key in parse(jwks(GOOD, jwk))] == ["good"]


def test_what_is_no_object_among_the_keys_is_left_out() -> None:
    text = b'{"keys": [1, null, "a", [], %s]}' % json.dumps(GOOD).encode()
    assert len(parse(text)) == 1


def test_a_name_that_occurs_twice_is_nobodys() -> None:
    assert parse(jwks(ES.jwk(kid="a"), ED.jwk(kid="a"))) == ()
    assert parse(jwks(ES.jwk(kid="a"), ES.jwk(kid="a"))) == ()
    kept = parse(jwks(ES.jwk(kid="a"), GOOD, ED.jwk(kid="a", use="enc")))
    assert [key.kid for key in kept] == ["good"]


def test_keys_without_names_stay() -> None:
    nameless = [{k: v for k, v in s.jwk().items() if k != "kid"} for s in (ES, ED)]
    assert [key.kid for key in parse(jwks(*nameless))] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": null}',
        b'{"keys": [], "keys": []}',
        b"\xff",
        jwks(GOOD)[:-1],
        b'{"keys": [' + b"1," * 1000 + b"1]}",
        jwks(GOOD) + b" " * 1024 * 1024,
    ],
    ids=range(10),
)
def test_what_is_no_set(text: bytes) -> None:
    with pytest.raises(MalformedKeysError):
        parse(text)


def test_an_empty_set_is_one() -> None:
    assert parse(b'{"keys": []}') == ()


@pytest.mark.parametrize(
    ("algorithm", "kid", "expected"),
    [
        ("ES256", "a", "a"),
        ("ES256", "b", "b"),
        ("ES256", "c", None),  # is there, for another algorithm
        ("ES256", None, None),  # two of them
        ("EdDSA", "c", "c"),
        ("EdDSA", None, "c"),
        ("RS256", None, None),
        ("EdDSA", "", None),
    ],
)
def test_the_key_that_a_token_means(algorithm: str, kid: str | None, expected: str | None) -> None:
    keys = parse(jwks(ES.jwk(kid="a"), ES.jwk(kid="b"), ED.jwk(kid="c")))
    key = chosen(keys, algorithm, kid)
    assert (key.kid if key else None) == expected


def key_of(by: Signer) -> Key:
    return parse(jwks(by.jwk()))[0]


@pytest.mark.parametrize("by", [ES, ED, RS], ids=lambda s: s.algorithm)
def test_a_signature_is_checked(by: Signer) -> None:
    signed, _, signature = by.token().rpartition(b".")
    raw = base64url(signature)
    assert key_of(by).verifies(signed, raw)
    assert not key_of(by).verifies(signed + b"x", raw)
    assert not key_of(by).verifies(signed, raw[:-1] + bytes([raw[-1] ^ 1]))
    for wrong in (b"", raw[:-1], raw + b"\0", b"\0" * len(raw), b"\xff" * len(raw)):
        assert not key_of(by).verifies(signed, wrong)


def test_a_der_signature_is_none_of_es256() -> None:
    signed = ES.token().rpartition(b".")[0]
    assert not key_of(ES).verifies(signed, ES.private.sign(signed, ec.ECDSA(SHA256())))


@pytest.mark.parametrize("by", [ES, ED, RS], ids=lambda s: s.algorithm)
def test_tokens_of_every_algorithm_pass(by: Signer) -> None:
    for header in ({}, {"kid": None}):
        verdict = decided(request(bearer(by.token(header=header))), pipeline(IDP))
        assert verdict.principal, verdict


def reason(token: bytes, known: IssuerKeys) -> str:
    return decided(request(bearer(token)), pipeline(IDP), {KeysOf(source=IDP.keys): known}).reason


def test_another_ones_signature_is_refused() -> None:
    eve = signer("eve")
    forged = Signer(kid="es", algorithm="ES256", private=eve.private).token()
    assert reason(forged, issuer_keys(ES)) == "wrong_signature"
    embedded = Signer(kid="es", algorithm="ES256", private=eve.private).token(
        header={"jwk": eve.jwk()}
    )
    assert reason(embedded, issuer_keys(ES)) == "wrong_signature"
    assert reason(eve.token(), issuer_keys(ES)) == "unknown_key"


def test_without_a_kid_only_the_one_key_of_its_algorithm_is_meant() -> None:
    token = ES.token(header={"kid": None})
    assert reason(token, issuer_keys(ES, ED)) == "admitted"
    assert reason(token, issuer_keys(ES, signer("eve"))) == "unknown_key"
    assert reason(token, issuer_keys(ED)) == "unknown_key"


def test_a_public_key_is_no_secret() -> None:
    """The old confusion: a token "signed" by HMAC with the public key of RS256."""
    claims = ES.token().split(b".")[1]
    header = b64(b'{"alg":"HS256","kid":"rs"}')
    assert reason(header + b"." + claims + b"." + b64(b"x" * 32), issuer_keys(RS)) == (
        "wrong_algorithm"
    )


def test_claims_that_were_changed_are_refused() -> None:
    head, _, signature = ES.token().split(b".")
    claims = ES.token({"sub": "root"}).split(b".")[1]
    assert reason(head + b"." + claims + b"." + signature, issuer_keys(ES)) == "wrong_signature"
    assert issuer_keys(ES).fetched_at == NOW
