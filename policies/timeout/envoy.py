"""A timeout on Envoy's RouteAction: of a stream it is the time in which nothing moves."""

from collections.abc import Mapping

from envoy.config.route.v3.route_components_pb2 import Route

from policies.contract import RouteFacts, RouteStep

_STREAM_IDLE = 300_000
"""Milliseconds after which Envoy ends a silent stream, unless the route allows more."""


def _timeout(settings: int | None, facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    if facts.stream:
        route.route.timeout.FromMilliseconds(0)
        route.route.idle_timeout.FromMilliseconds(settings or 0)
        return (route,)
    route.route.timeout.FromMilliseconds(settings or 0)
    if settings is not None and settings > _STREAM_IDLE:
        route.route.idle_timeout.FromMilliseconds(settings)
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"timeout": _timeout}
