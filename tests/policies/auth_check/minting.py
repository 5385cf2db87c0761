"""Issuers, their keys, tokens and requests, for the tests of authorization."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from decision.ask import Answer, Ask, Holder, HolderOf, IssuerKeys, KeysOf, Missing, Question
from decision.request import Request
from decision.verdict import Verdict
from policies.auth.check import decide
from policies.auth.keys import parse
from policies.auth.pipeline import ApiKeyIdentity, JwtIdentity, Pipeline

NOW = 1_800_000_000.0

IDP = JwtIdentity(
    name="idp",
    issuer="https://idp.example",
    audience=("shop",),
    keys="source-idp",
    algorithms=("ES256", "EdDSA", "RS256"),
    leeway=30,
)
PARTNER = JwtIdentity(
    name="partner",
    issuer="https://partner.example",
    audience=("shop", "store"),
    keys="source-partner",
    algorithms=("ES256", "EdDSA", "RS256"),
    leeway=0,
)
KEYS = ApiKeyIdentity(name="keys", header="x-api-key")
STRIP = ("authorization", "x-api-key")

ALGORITHMS: Mapping[str, Algorithm] = {
    "RS256": RSAAlgorithm(RSAAlgorithm.SHA256),
    "ES256": ECAlgorithm(ECAlgorithm.SHA256),
    "EdDSA": OKPAlgorithm(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A private key of an issuer."""

    kid: str
    algorithm: str
    private: Any

    def jwk(self, **more: object) -> dict[str, Any]:
        public = ALGORITHMS[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        public.pop("key_ops", None)
        return {**public, "kid": self.kid, **more}

    def signed(self, header: bytes, claims: bytes) -> bytes:
        signed = b64(header) + b"." + b64(claims)
        return signed + b"." + b64(ALGORITHMS[self.algorithm].sign(signed, self.private))

    def token(
        self, claims: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None
    ) -> bytes:
        """Mint a good token of IDP, but for what is said; None leaves a member out."""
        head = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **(header or {})}
        body = {**CLAIMS, **(claims or {})}
        return self.signed(_json(head), _json(body))


CLAIMS: Mapping[str, Any] = {
    "iss": IDP.issuer,
    "sub": "alice",
    "aud": "shop",
    "exp": int(NOW) + 60,
    "iat": int(NOW) - 60,
    "scope": "orders:read profile",
}


@cache
def rsa_key(bits: int = 2048) -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def signer(kid: str = "es", algorithm: str = "ES256") -> Signer:
    """A signer, the same one for each name."""
    make: Mapping[str, Callable[[], Any]] = {
        "RS256": rsa_key,
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    private = make[algorithm]()
    return Signer(kid=kid, algorithm=algorithm, private=private)


def b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps({k: v for k, v in value.items() if v is not None}).encode()


def jwks(*keys: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def issuer_keys(*signers: Signer, fetched_at: float = NOW, use_for: float = 0) -> IssuerKeys:
    keys = parse(jwks(*(s.jwk() for s in signers)))
    return IssuerKeys(keys=keys, fetched_at=fetched_at, use_for=use_for)


def partner_token() -> bytes:
    return signer("partner", "EdDSA").token({"iss": PARTNER.issuer, "sub": "bob"})


def holder_of(key: bytes, identity: str = "keys") -> HolderOf:
    return HolderOf(identity=identity, sha256=hashlib.sha256(key).digest())


def known() -> dict[Question, Answer]:
    """What the shell knows: the keys of both issuers, and that acme holds `acme-key`."""
    return {
        KeysOf(source=IDP.keys): issuer_keys(
            signer(), signer("ed", "EdDSA"), signer("rs", "RS256")
        ),
        KeysOf(source=PARTNER.keys): issuer_keys(signer("partner", "EdDSA")),
        holder_of(b"acme-key"): Holder(consumer="acme", scopes=("orders:read",)),
    }


def request(*headers: tuple[str, bytes]) -> Request:
    return Request(method="GET", path="/", host="a", headers=headers, address="10.0.0.1")


def bearer(token: bytes) -> tuple[str, bytes]:
    return "authorization", b"Bearer " + token


def api_key(key: bytes) -> tuple[str, bytes]:
    return "x-api-key", key


def pipeline(*identities: JwtIdentity | ApiKeyIdentity, **more: Any) -> Pipeline:
    return Pipeline(identities=identities, strip=STRIP, **more)


def decided(
    asking: Request, by: Pipeline, answers: Mapping[Question, Answer] | None = None
) -> Verdict:
    """Decide with these answers; what is not among them nobody holds, or has no keys."""
    given = dict(known() if answers is None else answers)
    for _ in range(10):
        out = decide(asking, by, given, NOW)
        if not isinstance(out, Ask):
            return out
        nothing = Missing.NOBODY if isinstance(out.question, HolderOf) else Missing.UNAVAILABLE
        given[out.question] = nothing
    raise AssertionError("it asks on and on")
