"""Credentials to try a gateway of `dev` with: demo keys, and tokens of the demo issuer."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from controlplane.plan.names import values
from controlplane.plan.plan import Plan
from policies.auth.consumers import Consumer
from policies.auth.identities import Identity
from policies.auth.pipeline import ApiKeyIdentity, JwtIdentity, Pipeline

DEMO_KEYS = ("fg_demo_acme_not_a_secret", "fg_demo_bob_not_a_secret")
"""The keys of the examples. Everybody knows them: they are for one's own machine."""

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
    """What can be sent to a gateway: demo keys that it knows, tokens of issuers that we are."""

    plan: Plan
    issuers: tuple[LocalIssuer, ...] = ()

    def lines(self) -> Iterator[str]:
        """Shell lines that the lines to try build upon."""
        for issuer in self.issuers[:1]:
            scopes = "%20".join(sorted(_scopes(self.plan)))
            query = f"?sub=ann&scope={scopes}" if scopes else "?sub=ann"
            yield f"token=$(curl -s '{issuer.url}/token{query}')"

    def header(self, pipeline: Pipeline) -> tuple[str, str] | None:
        """A header that lets pass here, None where there is none to be had."""
        if pipeline.every and len(pipeline.identities) > 1:
            return None
        for identity in pipeline.identities:
            if isinstance(identity, ApiKeyIdentity):
                key = self._key(identity.name, pipeline.scopes)
                if key:
                    return identity.header, key
            elif self._is_ours(identity):
                return "authorization", "Bearer $token"
        return None

    def _key(self, identity: str, scopes: Collection[str]) -> str:
        consumers: Mapping[str, Consumer] = values(self.plan.named)["consumers"]
        for consumer in consumers.values():
            for _, key in consumer.held():
                fits = key.identity in (None, identity) and set(scopes) <= set(key.scopes)
                if fits and key.hash.sha256 in _BY_HASH:
                    return _BY_HASH[key.hash.sha256]
        return ""

    def _is_ours(self, identity: JwtIdentity) -> bool:
        return any(one.url == identity.issuer for one in self.issuers[:1])


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


def _scopes(plan: Plan) -> set[str]:
    """The scopes that some route asks for."""
    found: set[str] = set()
    for host in plan.hosts:
        for entry in host.entries:
            for setting in getattr(entry, "settings", ()):
                if isinstance(setting.value, Pipeline):
                    found |= set(setting.value.scopes)
    return found
