"""The settings of `limits`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

from pydantic import Field, TypeAdapter, ValidatorFunctionWrapHandler, WrapValidator

from language.decode import settings
from language.scalars import fault, integer, words
from policies.contract import (
    Admission,
    Call,
    Claim,
    Fault,
    RouteFacts,
    RouteKey,
    Settings,
    Surroundings,
)
from policies.limits.counters import BEFORE, Alone, Counter, Counters, Home, Shared, identity
from policies.limits.rate import RateText, other_time
from protos import RATELIMIT

PER = ("user", "consumer", "ip", "route", "global")
_MOST_AT_ONCE = 1_000_000


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much, counted by what."""

    per: Annotated[
        str,
        *words("what a limit counts by", *PER),
        Field(description="Counted by user, consumer, ip, route, or all together: global."),
    ]
    rate: Annotated[RateText, Field(description="How much in which time: 100/s, 10k/day.")]
    burst: Annotated[
        int | None,
        *integer(1, _MOST_AT_ONCE),
        Field(description="How many at once; what the rate gives in one second, at least 1."),
    ] = None


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Limits beside the inherited ones."""

    add: Annotated[tuple[Limit, ...], Field(description="Limits beside the inherited ones.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is written, and with `added` the inherited limits that are kept."""

    own: tuple[Limit, ...]
    added: bool = False
    kept: tuple[Limit, ...] = ()

    def path(self, position: int) -> tuple[str | int, ...]:
        """Where one of the own limits is written."""
        return ("add", position) if self.added else (position,)

    def __iter__(self) -> Iterator[Limit]:
        """Give all that hold, the kept ones first."""
        return iter((*self.kept, *self.own))


_LIST: TypeAdapter[tuple[Limit, ...]] = TypeAdapter(tuple[Limit, ...])
_ADDED: TypeAdapter[Added] = TypeAdapter(Added)


def _limits(value: object, _either: ValidatorFunctionWrapHandler) -> Limits:
    if isinstance(value, list):
        return Limits(own=_LIST.validate_python(value))
    if isinstance(value, dict):
        if "per" in value or "rate" in value:
            raise fault("a list of limits is wanted here", "write [{per: …, rate: …}]")
        return Limits(own=_ADDED.validate_python(value).add, added=True)
    raise fault("a list of limits is wanted here", "write [{per: user, rate: 100/s}]")


Written: TypeAlias = Annotated[tuple[Limit, ...] | Added, WrapValidator(_limits)]


def _faults(settings: Limits, _facts: RouteFacts) -> Iterable[Fault]:
    first: dict[tuple[str, str], int] = {}
    for position, limit in enumerate(settings.own):
        alike = first.setdefault((limit.per, limit.rate.unit), position)
        if alike != position:
            yield Fault(
                path=(*settings.path(position), "rate"),
                message=f"two limits per {limit.per} and {limit.rate.unit} would be one counter",
                hint=f"keep one, or write another time{other_time(limit.rate)}",
                also=(settings.path(alike),),
            )


def _extended(own: Limits, inherited: Limits | None) -> Limits | Fault:
    if not own.added:
        return own
    if inherited is None:
        message = "no limits are inherited that these could be added to"
        return Fault(path=("add",), message=message, hint="write the list itself", at_key=True)
    return replace(own, kept=inherited.own)


def _resolved(settings: Limits, around: Surroundings) -> Counters:
    shared = Shared(file=around.file)
    home = shared if around.inherited else Alone(hosts=around.hosts, path=around.path)
    prefix = "added-" if settings.kept else ""
    return Counters(
        own=tuple(_counter(limit, home, prefix) for limit in settings.own),
        kept=tuple(_counter(limit, shared, "") for limit in settings.kept),
        inherited=around.inherited,
    )


def _counter(limit: Limit, home: Home, prefix: str) -> Counter:
    return Counter(
        id=identity(home, limit.per, limit.rate.unit),
        name=f"{prefix}{limit.per}-{limit.rate.unit}",
        per=limit.per,
        rate=limit.rate,
        burst=limit.rate.in_a_second if limit.burst is None else limit.burst,
    )


def _claims(counters: Counters) -> Iterable[Claim]:
    for position, one in enumerate(counters.own):
        message = f"another route of this path has a limit per {one.per} and {one.rate.unit}"
        fault = Fault(
            path=(*counters.path(position), "rate"),
            message=f"{message}: they would be one counter",
            hint=f"write one of them for another time{other_time(one.rate)}",
        )
        yield Claim(identity=one.id, fault=fault)


def _clashes(counters: Counters, others: Mapping[str, Settings]) -> Iterable[Fault]:
    """Limits by somebody whom this route never knows."""
    auth: Admission | None = others.get("auth")
    known = BEFORE | (auth.counts if auth else frozenset())
    nobody = "no identity of its auth is an API key" if auth else "its auth is none"
    places = [(one, ()) for one in counters.kept]
    for one, path in [*places, *((c, counters.path(i)) for i, c in enumerate(counters.own))]:
        if one.per in known:
            continue
        if path and not counters.inherited:
            message = f"'per: {one.per}' counts nobody on this route: {nobody}"
            yield Fault(path=(*path, "per"), message=message, hint="write per: ip, or another auth")
        else:
            message = f"an inherited limit per {one.per} counts nobody on this route: {nobody}"
            hint = "write limits of its own, such as [{per: ip, rate: 10/s}], or limits: none"
            yield Fault(path=(), message=message, hint=hint)


def _calls(_counters: Counters) -> Call:
    return Call(service=RATELIMIT, why="one count over all Envoys")


KEYS = (
    RouteKey(
        name="limits",
        settings=Written,
        summary="How much each caller may ask for, counted over the fleet.",
        example="limits: [{per: ip, rate: 100/s, burst: 20}]",
        atom=True,
        faults=_faults,
        extended=_extended,
        resolved=_resolved,
        clashes=_clashes,
        claims=_claims,
        calls=_calls,
        when_down=lambda _: ("limits", "redis"),
    ),
)
