"""The settings of `outlierDetection`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.durations import Milliseconds
from language.scalars import Percent, integer
from policies.contract import BackendFacts, BackendKey, Fault, Settings


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierDetection:
    """How many failures take an endpoint out, for how long, and how many may be out at once."""

    consecutive_5xx: Annotated[
        int,
        *integer(1, 1_000_000),
        Field(alias="consecutive5xx", description="Answers of 5xx in a row that take it out; 5."),
    ] = 5
    eject_for: Annotated[
        Milliseconds,
        Field(description="How long; it grows with each time. 30s."),
    ] = 30_000
    max_ejected: Annotated[
        Percent,
        Field(description="The most that may be out at once, though always one; 10%."),
    ] = 10


def _faults(settings: OutlierDetection, _facts: BackendFacts) -> Iterable[Fault]:
    if settings.max_ejected == 0:
        yield Fault(path=("maxEjected",), message="0% takes nothing out", hint="write 10% or more")


def _unfit(
    settings: OutlierDetection, facts: BackendFacts, others: Mapping[str, Settings]
) -> Iterable[Fault]:
    """Envoy takes another out as long as the share of those that are out is below the most."""
    out_before_the_last = 100 * (facts.first - 1) / (facts.first + facts.failover)
    if facts.failover and "health" not in others and settings.max_ejected <= out_before_the_last:
        message = f"at {settings.max_ejected}% the first endpoints are never all out"
        hint = "write maxEjected: 100%, so that failover takes over, or add health"
        yield Fault(path=("maxEjected",), message=message, hint=hint, warning=True)


KEYS = (
    BackendKey(
        name="outlierDetection",
        settings=OutlierDetection,
        summary="Take out an endpoint that answers 5xx again and again, for a while.",
        example="outlierDetection: {consecutive5xx: 5, ejectFor: 30s, maxEjected: 50%}",
        in_envoy="each Envoy sees the answers of the endpoints",
        takes_out=True,
        faults=_faults,
        unfit=_unfit,
    ),
)
