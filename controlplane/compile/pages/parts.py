"""The routes of one entry as a page has them, and the answers of the gateway itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from google.protobuf.any_pb2 import Any

from controlplane.compile.answers import problem
from controlplane.compile.listener import BUFFER
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.compile.routes import serialized
from controlplane.compile.standing import unasked_on
from controlplane.encoding import field
from controlplane.tables import ROUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Serialized routes, and the protocols that one of them may be switched to."""

    body: bytes
    upgrades: frozenset[str]


def part(routes: Iterable[pb.Route]) -> Part:
    """Routes that hold no body back unless they say so."""
    made = [unheld(one) for one in routes]
    return Part(
        body=b"".join(field(ROUTE, serialized(one)) for one in made),
        upgrades=frozenset[str]().union(*map(upgrading, made)),
    )


def refusing(routes: Iterable[pb.Route]) -> bytes:
    """The same, serialized, where another route of the page takes upgrades.

    The chain of filters is made before the page is known, for what any of its routes may take: so
    a route refuses itself what it does not take.
    """
    made: list[pb.Route] = []
    for one in map(unheld, routes):
        made += (_refusal(one), one)
    return b"".join(field(ROUTE, serialized(one)) for one in made)


def unheld(route: pb.Route) -> pb.Route:
    """Switch the holding back of bodies off where a route does not ask for it."""
    if BUFFER not in route.typed_per_filter_config:
        route.typed_per_filter_config[BUFFER].CopyFrom(_unheld())
    return route


@cache
def _unheld() -> Any:
    packed = Any()
    packed.Pack(BufferPerRoute(disabled=True), deterministic=True)
    return packed


def upgrading(route: pb.Route) -> frozenset[str]:
    """The protocols that a route may be switched to; `enabled` is so unless said."""
    return frozenset(
        one.upgrade_type.lower()
        for one in route.route.upgrade_configs
        if one.enabled.value or not one.HasField("enabled")
    )


def not_found() -> pb.Route:
    """What is left of a host; Envoy's own answer would come once the body is whole."""
    out = pb.Route(name=NOT_FOUND)
    out.match.prefix = "/"
    out.direct_response.status = 404
    out.direct_response.body_format.CopyFrom(problem("Not Found", 404))
    return unheld(unasked_on(out))


def no_tunnel() -> pb.Route:
    """CONNECT has no path: Envoy answers 403, where without a route it would wait for a body."""
    out = not_found()
    out.match.ClearField("prefix")
    out.match.connect_matcher.SetInParent()
    return out


def untaken(route: pb.Route) -> pb.RouteMatch:
    """The upgrades that a route matches and does not take; what is no upgrade has no such header.

    Envoy removes it there.
    """
    out = pb.RouteMatch()
    out.CopyFrom(route.match)
    out.headers.add(name="upgrade").present_match = True
    for protocol in sorted(upgrading(route)):
        unlike = out.headers.add(name="upgrade", invert_match=True).string_match
        unlike.exact, unlike.ignore_case = protocol, True
    return out


def _refusal(route: pb.Route) -> pb.Route:
    """Refuse other upgrades as Envoy does."""
    out = pb.Route(name=route.name)
    out.match.CopyFrom(untaken(route))
    out.direct_response.status = 403
    out.direct_response.body_format.CopyFrom(problem("Forbidden", 403))
    return unheld(unasked_on(out))
