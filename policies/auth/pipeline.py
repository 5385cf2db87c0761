"""How the requests of a route are authorized: the content-addressed form that services judge by.

The compile path writes a pipeline as canonical JSON and puts its hash on the route; extauthz reads
the same JSON. It holds no key, consumer or secret, so the hash of a policy changes only with what
the policy says. Whoever changes what a field means raises `FORMAT`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

FORMAT = 1

CONTEXT = "foregate.pipeline"
"""The key of the route's `context_extensions` that carries the hash to extauthz."""

RULE = "foregate.rule"
"""The key of the route's `context_extensions` that carries the route's rule id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtIdentity:
    """Tokens of one issuer (RFC 7519). `keys` is the id of the key source; `leeway` in seconds."""

    name: str
    issuer: str
    audience: tuple[str, ...]
    keys: str
    algorithms: tuple[str, ...]
    leeway: int
    forward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyIdentity:
    """API keys of consumers, in a header (its name in lower case)."""

    name: str
    header: str
    forward: bool = False


Identity: TypeAlias = JwtIdentity | ApiKeyIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Who may pass.

    `every`: all identities must admit, else the first whose credential is present decides.
    `scopes` are all required. `strip` are the headers of every identity that the gateway declares:
    the upstream sees none of them, except one that belongs to an admitting identity with `forward`.
    """

    identities: tuple[Identity, ...]
    every: bool = False
    scopes: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()

    @property
    def counts(self) -> frozenset[str]:
        """What some admitted request can be counted by (see `policies.contract.Admission`)."""
        keys = any(isinstance(one, ApiKeyIdentity) for one in self.identities)
        return frozenset({"user", "consumer", "key"} if keys else {"user"})


class MalformedPipelineError(Exception):
    """A document that is not exactly what `document` writes."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def document(pipeline: Pipeline) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8, nothing that is empty or false."""
    plain: dict[str, Any] = {
        "format": FORMAT,
        "identities": [_plain(i) for i in pipeline.identities],
    }
    if pipeline.every:
        plain["every"] = True
    if pipeline.scopes:
        plain["scopes"] = sorted(pipeline.scopes)
    if pipeline.strip:
        plain["strip"] = sorted(pipeline.strip)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest(text: bytes) -> str:
    """The hash of a document: what routes carry and resources are named by."""
    return hashlib.sha256(text).hexdigest()


def parse(text: bytes) -> Pipeline:
    """Read a document back. Raises MalformedPipelineError for all that `document` never writes.

    An unknown field could be a restriction that this version does not know: it is refused.
    """
    try:
        plain = json.loads(text)
        pipeline = Pipeline(
            identities=tuple(_identity(i) for i in plain["identities"]),
            every=plain.get("every", False),
            scopes=tuple(plain.get("scopes", ())),
            strip=tuple(plain.get("strip", ())),
        )
        if not pipeline.identities:
            raise MalformedPipelineError("no identities")
        if document(pipeline) != text:
            raise MalformedPipelineError("not canonical, or of another format")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedPipelineError(type(error).__name__) from error
    return pipeline


def _plain(identity: Identity) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": identity.name}
    if isinstance(identity, JwtIdentity):
        plain |= {"kind": "jwt", "issuer": identity.issuer, "keys": identity.keys}
        plain |= {"audience": sorted(identity.audience), "leeway": identity.leeway}
        plain["algorithms"] = sorted(identity.algorithms)
    else:
        plain |= {"kind": "apiKey", "header": identity.header}
    if identity.forward:
        plain["forward"] = True
    return plain


def _identity(plain: Mapping[str, Any]) -> Identity:
    if plain["kind"] == "apiKey":
        return ApiKeyIdentity(
            name=_text(plain["name"]),
            header=_text(plain["header"]),
            forward=plain.get("forward", False),
        )
    return JwtIdentity(
        name=_text(plain["name"]),
        issuer=_text(plain["issuer"]),
        audience=tuple(_text(a) for a in plain["audience"]),
        keys=_text(plain["keys"]),
        algorithms=tuple(_text(a) for a in plain["algorithms"]),
        leeway=int(plain["leeway"]),
        forward=plain.get("forward", False),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value
