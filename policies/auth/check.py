"""Whether a request may pass: the pipeline's identities, judged by the request and its answers."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from decision.ask import (
    Answers,
    Ask,
    Holder,
    HolderOf,
    IssuerKeys,
    KeysOf,
    Missing,
    VerificationKey,
)
from decision.principal import Principal
from decision.request import Request
from decision.verdict import Verdict
from policies.auth.challenges import (
    insufficient_scope,
    invalid_key,
    invalid_token,
    wanted,
)
from policies.auth.keys import chosen
from policies.auth.pipeline import ApiKeyIdentity, Identity, JwtIdentity, Pipeline
from policies.auth.token import Flaw, Token, flaw, read

AUTHORIZATION = "authorization"

_BEARER = re.compile(rb"bearer(?: +(.*))?", re.IGNORECASE | re.DOTALL)

Judged: TypeAlias = Principal | Verdict | Ask
"""What one identity says of a request: who it is, a denial, or what must be known first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Presented:
    """The credentials of a request: its bearer token, if any, and what can be read of it."""

    request: Request
    bearer: Token | Flaw | None

    def key(self, identity: ApiKeyIdentity) -> bytes:
        """Give the API key in the identity's header, empty where there is none."""
        return b"".join(self.request.values(identity.header)[:1]).strip(b" \t")


def decide(request: Request, pipeline: Pipeline, answers: Answers, now: float) -> Verdict | Ask:
    """Decide of a request, or say what must be answered first.

    `now` is in seconds since the epoch. The rules are those of LANGUAGE, *Auth*.
    """
    if any(_twice(request, _header(identity)) for identity in pipeline.identities):
        return Verdict(status=400, reason="two_credentials")
    presented = _Presented(request=request, bearer=_bearer(request))
    deciding = _deciding(presented, pipeline)
    if isinstance(deciding, Verdict):
        return deciding
    principals: list[Principal] = []
    for identity in deciding:
        judged = _judged(identity, presented, answers, now)
        if not isinstance(judged, Principal):
            return judged
        principals.append(judged)
    return _admission(pipeline, deciding, principals)


def _header(identity: Identity) -> str:
    return identity.header if isinstance(identity, ApiKeyIdentity) else AUTHORIZATION


def _twice(request: Request, header: str) -> bool:
    """Whether a header brings two credentials.

    Envoy's codec joins the lines of some headers by commas, Authorization among them, before any
    filter runs. No bearer token has a comma, so one beside a Bearer says that there were two.
    """
    lines = request.values(header)
    if header != AUTHORIZATION or len(lines) != 1:
        return len(lines) > 1
    parts = lines[0].split(b",")
    return len(parts) > 1 and any(_BEARER.fullmatch(part.strip(b" \t")) for part in parts)


def _bearer(request: Request) -> Token | Flaw | None:
    """The token of `Authorization: Bearer` (RFC 6750 section 2.1), None where that is not there.

    Another scheme is no credential of ours; schemes ignore case (RFC 9110 section 11.1).
    """
    lines = request.values(AUTHORIZATION)
    found = _BEARER.fullmatch(lines[0].strip(b" \t")) if lines else None
    return read(found[1] or b"") if found else None


def _deciding(presented: _Presented, pipeline: Pipeline) -> tuple[Identity, ...] | Verdict:
    """Which identities decide: one, or all of them, each with its credential present.

    A bearer token stands at the place of the listed identity whose issuer it claims, and one of
    no listed issuer at the place of the first that takes tokens.
    """
    owner = _owner(presented.bearer, pipeline.identities)
    missing: list[Identity] = []
    for identity in pipeline.identities:
        if isinstance(identity, ApiKeyIdentity):
            present = bool(presented.key(identity))
        elif isinstance(owner, Flaw):
            return Verdict(status=401, reason=owner.word, challenges=(invalid_token(owner),))
        else:
            present = identity is owner
        if present and not pipeline.every:
            return (identity,)
        if not present:
            missing.append(identity)
    if missing or not pipeline.identities:
        challenges = tuple(dict.fromkeys(wanted(i) for i in missing))
        return Verdict(status=401, reason="no_credentials", challenges=challenges)
    return pipeline.identities


def _owner(
    bearer: Token | Flaw | None, identities: Iterable[Identity]
) -> JwtIdentity | Flaw | None:
    """Whose the token is by its unverified issuer, or why it is nobody's."""
    if not isinstance(bearer, Token):
        return bearer
    jwt = (i for i in identities if isinstance(i, JwtIdentity))
    return next((i for i in jwt if i.issuer == bearer.issuer), Flaw.ISSUER)


def _judged(identity: Identity, presented: _Presented, answers: Answers, now: float) -> Judged:
    if isinstance(identity, ApiKeyIdentity):
        return _judged_key(identity, presented.key(identity), answers)
    if not isinstance(presented.bearer, Token):
        return Verdict(status=401, reason="no_credentials", challenges=(wanted(identity),))
    return _judged_token(identity, presented.bearer, answers, now)


def _judged_key(identity: ApiKeyIdentity, key: bytes, answers: Answers) -> Judged:
    question = HolderOf(identity=identity.name, sha256=hashlib.sha256(key).digest())
    if question not in answers:
        return Ask(question=question)
    answer = answers[question]
    if answer is Missing.NOBODY:
        return Verdict(status=401, reason="unknown_api_key", challenges=(invalid_key(identity),))
    if not isinstance(answer, Holder):
        return Verdict(status=503, reason="consumers_unavailable")
    return Principal(identity=identity.name, consumer=answer.consumer, scopes=answer.scopes)


def _judged_token(identity: JwtIdentity, token: Token, answers: Answers, now: float) -> Judged:
    """Claims first: a token that could never pass costs no signature and reports no key."""
    found = flaw(token, identity, now)
    if found:
        return _bad(found)
    key = _key(identity, token, answers, now)
    if isinstance(key, Verdict | Ask):
        return key
    if not key.verifies(token.signed, token.signature):
        return _bad(Flaw.SIGNATURE)
    return Principal(
        identity=identity.name,
        issuer=identity.issuer,
        subject=token.subject,
        scopes=token.scopes,
    )


def _key(
    identity: JwtIdentity, token: Token, answers: Answers, now: float
) -> VerificationKey | Verdict | Ask:
    """The issuer's key that the token was signed with, by its own word."""
    question = KeysOf(source=identity.keys)
    if question not in answers:
        return Ask(question=question)
    issued = answers[question]
    if not isinstance(issued, IssuerKeys):
        return Verdict(status=503, reason="keys_unavailable")
    if issued.use_for and now >= issued.fetched_at + issued.use_for:
        return Verdict(status=503, reason="keys_stale")
    key = chosen(issued.keys, token.algorithm, token.kid)
    return key or _bad(Flaw.KEY, unknown=(identity.keys,))


def _bad(found: Flaw, unknown: tuple[str, ...] = ()) -> Verdict:
    return Verdict(
        status=401, reason=found.word, challenges=(invalid_token(found),), unknown=unknown
    )


def _admission(
    pipeline: Pipeline, deciding: tuple[Identity, ...], principals: list[Principal]
) -> Verdict:
    """Everybody who decided has admitted: the first is the principal, if its scopes suffice.

    Where it has no consumer, the first that has one names it: `per: consumer` counts the holder
    of the API key that stands beside a token.
    """
    first = principals[0]
    lacking = set(pipeline.scopes) - set(first.scopes)
    if lacking:
        challenge = insufficient_scope(deciding[0], pipeline.scopes)
        return Verdict(status=403, reason="insufficient_scope", challenges=(challenge,))
    consumer = next((p.consumer for p in principals if p.consumer), "")
    principal = replace(first, consumer=consumer)
    kept = {_header(i) for i in deciding if i.forward}  # a verified credential, and no other
    removed = tuple(name for name in pipeline.strip if name.lower() not in kept)
    return Verdict().admitted(principal, remove=removed)
