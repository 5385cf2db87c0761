"""The settings of `retry`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.fields import TELLABLE, Method
from language.scalars import UNIQUE, Milliseconds, integer
from policies.contract import Fault, RouteFacts, RouteKey, Settings

WHOLE = 15_000
"""Milliseconds that Envoy gives a whole answer where no `timeout` is written."""

IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
"""The methods whose answers may be asked for again unless a file says more (RFC 9110 9.2.2)."""


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often, for which answers, how long each try may take, and for which methods."""

    attempts: Annotated[int, *integer(1, 10), Field(description="Retries after the first try.")] = 1
    codes: Annotated[
        tuple[Annotated[int, *integer(400, 599)], ...],
        UNIQUE,
        Field(description="Answers that are asked for again, for the methods."),
    ] = ()
    per_try: Annotated[
        Milliseconds | None,
        Field(description="How long one try may take before the next."),
    ] = None
    methods: Annotated[
        tuple[Method, ...],
        UNIQUE,
        TELLABLE,
        Field(description="The methods that both apply to; GET, HEAD, OPTIONS, PUT, DELETE."),
    ] = IDEMPOTENT


def _faults(settings: Retry, facts: RouteFacts) -> Iterable[Fault]:
    again = settings.codes or settings.per_try is not None
    if not again and settings.methods != IDEMPOTENT:
        message = "'methods' has no effect without 'codes' or 'perTry'"
        yield Fault(path=("methods",), message=message, hint="add codes: [503]", idle=True)
    taken = [m for m in settings.methods if not facts.methods or m in facts.methods]
    if settings.codes and not taken:
        these = ", ".join(facts.methods)
        message = f"codes have no effect on {these}"
        hint = f"add methods: [{these}] below retry if it may be sent twice"
        at = ("methods",) if settings.methods != IDEMPOTENT else ("codes",)
        yield Fault(path=at, message=message, hint=hint, idle=True)


def _overruled(settings: Retry, others: Mapping[str, Settings]) -> Iterable[Fault]:
    whole = others.get("timeout", WHOLE)
    if settings.per_try is not None and whole is not None and settings.per_try >= whole:
        message = "'perTry' has no effect: the route's whole timeout ends before it"
        yield Fault(path=("perTry",), message=message, hint="make it shorter", idle=True)


KEYS = (
    RouteKey(
        name="retry",
        settings=Retry,
        summary="Try again: connection failures for every method, codes for idempotent ones.",
        example="retry: {attempts: 2, codes: [502, 503], perTry: 1s}",
        in_envoy="the router holds the request and knows the endpoints",
        faults=_faults,
        overruled=_overruled,
    ),
)
