"""The settings of `identities`: who vouches for callers, and where their credential is."""

import json
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from language.decode import settings
from language.durations import duration
from language.fields import HeaderName
from language.scalars import DISTINCT, TEXT_SCHEMA, Flag, Line, fault, words
from policies.auth.key_sets import KeySet
from policies.auth.public_keys import algorithm
from policies.auth.sources import KeySource, Origin
from policies.auth.urls import IssuerUrl
from policies.contract import Fault, NamedFacts
from policies.edge import WRITTEN_AT_THE_EDGE, never_arrives, removed

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""What tokens may be signed with: asymmetric alone, as everybody may know a key that verifies."""

LEEWAY = 30
"""Seconds by which clocks may differ, unless written."""

_REFUSED = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "content-length", "upgrade"}
)


def _key_header(name: str) -> str:
    if name in _REFUSED:
        raise fault(f"'{name}' carries something else", "write a header of its own: x-api-key")
    if never_arrives(name) or name in WRITTEN_AT_THE_EDGE:
        raise fault(removed(name), "write another header: x-api-key")
    return name


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """Where the key is."""

    header: Annotated[
        HeaderName, AfterValidator(_key_header), Field(description="The header with the key.")
    ]


def _one_text(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _TextOrList:
    """Lets editors write one text where a list may stand."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [TEXT_SCHEMA, handler(core)]}


def _whole_seconds(milliseconds: int) -> int:
    if milliseconds % 1000:
        raise fault("tokens count in whole seconds", "write 30s")
    return milliseconds


Leeway: TypeAlias = Annotated[int, *duration("0s", "5m"), AfterValidator(_whole_seconds)]
"""In milliseconds, as every duration of a file."""


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An issuer of tokens, or API keys in a header."""

    issuer: Annotated[
        IssuerUrl | None, Field(description="Who signs the tokens: exactly what `iss` holds.")
    ] = None
    audience: Annotated[
        tuple[Line, ...],
        DISTINCT,
        BeforeValidator(_one_text),
        _TextOrList,
        Field(description="What a token must be meant for: one of these is in its `aud`."),
    ] = ()
    jwks: Annotated[
        KeySet | None,
        Field(description="The issuer's keys: a URL, {file: PATH} or {keys: […]}; discovery."),
    ] = None
    algorithms: Annotated[
        tuple[Annotated[str, *words("an algorithm that is taken", *ALGORITHMS)], ...],
        DISTINCT,
        Field(description="What tokens are signed with; RS256, ES256 and EdDSA."),
    ] = ()
    leeway: Annotated[
        Leeway | None, Field(description="By how much clocks may differ, 0s to 5m; 30s.")
    ] = None
    api_key: Annotated[ApiKey | None, Field(description="API keys of consumers.")] = None
    forward: Annotated[
        Flag, Field(description="Let the backend see the credential that was verified; false.")
    ] = False

    @property
    def header(self) -> str:
        """Where its credential is."""
        return "authorization" if self.api_key is None else self.api_key.header

    def source(self) -> KeySource | None:
        """Where its keys come from, None for API keys."""
        if self.issuer is None:
            return None
        return self.jwks or KeySource(origin=Origin.DISCOVERY, at=self.issuer)


def identity_faults(settings: Identity, facts: NamedFacts) -> Iterable[Fault]:
    """What an identity cannot be."""
    if facts.name == "none":
        yield Fault(path=(), message="'none' means that nobody is asked", hint="rename it")
    if settings.issuer is None and settings.api_key is None:
        hint = "add issuer and audience, or apiKey"
        yield Fault(path=(), message="an identity is an issuer or a kind of API key", hint=hint)
    elif settings.api_key is None and not settings.audience:
        message = "'audience' is missing: tokens for others would be taken"
        yield Fault(path=(), message=message, hint="add audience: what `aud` holds")
    if settings.api_key is None:
        yield from _keys_of_others(settings)
        return
    if settings.issuer is not None:
        message = "issuer beside apiKey: an identity is one of them"
        yield Fault(path=("apiKey",), message=message, hint="make two identities", at_key=True)
        return
    of_tokens = {
        "audience": settings.audience,
        "jwks": settings.jwks,
        "algorithms": settings.algorithms,
        "leeway": settings.leeway,
    }
    for name, value in of_tokens.items():
        if value is not None and value != ():
            message = f"'{name}' has no effect beside apiKey: that is of tokens"
            yield Fault(path=(name,), message=message, hint="leave it out", at_key=True)


def _keys_of_others(settings: Identity) -> Iterable[Fault]:
    """Algorithms beside keys in the file, none of which is of them."""
    jwks = settings.jwks
    if jwks is None or jwks.origin is not Origin.INLINE or not settings.algorithms:
        return
    of_keys = sorted({str(algorithm(key)) for key in json.loads(jwks.at)["keys"]})
    if not set(of_keys) & set(settings.algorithms):
        message = f"no token can pass: the keys of 'jwks' are for {', '.join(of_keys)}"
        yield Fault(path=("algorithms",), message=message, hint=f"write [{', '.join(of_keys)}]")


def seen_from_the_root(settings: Identity, facts: NamedFacts) -> Identity:
    """The identity with the path of its keys below the folder of all files."""
    jwks = settings.jwks
    if jwks is None or jwks.origin is not Origin.FILE:
        return settings
    at = posixpath.normpath(posixpath.join(facts.folder, jwks.at))
    return replace(settings, jwks=replace(jwks, at=at))


def keys_that_are_fetched(settings: Identity) -> Iterable[str]:
    """Say that `whenDown.jwks` acts where keys come from elsewhere, and may be lost."""
    source = settings.source()
    if source is not None and source.origin is not Origin.INLINE:
        yield "jwks"
