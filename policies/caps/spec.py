"""The settings of `caps`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.scalars import Percent, integer
from policies.contract import BackendFacts, BackendKey, Fault

_MOST = 2**31 - 1


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget:
    """The most retries at once as a share of what is under way, and how many always may be."""

    percent: Annotated[
        Percent, Field(description="Retries as a share of the requests under way; 20%.")
    ] = 20
    min: Annotated[
        int, *integer(1, _MOST), Field(description="So many at once always may be; 3.")
    ] = 3


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most at once, for each Envoy; what is over is answered 503."""

    connections: Annotated[
        int | None, *integer(1, _MOST), Field(description="Connections at once.")
    ] = None
    pending: Annotated[
        int | None, *integer(1, _MOST), Field(description="Requests that wait for a connection.")
    ] = None
    requests: Annotated[int | None, *integer(1, _MOST), Field(description="Requests at once.")] = (
        None
    )
    retries: Annotated[int | None, *integer(1, _MOST), Field(description="Retries at once.")] = None
    retry_budget: Annotated[
        RetryBudget | None, Field(description="Retries at once, by what is under way.")
    ] = None


def _faults(settings: Caps, _facts: BackendFacts) -> Iterable[Fault]:
    if settings.retries is not None and settings.retry_budget is not None:
        message = "'retries' has no effect beside 'retryBudget'"
        hint = "keep one: the other may be none"
        yield Fault(path=("retries",), message=message, hint=hint, beside=("retryBudget",))
    if settings.retry_budget is not None and settings.retry_budget.percent == 0:
        path = ("retryBudget", "percent")
        yield Fault(path=path, message="0% is no budget", hint="write caps: {retries: 3}")
    if settings == Caps():
        yield Fault(path=(), message="caps that bound nothing", hint="name connections or requests")


KEYS = (
    BackendKey(
        name="caps",
        settings=Caps,
        summary="The most that a backend carries at once, for each Envoy; over it is 503.",
        example="caps: {connections: 1000, pending: 1000, requests: 2000, retries: 3}",
        in_envoy="each Envoy counts what it has under way",
        faults=_faults,
    ),
)
