"""Which headers a route removes and writes, by its settings and by what it has the filter do."""

from collections.abc import Iterable, Iterator, Mapping

from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutationPerRoute,
    Mutations,
)

from policies.enforcement import Enforcement
from policies.format_strings import literal
from policies.headers.envoy import FILTER
from policies.headers.spec import HeaderOperations

_ADDED = HeaderValueOption.APPEND_IF_EXISTS_OR_ADD


def _asked(settings: HeaderOperations | None) -> Iterator[str]:
    if settings is None:
        return
    yield from (f"remove {name}" for name in settings.remove)
    yield from (f"set {name}: {literal(value)}" for name, value in settings.set.items())
    yield from (f"add {name}: {literal(value)}" for name, value in settings.add.items())


def _of_request(route: Route) -> Iterator[str]:
    return _words(_mutations(route).request_mutations)


def _of_response(route: Route) -> Iterator[str]:
    return _words(_mutations(route).response_mutations)


def _mutations(route: Route) -> Mutations:
    if FILTER not in route.typed_per_filter_config:
        return Mutations()
    packed = route.typed_per_filter_config[FILTER]
    return HeaderMutationPerRoute.FromString(packed.value).mutations


def _words(mutations: Iterable[HeaderMutation]) -> Iterator[str]:
    for one in mutations:
        if one.remove:
            yield f"remove {one.remove}"
        else:
            what = "add" if one.append.append_action == _ADDED else "set"
            yield f"{what} {one.append.header.key}: {one.append.header.value}"


ENFORCED: Mapping[str, Enforcement] = {
    "request": Enforcement(asked=_asked, found=_of_request),
    "response": Enforcement(asked=_asked, found=_of_response),
}
