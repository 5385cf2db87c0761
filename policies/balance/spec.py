"""The settings of `balance`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from language.cookies import Lifetime
from language.decode import settings
from language.fields import HeaderName, Parameter
from language.scalars import TEXT_SCHEMA, Flag, fault, one_text, words
from policies.contract import BackendFacts, BackendKey, ClientHeader, Fault

_BY = ("header", "cookie", "query", "address")
_HINT = "write a word, {ringHash: {header: …}} or {maglev: {header: …}}"
_COOKIE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}")


def _cookie(value: object) -> str:
    text = one_text(value)
    if not _COOKIE.fullmatch(text):
        raise fault(f"'{text}' is not the name of a cookie", "letters, digits, '-' and '_'")
    return str(text)


def _one_thing(value: object) -> object:
    """What is hashed is exactly one thing; keys that are none of these are told by their type."""
    if isinstance(value, dict):
        named = [name for name in value if name in _BY]
        if len(named) > 1:
            raise fault("a hash is of one thing", "keep one", at=named[1])
        if all(name == "ttl" for name in value):
            raise fault("it does not say what is hashed", f"write one of {', '.join(_BY)}")
    return value


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class HashBy:
    """What of a request is hashed: one of these."""

    header: Annotated[
        HeaderName | None, Field(description="The value of a header; without it: any endpoint.")
    ] = None
    cookie: Annotated[
        str | None,
        BeforeValidator(_cookie),
        WithJsonSchema(TEXT_SCHEMA),
        Field(description="The value of a cookie; with ttl, who has none is given one."),
    ] = None
    query: Annotated[
        Parameter | None, Field(description="The value of a parameter, as it is sent.")
    ] = None
    address: Annotated[
        Flag | None, Field(description="true: the trusted address of who calls.")
    ] = None
    ttl: Annotated[
        Lifetime | None, Field(description="How long a cookie is kept that is given here.")
    ] = None


Hashed: TypeAlias = Annotated[HashBy | None, BeforeValidator(_one_thing)]


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class ByHash:
    """A way to balance by which requests that are alike go to the same endpoint."""

    ring_hash: Annotated[
        Hashed, Field(description="On a ring: few requests move as endpoints come and go.")
    ] = None
    maglev: Annotated[
        Hashed, Field(description="In a table: more even and faster; somewhat more of them move.")
    ] = None

    @property
    def way(self) -> str:
        """The key that is written."""
        return "ringHash" if self.ring_hash is not None else "maglev"

    @property
    def by(self) -> HashBy | None:
        """What is hashed."""
        return self.ring_hash or self.maglev


_WORD: TypeAlias = Annotated[
    Literal["roundRobin", "leastRequest", "random"],
    *words("a way to balance", "roundRobin", "leastRequest", "random"),
]
_READ_WORD: TypeAdapter[str] = TypeAdapter(_WORD)
_READ_HASH: TypeAdapter[ByHash] = TypeAdapter(ByHash)


def _way(value: object, _either: ValidatorFunctionWrapHandler) -> str | ByHash:
    if isinstance(value, list):
        raise fault("one way to balance is wanted here, not a list", _HINT)
    if not isinstance(value, dict):
        return _READ_WORD.validate_python(value)
    if len(value) > 1 and {"ringHash", "maglev"} <= value.keys():
        raise fault("a backend is balanced in one way", "keep one", at=list(value)[1])
    if not value:
        raise fault("it does not say how to balance", _HINT)
    return _READ_HASH.validate_python(value)


Balance: TypeAlias = Annotated[_WORD | ByHash, WrapValidator(_way)]


def _faults(balance: str | ByHash, _facts: BackendFacts) -> Iterable[Fault]:
    if isinstance(balance, str):
        return
    way, by = balance.way, balance.by
    if by is None:
        return
    if by.ttl is not None and by.cookie is None:
        message = "'ttl' has no effect: nothing but a cookie is given out"
        yield Fault(path=(way, "ttl"), message=message, hint="leave it out", at_key=True)
    if by.address is False:
        message = "'false' leaves nothing that is hashed"
        yield Fault(path=(way, "address"), message=message, hint="write true")


def _client_headers(balance: str | ByHash) -> Iterable[ClientHeader]:
    if isinstance(balance, ByHash) and balance.by is not None and balance.by.header is not None:
        yield ClientHeader(name=balance.by.header, path=(balance.way, "header"))


def _on_routes(balance: str | ByHash) -> HashBy | None:
    return balance.by if isinstance(balance, ByHash) else None


KEYS = (
    BackendKey(
        name="balance",
        settings=Balance,
        summary="Which endpoint is next: roundRobin (unless written), or another way.",
        example="balance: {maglev: {header: x-user}}",
        in_envoy="each Envoy picks the endpoint of each request",
        atom=True,
        faults=_faults,
        client_headers=_client_headers,
        on_routes=_on_routes,
    ),
)
