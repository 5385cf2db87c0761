"""A rewrite on Envoy's RouteAction."""

from collections.abc import Mapping

from envoy.config.route.v3.route_components_pb2 import Route

from language.substitutions import substitution
from policies.contract import RouteFacts, RouteStep
from policies.rewrite.spec import Rewrite


def _rewrite(settings: Rewrite, facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    if settings.path is not None:
        filled = substitution(facts.path, settings.path)
        route.route.regex_rewrite.pattern.regex = filled.regex
        route.route.regex_rewrite.substitution = filled.replacement
    if settings.host:
        route.route.host_rewrite_literal = settings.host
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"rewrite": _rewrite}
