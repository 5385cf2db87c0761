"""The settings of `respond`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.fields import Headers
from language.scalars import Text, integer
from policies.contract import Action, Fault, RouteFacts, RouteKey
from policies.edge import FRAMING

BODY_BYTES = 64 * 1024
"""The most that a fixed body may hold; Envoy is told the same bound."""

_REFUSED = FRAMING | {"host"}
"""Envoy writes these itself, or takes no route that writes them."""


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """A whole answer, sent as it is written."""

    status: Annotated[int, *integer(200, 599), Field(description="The status, 200 to 599.")]
    body: Annotated[Text, Field(description="The body, at most 64 KiB.")] = ""
    headers: Annotated[Headers, Field(description="Headers of the answer, name to value.")] = field(
        default_factory=dict
    )


def _faults(settings: Respond, _facts: RouteFacts) -> Iterable[Fault]:
    if settings.body and settings.status in {204, 205, 304}:
        message = f"an answer of {settings.status} has no body"
        yield Fault(path=("body",), message=message, hint="leave it out, or write status: 200")
    if len(settings.body.encode()) > BODY_BYTES:
        yield Fault(
            path=("body",),
            message="a fixed body holds at most 64 KiB",
            hint="serve it from a backend",
        )
    for name in settings.headers:
        if name in _REFUSED:
            yield Fault(
                path=("headers", name),
                message=f"'{name}' is the gateway's to set",
                hint="leave it out",
                at_key=True,
            )


KEYS = (
    RouteKey(
        name="respond",
        settings=Respond,
        summary="Answer with a fixed status, body and headers.",
        example='respond: {status: 200, body: "up"}',
        actions=frozenset({Action.RESPOND}),
        inherited=False,
        in_envoy="a fixed answer needs nothing but the route",
        faults=_faults,
    ),
)
