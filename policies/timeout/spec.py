"""The settings of `timeout`."""

from language.durations import Milliseconds
from policies.contract import RouteKey

KEYS = (
    RouteKey(
        name="timeout",
        settings=Milliseconds,
        summary="How long the whole answer may take, retries included; 15s unless written.",
        example="timeout: 3s",
        none_acts=True,
        in_envoy="the router holds the clock of the request",
    ),
)
