"""The settings of `mirror`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from language.decode import settings
from language.scalars import TEXT_SCHEMA, JsonSchema, Name, Percent
from policies.contract import BackendName, Fault, RouteFacts, RouteKey, Settings


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Where copies go, and of how many requests."""

    to: Annotated[Name, Field(description="The backend that gets the copies.")]
    percent: Annotated[Percent, Field(description="How many of the requests are copied; 100%.")] = (
        100
    )


class _NameToo:
    """In the JSON Schema a name stands for the mapping too."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        return {"anyOf": [TEXT_SCHEMA, handler(core)]}


def _one_name(value: object) -> object:
    return {"to": value} if isinstance(value, str) else value


Mirrored: TypeAlias = Annotated[Mirror, BeforeValidator(_one_name), _NameToo]


def _faults(settings: Mirror, facts: RouteFacts) -> Iterable[Fault]:
    if settings.percent == 0:
        yield Fault(path=("percent",), message="0% copies nothing", hint="leave mirror out")
    if facts.targets == (settings.to,):
        message = f"'{settings.to}' would get each of these requests twice"
        yield Fault(path=("to",), message=message, hint="name another backend")


def _overruled(
    _settings: Mirror, others: Mapping[str, Settings], _facts: RouteFacts
) -> Iterable[Fault]:
    for name in ("websocket", "upgrades"):
        if name in others:
            message = f"'mirror' beside '{name}': a connection cannot be copied"
            yield Fault(path=(), message=message, hint="keep one, or write two routes")
            return


def _backends(settings: Mirror) -> Iterable[BackendName]:
    yield BackendName(name=settings.to, path=("to",))


KEYS = (
    RouteKey(
        name="mirror",
        settings=Mirrored,
        summary="Send a copy of each request, or of some, to another backend; its answer is lost.",
        example="mirror: {to: users-next, percent: 10%}",
        inherited=False,
        in_envoy="the router holds the request",
        faults=_faults,
        overruled=_overruled,
        backends=_backends,
    ),
)
