"""A timeout on Envoy's RouteAction."""

from collections.abc import Mapping

from envoy.config.route.v3.route_components_pb2 import Route

from policies.contract import RouteFacts, RouteStep

_STREAM_IDLE = 300_000
"""Milliseconds after which Envoy ends a silent stream, unless the route allows more."""


def _timeout(settings: int | None, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    route.route.timeout.FromMilliseconds(settings or 0)
    if settings is not None and settings > _STREAM_IDLE:
        route.route.idle_timeout.FromMilliseconds(settings)
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"timeout": _timeout}
