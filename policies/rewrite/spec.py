"""The settings of `rewrite`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.hosts import Authority
from language.scalars import NewPath
from language.substitutions import unchanged
from policies.contract import Fault, RouteFacts, RouteKey
from policies.filling import beyond_envoy, unknown_variables


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What the backend sees in place of what the client sent; the query stays."""

    path: Annotated[
        NewPath | None,
        Field(
            description="The path for the backend; may name the route's variables, or end in **."
        ),
    ] = None
    host: Annotated[Authority | None, Field(description="The host header for the backend.")] = None


def _faults(settings: Rewrite, facts: RouteFacts) -> Iterable[Fault]:
    if settings.path is not None:
        yield from unknown_variables(settings.path, facts.path)
        yield from beyond_envoy(settings.path, facts.path)
        if unchanged(facts.path, settings.path):
            message = "this is the path that the client sent"
            yield Fault(path=("path",), message=message, hint="leave it out, or write another")


KEYS = (
    RouteKey(
        name="rewrite",
        settings=Rewrite,
        summary="Change the path or the host that a backend sees.",
        example='rewrite: {path: "/users/{id}", host: users.internal}',
        inherited=False,
        in_envoy="the router writes the request anyway",
        faults=_faults,
    ),
)
