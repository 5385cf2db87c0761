"""The settings of `health`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.scalars import Milliseconds, NewPath, integer
from policies.contract import BackendFacts, BackendKey, Fault


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """An HTTP request to each endpoint at an even pace; 200 is well."""

    path: Annotated[NewPath, Field(description="The path that is asked; 200 is well.")]
    every: Annotated[Milliseconds, Field(description="The pace; 5s unless written.")] = 5000
    timeout: Annotated[Milliseconds, Field(description="When no answer is a failure; 1s.")] = 1000
    unhealthy_threshold: Annotated[
        int,
        *integer(1, 100),
        Field(description="Failures in a row that take it out; 3."),
    ] = 3
    healthy_threshold: Annotated[
        int,
        *integer(1, 100),
        Field(description="Answers in a row that bring it back; 1."),
    ] = 1


def _faults(settings: Health, _facts: BackendFacts) -> Iterable[Fault]:
    if settings.path.variables:
        message = "a health check asks one path, without variables"
        yield Fault(path=("path",), message=message, hint="write /healthz")


KEYS = (
    BackendKey(
        name="health",
        settings=Health,
        summary="Ask each endpoint over HTTP whether it is well; requests go to those that are.",
        example="health: {path: /healthz, every: 5s}",
        in_envoy="each Envoy sees the endpoints as its requests do",
        faults=_faults,
    ),
)
