"""The settings of `retry`."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.scalars import UNIQUE, Method, Milliseconds, integer
from policies.contract import RouteKey

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
        Field(description="The methods that both apply to; GET, HEAD, OPTIONS, PUT, DELETE."),
    ] = IDEMPOTENT


KEYS = (
    RouteKey(
        name="retry",
        settings=Retry,
        summary="Try again: connection failures for every method, codes for idempotent ones.",
        example="retry: {attempts: 2, codes: [502, 503], perTry: 1s}",
        in_envoy="the router holds the request and knows the endpoints",
    ),
)
