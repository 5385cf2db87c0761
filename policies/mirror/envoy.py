"""Mirroring on Envoy's RouteAction."""

from collections.abc import Mapping

from envoy.config.route.v3.route_components_pb2 import Route
from envoy.type.v3.percent_pb2 import FractionalPercent

from policies.contract import RouteFacts, RouteStep
from policies.mirror.spec import Mirror

_ALL = 100


def _mirror(settings: Mirror, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    # without a suffix on its host the copy is what the request was
    out = route.route.request_mirror_policies.add(
        cluster=settings.to, disable_shadow_host_suffix_append=True
    )
    if settings.percent < _ALL:
        out.runtime_fraction.default_value.numerator = settings.percent
        out.runtime_fraction.default_value.denominator = FractionalPercent.HUNDRED
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"mirror": _mirror}
"""The settings of `mirror`."""
