"""The settings of `auth` on a route: who is asked, and what whoever is admitted must hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from language.decode import settings
from language.scalars import DISTINCT, TEXT_SCHEMA, Name, fault, is_name
from policies.auth.identities import Identity
from policies.auth.scopes import Scope
from policies.contract import Fault, Names, Reference, RouteFacts


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Who may pass. Without an identity nobody may, unless it is `EVERYBODY` itself."""

    any_of: Annotated[
        tuple[Name, ...],
        DISTINCT,
        Field(description="The first of these whose credential is present decides alone."),
    ] = ()
    all_of: Annotated[
        tuple[Name, ...],
        DISTINCT,
        Field(description="All of these must admit; the first is who calls."),
    ] = ()
    scopes: Annotated[
        tuple[Scope, ...], DISTINCT, Field(description="What whoever is admitted must hold, all.")
    ] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The identities, in the order that decides."""
        return self.any_of or self.all_of

    def __str__(self) -> str:
        """Give it as users write it."""
        if not self.names:
            return "none"
        if len(self.names) == 1 and not self.scopes:
            return self.names[0]
        listed = f"{'anyOf' if self.any_of else 'allOf'}: [{', '.join(self.names)}]"
        scopes = f", scopes: [{', '.join(self.scopes)}]" if self.scopes else ""
        return f"{{{listed}{scopes}}}"


EVERYBODY = Auth()
"""What `auth: none` is read as; no mapping is, whatever is left out of it."""


def _short(value: object) -> object:
    if isinstance(value, list):
        raise fault("one name, or a mapping, is wanted here", "write {anyOf: [a, b]}")
    if not isinstance(value, str):
        return value
    if value == "none":
        return EVERYBODY
    if not is_name(value):
        raise fault(f"'{value}' is not a name", "name an identity, or write none")
    return {"anyOf": [value]}


class _NameToo:
    """Lets editors write a name, or none, in place of the mapping."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [TEXT_SCHEMA, handler(core)]}


def auth_faults(settings: Auth, _facts: RouteFacts) -> Iterable[Fault]:
    """What `auth` cannot be alone."""
    if settings.any_of and settings.all_of:
        message = "anyOf beside allOf: one of them decides"
        yield Fault(path=("allOf",), message=message, hint="keep one", at_key=True)
    if not settings.names and settings is not EVERYBODY:
        hint = "add anyOf: [NAME], or write auth: none"
        yield Fault(path=(), message="nobody is asked here: no identity is named", hint=hint)


def identities_asked(settings: Auth) -> Iterable[Reference]:
    """Give the identities that are named."""
    listed = "anyOf" if settings.any_of else "allOf"
    for position, name in enumerate(settings.names):
        yield Reference(kind="identities", name=name, path=(listed, position))


def disputed(settings: Auth, names: Names) -> Iterable[Fault]:
    """Identities that cannot decide beside each other."""
    seen: dict[str, str] = {}
    listed = "anyOf" if settings.any_of else "allOf"
    for position, name in enumerate(settings.names):
        identity: Identity = names["identities"][name]
        mark = identity.header
        if settings.any_of and identity.issuer is not None:
            mark = identity.issuer
        first = seen.setdefault(mark, name)
        if first == name:
            continue
        if settings.any_of:
            what = "the tokens of this issuer" if identity.issuer else f"the keys in '{mark}'"
            message = f"'{name}' never decides: {what} are '{first}'s already"
        else:
            message = f"'{name}' and '{first}' both read '{mark}', which holds one credential"
        yield Fault(path=(listed, position), message=message, hint="keep one")


AuthSettings: TypeAlias = Annotated[Auth, BeforeValidator(_short), _NameToo]
