"""The settings of `caps`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.scalars import integer
from policies.contract import BackendFacts, BackendKey, Fault

_MOST = 2**31 - 1


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


def _faults(settings: Caps, _facts: BackendFacts) -> Iterable[Fault]:
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
