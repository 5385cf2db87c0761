"""The settings of `stream`."""

from collections.abc import Iterable, Mapping

from language.scalars import Yes
from policies.contract import Fault, RouteFacts, RouteKey, Settings

_IMPLYING = ("websocket", "upgrades")


def _faults(_settings: Settings, facts: RouteFacts) -> Iterable[Fault]:
    if facts.grpc:
        message = "'stream' has no effect: a route with 'grpc' is a stream"
        yield Fault(path=(), message=message, hint="leave it out")


def _overruled(
    _settings: Settings, others: Mapping[str, Settings], _facts: RouteFacts
) -> Iterable[Fault]:
    for name in _IMPLYING:
        if name in others:
            message = f"'stream' has no effect: a route with '{name}' is a stream"
            yield Fault(path=(), message=message, hint="leave it out")
            return


KEYS = (
    RouteKey(
        name="stream",
        settings=Yes,
        summary="The answer goes on as long as something moves: `timeout` is idle time.",
        example="stream: true",
        inherited=False,
        in_envoy="the router holds the clocks of the request",
        streams=True,
        faults=_faults,
        overruled=_overruled,
    ),
)
