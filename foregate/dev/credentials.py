"""Credentials to try a gateway of `dev` with: demo keys, and tokens of the demo issuer."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from controlplane.plan.names import values
from controlplane.plan.plan import Plan
from policies.auth.consumers import Consumer
from policies.auth.identities import Identity
from policies.auth.pipeline import ApiKeyIdentity, Pipeline
from policies.auth.pipeline import Identity as PipelineIdentity

DEMO_KEYS = ("fg_demo_acme_not_a_secret", "fg_demo_bob_not_a_secret")
"""The keys of the examples. Everybody knows them: they are for one's own machine."""

TOKEN_SECONDS = 2.0

_LOOPBACK = ("127.0.0.1", "localhost")
_BY_HASH = {hashlib.sha256(key.encode()).digest(): key for key in DEMO_KEYS}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalIssuer:
    """An identity whose issuer is on this machine: the demo issuer may stand in for it."""

    identity: str
    url: str
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """What can be sent to a gateway: demo keys that it knows, and a token of an issuer we are."""

    plan: Plan
    issuer: LocalIssuer | None = None
    token: str = ""

    def lines(self) -> Iterator[str]:
        """Shell lines that the lines to try build upon."""
        if self.token:
            yield f"token={self.token}"

    def header(self, pipeline: Pipeline) -> tuple[str, str] | None:
        """A header that lets pass here, None where there is none to be had.

        Of two that do, the token shows scopes, and the key is for all else.
        """
        if pipeline.every and len(pipeline.identities) > 1:
            return None
        found = [h for i in pipeline.identities if (h := self._header(i, pipeline.scopes))]
        found.sort(key=lambda header: header[0] == "authorization", reverse=bool(pipeline.scopes))
        return next(iter(found), None)

    def _header(
        self, identity: PipelineIdentity, scopes: Collection[str]
    ) -> tuple[str, str] | None:
        if isinstance(identity, ApiKeyIdentity):
            key = self._key(identity.name, scopes)
            return (identity.header, key) if key else None
        ours = self.token and self.issuer and self.issuer.url == identity.issuer
        return ("authorization", "Bearer $token") if ours else None

    def _key(self, identity: str, scopes: Collection[str]) -> str:
        consumers: Mapping[str, Consumer] = values(self.plan.named)["consumers"]
        for consumer in consumers.values():
            for _, key in consumer.held():
                fits = key.identity in (None, identity) and set(scopes) <= set(key.scopes)
                if fits and key.hash.sha256 in _BY_HASH:
                    return _BY_HASH[key.hash.sha256]
        return ""


def local_issuers(plan: Plan) -> tuple[LocalIssuer, ...]:
    """The issuers on this machine whose keys are found by discovery, each audience once."""
    return tuple(dict.fromkeys(_local_issuers(plan)))


def _local_issuers(plan: Plan) -> Iterator[LocalIssuer]:
    identities: Mapping[str, Identity] = values(plan.named)["identities"]
    for name, identity in sorted(identities.items()):
        if identity.issuer and identity.jwks is None and _is_local(identity.issuer):
            for audience in identity.audience:
                yield LocalIssuer(identity=name, url=identity.issuer, audience=audience)


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


async def token_of(issuer: LocalIssuer, plan: Plan) -> str:
    """Get a token of the demo issuer with every scope that some route asks for; empty for none."""
    asked = {"sub": "ann", "alg": "EdDSA", "aud": issuer.audience}
    asked["scope"] = " ".join(sorted(_scopes(plan)))
    try:
        async with httpx.AsyncClient(timeout=TOKEN_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{issuer.url.rstrip('/')}/token", params=asked)
    except httpx.HTTPError:
        return ""
    return answer.text.strip() if answer.status_code == 200 else ""


def _scopes(plan: Plan) -> set[str]:
    """The scopes that some route asks for."""
    found: set[str] = set()
    for host in plan.hosts:
        for entry in host.entries:
            for setting in getattr(entry, "settings", ()):
                if isinstance(setting.value, Pipeline):
                    found |= set(setting.value.scopes)
    return found
