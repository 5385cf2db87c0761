"""The settings of `redirect`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from language.decode import settings
from language.hosts import OneHost
from language.scalars import NewPath, codes, integer, words
from language.substitutions import unchanged
from policies.contract import Action, Fault, RouteFacts, RouteKey
from policies.filling import beyond_envoy, unknown_variables


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """What differs in the new address; the rest, the query too, stays as the client sent it."""

    scheme: Annotated[
        Literal["http", "https"] | None,
        *words("a scheme", "http", "https"),
        Field(description="The scheme of the new address."),
    ] = None
    host: Annotated[OneHost | None, Field(description="The host of the new address.")] = None
    port: Annotated[
        int | None, *integer(1, 65535), Field(description="The port of the new address.")
    ] = None
    path: Annotated[
        NewPath | None, Field(description="The path of the new address; may name variables.")
    ] = None
    code: Annotated[
        int,
        *codes("a redirect", 301, 302, 303, 307, 308),
        Field(description="The status of the answer; 302 unless written."),
    ] = 302


def _faults(settings: Redirect, facts: RouteFacts) -> Iterable[Fault]:
    if settings.path is not None:
        yield from unknown_variables(settings.path, facts.path)
        if settings.path.variables:
            yield from beyond_envoy(settings.path, facts.path)
    elsewhere = settings.scheme or settings.host or settings.port
    same = settings.path is not None and unchanged(facts.path, settings.path)
    if settings.path is None and not elsewhere:
        hint = "add scheme, host, port or path"
        yield Fault(path=(), message="a redirect that changes nothing never ends", hint=hint)
    elif same and not elsewhere:
        message = "this redirects each path to itself for ever"
        yield Fault(path=("path",), message=message, hint="write another path")
    elif same:
        message = "this is the path that the client sent"
        yield Fault(path=("path",), message=message, hint="leave it out: it stays as it is")


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
