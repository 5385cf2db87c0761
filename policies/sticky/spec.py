"""The settings of `sticky`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from language.cookies import Lifetime
from language.decode import settings
from language.fields import HeaderName
from language.scalars import TEXT_SCHEMA, fault, one_text
from policies.contract import ClientHeader, Fault, RouteFacts, RouteKey

_COOKIE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _cookie(value: object) -> str:
    text = one_text(value)
    if not _COOKIE.fullmatch(text):
        raise fault(f"'{text}' is not a cookie's name", "letters, digits, '.', '_' and '-'")
    return str(text)


CookieName: TypeAlias = Annotated[str, BeforeValidator(_cookie), WithJsonSchema(TEXT_SCHEMA)]
"""The name of a cookie; none with a prefix that browsers take over TLS alone."""


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Sticky:
    """By what a user is known: a cookie that the gateway sets, or a header."""

    cookie: Annotated[
        CookieName | None, Field(description="The cookie that says which side; set with answers.")
    ] = None
    ttl: Annotated[
        Lifetime | None,
        Field(description="How long the cookie is kept; until the browser ends unless written."),
    ] = None
    header: Annotated[
        HeaderName | None, Field(description="The header that a user's requests have in common.")
    ] = None


def _faults(settings: Sticky, facts: RouteFacts) -> Iterable[Fault]:
    if settings.cookie is None and settings.header is None:
        hint = "write cookie: NAME or header: NAME"
        yield Fault(path=(), message="'sticky' knows users by a cookie or a header", hint=hint)
    if settings.cookie is not None and settings.header is not None:
        message = "users are known by a cookie or a header, not both"
        yield Fault(path=("header",), message=message, hint="keep one")
    elif settings.header is not None and settings.ttl is not None:
        message = "'ttl' has no effect without 'cookie'"
        yield Fault(path=("ttl",), message=message, hint="leave it out", at_key=True)
    if len(facts.targets) < 2:  # sides
        message = "'sticky' has no effect without weights: there is one side"
        yield Fault(path=(), message=message, hint="write to: {a: 90, b: 10}", at_key=True)


def _client_headers(settings: Sticky) -> Iterable[ClientHeader]:
    if settings.header is not None:
        yield ClientHeader(name=settings.header, path=("header",))


KEYS = (
    RouteKey(
        name="sticky",
        settings=Sticky,
        summary="The same user on the same side of the weights, known by a cookie or a header.",
        example="sticky: {cookie: side, ttl: 1d}",
        inherited=False,
        in_envoy="the router chooses the side",
        faults=_faults,
        client_headers=_client_headers,
    ),
)
