"""What the pages of a layout say beside what every table says, and what their dispatcher does."""

from collections.abc import Iterator, Mapping

from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutationPerRoute,
)
from google.protobuf.any_pb2 import Any

from controlplane.compile.clusters import NOWHERE
from controlplane.compile.listener import BUFFER
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.compile.pages.selection import HEADER, PAGE_FILTER, TAG_HEADER
from controlplane.compile.standing import NO_HOST
from controlplane.gate.facts.own import EVERYTHING, ends, not_itself
from controlplane.layout import TO_PAGE
from policies.auth.envoy import FILTER as AUTH

_HARMLESS = frozenset({PAGE_FILTER, AUTH, BUFFER})
"""Filters that the dispatcher's routes may set something for: it goes no further than the page."""

_OWN = frozenset({NO_HOST, NOT_FOUND})


def said(wanted: str) -> HeaderMutation:
    """The one way to say which page it is: whatever is there is overwritten."""
    out = HeaderMutation()
    out.append.append_action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    out.append.header.key = HEADER
    out.append.header.value = wanted
    return out


def of_dispatched(route: pb.Route) -> Iterator[str]:
    """What is wrong with a route of the dispatcher. Raises DecodeError."""
    settings: Mapping[str, Any] = route.typed_per_filter_config
    if route.name in _OWN:
        if own := not_itself(route):
            yield own
        return
    page = route.name.removeprefix(TO_PAGE)
    if page == route.name:
        yield "it stands where only pages are chosen"
        return
    match = route.match
    if match != pb.RouteMatch(prefix=match.prefix) or not match.prefix.startswith("/"):
        yield "pages are chosen by how a path begins, and by nothing else"
    if not route.HasField("route") or route.route.cluster != NOWHERE:
        yield "it goes somewhere before its page is asked"
    if not settings.keys() <= _HARMLESS or route.route.request_mirror_policies:
        yield "it says more than which page it is"
    wanted = HeaderMutationPerRoute()
    wanted.mutations.request_mutations.append(said(page))
    packed = settings.get(PAGE_FILTER)
    if packed is None or HeaderMutationPerRoute.FromString(packed.value) != wanted:
        yield f"it does not say that the page is '{page}'"


def of_dispatched_host(host: pb.VirtualHost) -> Iterator[str]:
    """What is wrong with the order of the pages of a host."""
    seen: list[str] = []
    ended = False
    for route in host.routes:
        if route.name in _OWN:
            ended = ended or ends(route)
            continue
        if ended:
            yield f"no path comes to the page of '{route.match.prefix}'"
        if any(route.match.prefix.startswith(one) for one in seen):
            yield f"no path comes to the page of '{route.match.prefix}'"
        seen.append(route.match.prefix)
    if seen and seen[-1] != EVERYTHING.prefix:
        yield "some paths come to no page"


def of_page(table: RouteConfiguration) -> Iterator[str]:
    """What is wrong with a page as a whole."""
    missing = {HEADER, TAG_HEADER} - {*table.request_headers_to_remove}
    if missing:
        yield f"backends are told {min(missing)}"


def of_page_route(route: pb.Route) -> Iterator[str]:
    """What is wrong with a route of a page."""
    if route.name.startswith(TO_PAGE):
        yield "it chooses a page, and that is done"
