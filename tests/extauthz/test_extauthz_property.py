"""Whatever a check holds, nothing passes that the rules, written down once more, do not let pass.

The oracle shares nothing with the code but the settings: it knows each good credential by heart.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from envoy.service.auth.v3.external_auth_pb2 import CheckRequest, CheckResponse
from hypothesis import example, given
from hypothesis import strategies as st

from policies.auth.pipeline import CONTEXT, JwtIdentity, Pipeline
from tests.extauthz.checks import Bench, admits, bench, denial, envoy_call, hash_of, served, told
from tests.policies.auth_check.minting import IDP, KEYS, PARTNER, pipeline, signer

WRITE = ("orders:write",)

PIPELINES = [
    pipeline(*identities, every=every, scopes=scopes)
    for identities in (
        (IDP,),
        (KEYS,),
        (IDP, KEYS),
        (KEYS, IDP),
        (IDP, PARTNER),
        (IDP, KEYS, PARTNER),
        (replace(IDP, forward=True), KEYS),
    )
    for every in (False, True)
    for scopes in ((), ("orders:read",), WRITE)
]
BY_HASH = {hash_of(p): p for p in PIPELINES}

PARTNERS = signer("partner", "EdDSA")
OF_IDP = signer().token()
OF_IDP_WRITING = signer("rs", "RS256").token({"sub": "will", "scope": "orders:write orders:read"})
OF_PARTNER = PARTNERS.token({"iss": PARTNER.issuer, "sub": "bob", "aud": "store"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What the oracle knows of a credential: whose it claims to be, and who it proves, if any."""

    claims: str
    proves: str = ""
    scopes: tuple[str, ...] = ()


TOKENS = {
    OF_IDP: Credential(claims="idp", proves="alice", scopes=("orders:read", "profile")),
    OF_IDP_WRITING: Credential(claims="idp", proves="will", scopes=("orders:read", *WRITE)),
    OF_PARTNER: Credential(claims="partner", proves="bob", scopes=("orders:read", "profile")),
    signer().token({"exp": 1}): Credential(claims="idp"),
    signer().token({"aud": "else"}): Credential(claims="idp"),
    signer("eve").token(): Credential(claims="idp"),
    signer().token({"iss": PARTNER.issuer}): Credential(claims="partner"),
    PARTNERS.token(): Credential(claims="idp"),
    PARTNERS.token({"iss": PARTNER.issuer, "exp": 1}): Credential(claims="partner"),
    signer().token(header={"alg": "none"}): Credential(claims="idp"),
    signer().token({"iss": "https://evil.example"}): Credential(claims=""),
}
Proof: TypeAlias = tuple[str, tuple[str, ...]]
"""Who it is, and the scopes."""

NO_TOKEN = Credential(claims="")


def are_two(joined: bytes) -> bool:
    """Whether a Bearer stands beside something else, joined by a comma."""
    parts = [part.strip(b" \t").lower() for part in joined.split(b",")]
    return len(parts) > 1 and any(p == b"bearer" or p.startswith(b"bearer ") for p in parts)


def token_in(line: bytes) -> Credential | None:
    if not line.lower().startswith(b"bearer "):
        return None
    return TOKENS.get(line[7:].lstrip(b" "), NO_TOKEN)


def oracle(name: str, lines: list[tuple[str, bytes]]) -> str | None:
    """Who passes, by the rules of LANGUAGE; None for nobody."""
    by = BY_HASH.get(name)
    if by is None:
        return None
    sent = [value for key, value in lines if key.lower() == "authorization"]
    held = [value for key, value in lines if key.lower() == "x-api-key"]
    kinds = {type(i) for i in by.identities}
    if (JwtIdentity in kinds and len(sent) > 1) or (type(KEYS) in kinds and len(held) > 1):
        return None
    if JwtIdentity in kinds and are_two(b"".join(sent)):
        return None
    token = token_in(b"".join(sent[:1]).strip(b" \t"))
    key = held[0].strip(b" \t") if held else b""
    passed: list[Proof] = []
    for identity in by.identities:
        if identity.name == "keys":
            one: Proof | None = ("acme", ("orders:read",)) if key == b"acme-key" else None
            present = bool(key)
        else:
            listed = {i.name for i in by.identities}
            foreign = token is not None and token.claims not in listed
            present = token is not None and (foreign or token.claims == identity.name)
            proven = token is not None and not foreign and token.proves
            one = (token.proves, token.scopes) if token and proven else None
        if by.every:
            if not present or one is None:
                return None
            passed.append(one)
        elif present:
            passed = [one] if one else []
            break
    if not passed or not set(by.scopes) <= set(passed[0][1]):
        return None
    return passed[0][0]


@cache
def service() -> Bench:
    return bench(*served(*PIPELINES))


def broken(token: bytes, at: int, byte: int) -> bytes:
    at %= len(token)
    return token[:at] + bytes([byte]) + token[at + 1 :]


some_tokens = st.sampled_from(sorted(TOKENS))
tokens = some_tokens | st.builds(broken, some_tokens, st.integers(0, 999), st.integers(0, 255))
schemes = st.sampled_from(
    [b"Bearer ", b"bearer ", b"BEARER  ", b"Basic ", b"Bearer", b"", b" Bearer "]
)
keys = st.sampled_from([b"acme-key", b" acme-key", b"acme-key,acme-key", b"", b"ACME-KEY"])
lines = st.lists(
    st.tuples(st.just("authorization"), st.builds(bytes.__add__, schemes, tokens))
    | st.tuples(st.sampled_from(["x-api-key", "X-Api-Key"]), keys)
    | st.tuples(
        st.sampled_from(["authorization", "x-api-key", "x-foregate-user", "cookie"]),
        st.binary(max_size=30),
    ),
    max_size=4,
)
names = st.sampled_from([*BY_HASH, "", "0" * 64])


@given(names, lines)
def test_who_passes_is_who_may(name: str, headers: list[tuple[str, bytes]]) -> None:
    response = service().check(envoy_call(name, *headers))
    expected = oracle(name, headers)
    assert (told(response)["x-foregate-user"] if admits(response) else None) == expected
    if expected is None:
        code, status = denial(response)
        assert (code == 14) == (status == 503) == (name not in BY_HASH)


@given(lines)
@example([("authorization", b"Bearer " + OF_IDP)])
@example([("x-api-key", b"acme-key"), ("authorization", b"Bearer " + OF_PARTNER)])
def test_the_oracle_and_the_service_agree_on_every_pipeline(
    headers: list[tuple[str, bytes]],
) -> None:
    for name in BY_HASH:
        response = service().check(envoy_call(name, *headers))
        who = told(response)["x-foregate-user"] if admits(response) else None
        assert who == oracle(name, headers)


def test_the_oracle_lets_everybody_pass_somewhere() -> None:
    """An oracle that knows nobody would agree with a service that admits nobody."""
    everybody = {
        oracle(name, [("authorization", b"Bearer " + token), ("x-api-key", b"acme-key")])
        for name in BY_HASH
        for token in TOKENS
    }
    assert everybody == {None, "alice", "will", "bob", "acme"}


calls = st.builds(
    lambda name, headers: envoy_call(name, *headers).SerializeToString(), names, lines
)


@given(calls, st.integers(0, 10_000), st.binary(max_size=8))
def test_bytes_that_were_changed_never_let_pass_what_may_not(
    body: bytes, at: int, noise: bytes
) -> None:
    at %= len(body)
    changed = body[:at] + noise + body[at + len(noise) :]
    response = CheckResponse.FromString(service().raw(changed))
    if admits(response):
        read = CheckRequest.FromString(changed)
        sent = [(h.key, h.raw_value) for h in read.attributes.request.http.header_map.headers]
        hash_named = read.attributes.context_extensions.get(CONTEXT, "")
        assert oracle(hash_named, sent) == told(response)["x-foregate-user"]


@given(st.binary(max_size=300))
def test_no_bytes_let_pass(body: bytes) -> None:
    assert denial(CheckResponse.FromString(service().raw(body)))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=70), max_size=3))
def test_no_extensions_let_pass(extensions: dict[str, str]) -> None:
    call = envoy_call("", ("authorization", b"Bearer " + OF_IDP))
    call.attributes.context_extensions.update(extensions)
    assert denial(service().check(call)) == (14, 503)


def test_every_pipeline_is_another_one() -> None:
    assert len(BY_HASH) == len(PIPELINES)
    assert isinstance(PIPELINES[0], Pipeline)
