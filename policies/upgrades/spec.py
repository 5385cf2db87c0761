"""The settings of `websocket` and `upgrades`."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from language.scalars import TEXT_SCHEMA, UNIQUE, Yes, fault, one_text
from policies.contract import Fault, RouteFacts, RouteKey, Settings

WEBSOCKET = "websocket"
_PROTOCOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*(?:/[A-Za-z0-9.+-]+)?")
_UNDECIDED = ("connect", "h2c", "http", "tls")
"""After these the client says more requests, or opens a tunnel, and nobody would judge them."""


def _protocol(value: object) -> str:
    text = one_text(value).lower()
    if text == WEBSOCKET:
        raise fault("WebSocket has its own key", "write websocket: true")
    if text.partition("/")[0].partition("-")[0] in _UNDECIDED:
        message = f"'{text}' would let requests pass that nothing here sees"
        raise fault(message, "leave it out")
    if not _PROTOCOL.fullmatch(text):
        raise fault(f"'{text}' is not the name of a protocol", "write one like spdy/3.1")
    return text


Protocol: TypeAlias = Annotated[str, BeforeValidator(_protocol), WithJsonSchema(TEXT_SCHEMA)]
"""The name of a protocol, as it stands in `Upgrade`, in small letters."""

Protocols: TypeAlias = Annotated[tuple[Protocol, ...], UNIQUE, Field(min_length=1)]


def upgrades_of(settings: Mapping[str, Settings]) -> tuple[str, ...]:
    """What the settings of a route let requests be switched to."""
    own = (WEBSOCKET,) if settings.get("websocket") else ()
    return (*own, *(settings.get("upgrades") or ()))


def _websocket_faults(_settings: Settings, facts: RouteFacts) -> Iterable[Fault]:
    if facts.grpc:
        message = "'websocket' has no effect on a gRPC call"
        yield Fault(path=(), message=message, hint="leave it out")
    elif facts.methods and "GET" not in facts.methods:
        message = "'websocket' has no effect: a WebSocket begins with a GET"
        yield Fault(path=(), message=message, hint="add GET to methods")


def _upgrades_faults(_settings: Settings, facts: RouteFacts) -> Iterable[Fault]:
    if facts.grpc:
        message = "'upgrades' has no effect on a gRPC call"
        yield Fault(path=(), message=message, hint="leave it out")


KEYS = (
    RouteKey(
        name="websocket",
        settings=Yes,
        summary="Let requests become WebSockets; the route is a stream then.",
        example="websocket: true",
        inherited=False,
        in_envoy="the connection itself is handed on",
        streams=True,
        faults=_websocket_faults,
    ),
    RouteKey(
        name="upgrades",
        settings=Protocols,
        summary="Other protocols that requests may become; the route is a stream then.",
        example="upgrades: [spdy/3.1]",
        inherited=False,
        in_envoy="the connection itself is handed on",
        streams=True,
        faults=_upgrades_faults,
    ),
)
