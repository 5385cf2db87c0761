"""Header operations as Envoy's header_mutation filter: always in the chain, set per route."""

from collections.abc import Mapping

from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from policies.contract import FilterStep, RouteFacts, RouteStep, WhenDown
from policies.format_strings import literal
from policies.headers.spec import HeaderOperations

FILTER = "envoy.filters.http.header_mutation"


def _operations(
    settings: HeaderOperations, out: RepeatedCompositeFieldContainer[HeaderMutation]
) -> None:
    for name in settings.remove:
        out.add(remove=name)
    written = (
        (settings.set, HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD),
        (settings.add, HeaderValueOption.APPEND_IF_EXISTS_OR_ADD),
    )
    for headers, action in written:
        for name, value in headers.items():
            option = out.add().append
            option.append_action = action
            option.header.key = name
            option.header.value = literal(value)


def _on_route(route: Route) -> header_mutation_pb2.HeaderMutationPerRoute:
    settings = header_mutation_pb2.HeaderMutationPerRoute()
    if FILTER in route.typed_per_filter_config:
        route.typed_per_filter_config[FILTER].Unpack(settings)
    return settings


def _request(settings: HeaderOperations, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    per_route = _on_route(route)
    _operations(settings, per_route.mutations.request_mutations)
    route.typed_per_filter_config[FILTER].Pack(per_route, deterministic=True)
    return (route,)


def _response(settings: HeaderOperations, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    per_route = _on_route(route)
    _operations(settings, per_route.mutations.response_mutations)
    route.typed_per_filter_config[FILTER].Pack(per_route, deterministic=True)
    return (route,)


def _filter(_when_down: WhenDown) -> hcm_pb2.HttpFilter:
    one = hcm_pb2.HttpFilter(name=FILTER)
    settings = header_mutation_pb2.HeaderMutation()
    # A client's trailers come after all that was judged, and could say it otherwise: an identity,
    # a credential. Nobody needs them (gRPC knows none in requests), so none goes on.
    every = settings.mutations.request_trailers_mutations.add().remove_on_match.key_matcher
    every.safe_regex.regex = ".*"
    one.typed_config.Pack(settings, deterministic=True)
    return one


ROUTE: Mapping[str, RouteStep] = {"request": _request, "response": _response}

FILTERS: Mapping[str, FilterStep] = {"headers": _filter}
