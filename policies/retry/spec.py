"""The settings of `retry`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.durations import Milliseconds
from language.fields import TELLABLE, Method
from language.scalars import UNIQUE, integer
from policies.contract import Fault, RouteFacts, RouteKey, Settings

WHOLE = 15_000
"""Milliseconds that Envoy gives a whole answer where no `timeout` is written."""

IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
"""The methods whose answers may be asked for again unless a file says more (RFC 9110 9.2.2)."""


BASE = 25
LONGEST = 10
"""Milliseconds that Envoy waits at most before the first retry, and how often longer it grows."""


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """The pause before a retry is by chance up to the base, which doubles up to the most."""

    base: Annotated[
        Milliseconds, Field(description="The longest pause before the first retry; 25ms.")
    ] = BASE
    max: Annotated[
        Milliseconds | None, Field(description="The longest pause of all; ten times the base.")
    ] = None


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
    per_try_idle: Annotated[
        Milliseconds | None,
        Field(description="How long nothing may move in one try before the next."),
    ] = None
    back_off: Annotated[
        BackOff | None, Field(description="How long to wait before each retry.")
    ] = None
    methods: Annotated[
        tuple[Method, ...],
        UNIQUE,
        TELLABLE,
        Field(description="The methods that both apply to; GET, HEAD, OPTIONS, PUT, DELETE."),
    ] = IDEMPOTENT

    @property
    def timed(self) -> bool:
        """Whether a try may take too long."""
        return self.per_try is not None or self.per_try_idle is not None


def _faults(settings: Retry, facts: RouteFacts) -> Iterable[Fault]:
    again = settings.codes or settings.timed
    if not again and settings.methods != IDEMPOTENT:
        message = "'methods' has no effect without 'codes', 'perTry' or 'perTryIdle'"
        yield Fault(path=("methods",), message=message, hint="add codes: [503]", idle=True)
    tries = (settings.per_try, settings.per_try_idle)
    if None not in tries and (settings.per_try_idle or 0) >= (settings.per_try or 0):
        message = "'perTryIdle' has no effect: 'perTry' ends before it"
        yield Fault(
            path=("perTryIdle",), message=message, hint="make it shorter", beside=("perTry",)
        )
    pause = settings.back_off
    if pause is not None and pause.max is not None and pause.max < pause.base:
        message = f"the longest pause is shorter than the first, {pause.base}ms"
        yield Fault(
            path=("backOff", "max"),
            message=message,
            hint="make max longer, or base shorter",
            beside=("backOff", "base"),
        )
    taken = [m for m in settings.methods if not facts.methods or m in facts.methods]
    if settings.codes and not taken:
        these = ", ".join(facts.methods)
        message = f"codes have no effect on {these}"
        hint = f"add methods: [{these}] below retry if it may be sent twice"
        at = ("methods",) if settings.methods != IDEMPOTENT else ("codes",)
        yield Fault(path=at, message=message, hint=hint, idle=True)


def _overruled(
    settings: Retry, others: Mapping[str, Settings], facts: RouteFacts
) -> Iterable[Fault]:
    whole = others.get("timeout", None if facts.stream else WHOLE)
    which = "timeout" if facts.stream else "whole timeout"
    for key, took in (("perTry", settings.per_try), ("perTryIdle", settings.per_try_idle)):
        if took is not None and whole is not None and took >= whole:
            message = f"'{key}' has no effect: the route's {which} ends before it"
            yield Fault(path=(key,), message=message, hint="make it shorter", idle=True)
    yield from _long_pauses(settings, whole, which)
    if settings.per_try is not None:
        for name in ("websocket", "upgrades"):
            if name in others:
                message = f"'perTry' has no effect beside '{name}': it waits for a request's end"
                yield Fault(path=("perTry",), message=message, hint="write perTryIdle", idle=True)
                return


def _long_pauses(settings: Retry, whole: int | None, which: str) -> Iterable[Fault]:
    """A back-off that the route's timeout does not wait for."""
    pause = settings.back_off
    if pause is None or whole is None:
        return
    if pause.base >= whole:
        message = f"pauses of {pause.base}ms are not shorter than the route's {which}, {whole}ms"
        hint = "make it shorter, or the timeout longer"
        yield Fault(path=("backOff", "base"), message=message, hint=hint, warning=True)
    elif pause.max is not None and pause.max >= whole:
        message = f"'max' has no effect: the route's {which} ends before it"
        yield Fault(path=("backOff", "max"), message=message, hint="make it shorter", warning=True)


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
