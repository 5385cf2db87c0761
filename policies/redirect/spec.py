"""The settings of `redirect`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from language.decode import settings
from language.scalars import Host, NewPath, fault, integer
from policies.contract import Action, Fault, RouteFacts, RouteKey
from policies.filling import unknown_variables

_CODES = ("301", "302", "303", "307", "308")


def _code(value: object) -> int:
    if value not in _CODES:
        raise fault(f"'{value}' is not a redirect", f"write one of {', '.join(_CODES)}")
    return int(str(value))


def _scheme(value: object) -> object:
    if value not in {"http", "https"}:
        raise fault(f"'{value}' is not a scheme", "write http or https")
    return value


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """What differs in the new address; the rest, the query too, stays as the client sent it."""

    scheme: Annotated[
        Literal["http", "https"] | None,
        BeforeValidator(_scheme),
        WithJsonSchema({"enum": ["http", "https"]}),
        Field(description="The scheme of the new address."),
    ] = None
    host: Annotated[Host | None, Field(description="The host of the new address.")] = None
    port: Annotated[
        int | None, *integer(1, 65535), Field(description="The port of the new address.")
    ] = None
    path: Annotated[
        NewPath | None, Field(description="The path of the new address; may name variables.")
    ] = None
    code: Annotated[
        int,
        BeforeValidator(_code),
        WithJsonSchema({"enum": [int(c) for c in _CODES]}),
        Field(description="The status of the answer; 302 unless written."),
    ] = 302


def _faults(settings: Redirect, facts: RouteFacts) -> Iterable[Fault]:
    if settings.path is not None:
        yield from unknown_variables(settings.path, facts.path)
    elsewhere = settings.scheme or settings.host or settings.port
    if settings.host is not None and "*" in settings.host:
        yield Fault(path=("host",), message="a redirect goes to one host", hint="write a name")
    if settings.path is None and not elsewhere:
        hint = "add scheme, host, port or path"
        yield Fault(path=(), message="a redirect that changes nothing never ends", hint=hint)
    elif settings.path is not None and not elsewhere and settings.path.text == facts.path.text:
        yield Fault(path=("path",), message="this redirects to itself for ever", hint="change it")


KEYS = (
    RouteKey(
        name="redirect",
        settings=Redirect,
        summary="Answer with a new address: scheme, host, port and path, and the code.",
        example='redirect: {path: "/v1/{rest}", code: 308}',
        actions=frozenset({Action.REDIRECT}),
        inherited=False,
        in_envoy="a redirect needs nothing but the request",
        faults=_faults,
    ),
)
