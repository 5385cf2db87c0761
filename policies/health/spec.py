"""The settings of `health`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from language.decode import settings
from language.durations import Milliseconds
from language.scalars import Flag, Line, NewPath, Quoted, fault, integer
from policies.contract import BackendFacts, BackendKey, Fault, Settings

_KINDS = ("path", "grpc", "tcp")


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcCheck:
    """A call of `grpc.health.v1.Health/Check`; no service is the whole server."""

    service: Annotated[
        Line, Field(description="The service that is asked for; the whole server.")
    ] = ""


def _grpc(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Quoted) and value == "true":
        return {}
    if isinstance(value, str):
        raise fault(f"'{value}' says not what is asked", "write true, or {service: NAME}")
    return value


_CHECK = {
    "type": "object",
    "properties": {"service": {"type": "string"}},
    "required": ["service"],
    "additionalProperties": False,
}
Grpc: TypeAlias = Annotated[
    GrpcCheck, BeforeValidator(_grpc), WithJsonSchema({"anyOf": [{"const": True}, _CHECK]})
]


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A question to each endpoint at an even pace: one of `path`, `grpc` and `tcp`."""

    path: Annotated[
        NewPath | None, Field(description="The path that is asked over HTTP; 200 is well.")
    ] = None
    grpc: Annotated[
        Grpc | None, Field(description="true, or {service: NAME}: SERVING is well.")
    ] = None
    tcp: Annotated[Flag | None, Field(description="true: who takes a connection is well.")] = None
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
    asked = [kind for kind in _KINDS if getattr(settings, kind) is not None]
    if not asked:
        message = "a check asks something: a path, grpc or tcp"
        yield Fault(path=(), message=message, hint="add path: /healthz, grpc: true or tcp: true")
    for second in asked[1:2]:
        message = f"a check asks one thing, and not {asked[0]} and {second}"
        hint = f"keep one; write {asked[0]}: none where it is inherited"
        yield Fault(path=(second,), beside=(asked[0],), message=message, hint=hint, at_key=True)
    if settings.tcp is False:
        yield Fault(path=("tcp",), message="'false' asks nothing", hint="write true")
    if settings.path is not None and settings.path.variables:
        message = "a health check asks one path, without variables"
        yield Fault(path=("path",), message=message, hint="write /healthz")


def _unfit(
    settings: Health, facts: BackendFacts, _others: Mapping[str, Settings]
) -> Iterable[Fault]:
    if settings.grpc is not None and not facts.http2:
        message = "gRPC needs HTTP/2, and this backend may speak another"
        hint = "write h2c, grpc or grpcs, or ask a path"
        yield Fault(path=("grpc",), message=message, hint=hint, at_key=True)


KEYS = (
    BackendKey(
        name="health",
        settings=Health,
        summary="Ask each endpoint whether it is well; requests go to those that are.",
        example="health: {path: /healthz, every: 5s}",
        in_envoy="each Envoy sees the endpoints as its requests do",
        takes_out=True,
        faults=_faults,
        unfit=_unfit,
    ),
)
