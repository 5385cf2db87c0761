"""Upgrades on Envoy's RouteAction: the listener knows none, so that other routes answer 403."""

from collections.abc import Mapping

from envoy.config.route.v3.route_components_pb2 import Route

from policies.contract import RouteFacts, RouteStep, Settings
from policies.upgrades.spec import WEBSOCKET


def _websocket(_settings: Settings, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    route.route.upgrade_configs.add(upgrade_type=WEBSOCKET).enabled.value = True
    return (route,)


def _upgrades(settings: tuple[str, ...], _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    for name in settings:
        route.route.upgrade_configs.add(upgrade_type=name).enabled.value = True
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"websocket": _websocket, "upgrades": _upgrades}
"""The settings of each."""
