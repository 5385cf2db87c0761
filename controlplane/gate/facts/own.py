"""The routes of the gateway itself that every table may hold: what they take, and what they say."""

from functools import cache

from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane.compile.pages.names import NOT_FOUND
from controlplane.compile.standing import NO_HOST
from language.hosts import HOST_REGEX

EVERYTHING = pb.RouteMatch(prefix="/")
CONNECT = pb.RouteMatch(connect_matcher=pb.RouteMatch.ConnectMatcher())

_UNAVAILABLE, _BAD_REQUEST, _NOT_FOUND = 503, 400, 404


def refuses(route: pb.Route) -> bool:
    """Whether what is no host meets a refusal: its own, or the 503 that everything meets."""
    answer = route.direct_response.status
    if route.match == EVERYTHING and answer == _UNAVAILABLE:
        return True
    return route.name == NO_HOST and answer == _BAD_REQUEST and route.match == _no_host()


def ends(route: pb.Route) -> bool:
    """Whether a route answers what no other takes, as Envoy would without one."""
    return _not_found(route) and route.match == EVERYTHING


def not_itself(route: pb.Route) -> str:
    """What is wrong with a route that has the rule of an own one."""
    if route.name == NO_HOST and not refuses(route):
        return "it is to refuse what is no host, and nothing else"
    if route.name == NOT_FOUND and not (ends(route) or _refuses_tunnels(route)):
        return "it is to answer 404 where no route is, and nothing else"
    return ""


def _refuses_tunnels(route: pb.Route) -> bool:
    return _not_found(route) and route.match == CONNECT


def _not_found(route: pb.Route) -> bool:
    return route.name == NOT_FOUND and route.direct_response.status == _NOT_FOUND


@cache
def _no_host() -> pb.RouteMatch:
    """Whatever has a Host that is none (RFC 3986 section 3.2.2)."""
    out = pb.RouteMatch(prefix="/")
    host = out.headers.add(name=":authority", invert_match=True)
    host.string_match.safe_regex.regex = HOST_REGEX
    return out
