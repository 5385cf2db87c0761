"""A gateway with every kind of decision, and tokens that fit it or do not."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.e2e.fleet import hash_of

ED = ed25519.Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN = ed25519.Ed25519PrivateKey.generate()
ACME, BOB = "fg_acme_0123456789abcdef", "fg_bob_0123456789abcdef"


def jwks() -> str:
    keys = [
        {**OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), "kid": "ed"},
        {**ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ec"},
        {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "rsa"},
    ]
    return json.dumps({"keys": [{**k, "use": "sig", "key_ops": ["verify"]} for k in keys]})


GATEWAY = f"""\
version: 1
listen: {{http: "127.0.0.1:@http@"}}
identities:
  own: {{issuer: "https://own.example", audience: shop, jwks: {jwks()}}}
  keys: {{apiKey: {{header: x-api-key}}}}
  kept: {{apiKey: {{header: x-kept-key}}, forward: true}}
consumers:
  acme:
    keys:
      - {{hash: "{hash_of(ACME)}", identity: keys, scopes: ["orders:read", "orders:write"]}}
      - {{hash: "{hash_of(ACME + "-kept")}", identity: kept}}
  bob: {{keys: [{{hash: "{hash_of(BOB)}", identity: keys}}]}}
backends: {{echo: "http://127.0.0.1:@echo@"}}
routes:
  - path: /open
    auth: none
    to: echo
  - path: /token
    auth: own
    to: echo
  - path: /key
    auth: keys
    to: echo
  - path: /any
    auth: {{anyOf: [own, keys]}}
    to: echo
  - path: /all
    auth: {{allOf: [own, keys]}}
    to: echo
  - path: /scoped
    auth: {{anyOf: [own, keys], scopes: ["orders:read"]}}
    to: echo
  - path: /kept
    auth: kept
    to: echo
  - path: /answer
    auth: keys
    respond: {{status: 200, body: secret}}
  - path: /moved
    auth: keys
    redirect: {{path: /secret}}
  - path: /inside
    auth: none
    ip: {{allow: [10.0.0.0/8]}}
    to: echo
  - path: /here
    auth: none
    ip: {{allow: [127.0.0.0/8], deny: [127.0.0.2]}}
    to: echo
  - path: /by-ip
    auth: none
    limits: [{{per: ip, rate: 1/h, burst: 2}}]
    to: echo
  - path: /by-user
    auth: {{anyOf: [own, keys]}}
    limits: [{{per: user, rate: 1/h, burst: 2}}]
    to: echo
  - path: /by-consumer
    auth: keys
    limits: [{{per: consumer, rate: 1/h, burst: 2}}]
    to: echo
  - path: /by-route
    auth: none
    limits: [{{per: route, rate: 1/h, burst: 2}}, {{per: global, rate: 1/day, burst: 9}}]
    to: echo
"""


def token(key: object = ED, alg: str = "EdDSA", kid: str | None = "ed", **changed: Any) -> str:
    """A good token, but for what is changed; a claim that is None is left out."""
    claims = {"iss": "https://own.example", "aud": "shop", "sub": "ann", "exp": 4_000_000_000}
    claims |= changed
    head = {} if kid is None else {"kid": kid}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, alg, headers=head)  # type: ignore[arg-type]
