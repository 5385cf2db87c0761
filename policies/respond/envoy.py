"""A fixed answer as Envoy's DirectResponseAction."""

from collections.abc import Mapping

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import Route

from policies.contract import RouteFacts, RouteStep
from policies.format_strings import literal
from policies.respond.spec import Respond


def _respond(settings: Respond, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    route.direct_response.status = settings.status
    if settings.body:
        route.direct_response.body.inline_string = settings.body
    for name, value in settings.headers.items():
        option = route.response_headers_to_add.add()
        option.append_action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
        option.header.key = name
        option.header.value = literal(value)
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"respond": _respond}
