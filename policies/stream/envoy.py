"""A stream on Envoy's RouteAction: no clock ends it, but what `timeout` says of silence."""

from collections.abc import Mapping

from envoy.config.route.v3.route_components_pb2 import Route

from policies.contract import RouteFacts, RouteStep, Settings


def unending(route: Route) -> None:
    """Let no default end the route's streams: neither Envoy's 15 s nor the listener's 5 minutes."""
    route.route.timeout.SetInParent()
    route.route.idle_timeout.SetInParent()


def _stream(_settings: Settings, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    unending(route)
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"stream": _stream}
"""The settings of `stream`; compile asks for the same where another key implies it."""
