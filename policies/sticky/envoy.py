"""The same side for the same user, on Envoy's weighted clusters.

Envoy chooses by the hash of a header, but sets no cookie where it chooses: so each side has a
route of its own, which takes who has the side's cookie, before the one that chooses and sets it.
"""

from collections.abc import Mapping

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import Route

from policies.contract import RouteFacts, RouteStep
from policies.sticky.sides import cookie_of
from policies.sticky.spec import Sticky

_SECOND = 1_000


def _sticky(settings: Sticky, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    if not route.route.HasField("weighted_clusters"):
        return (route,)  # the others have the weight 0: there is one side
    if settings.header is not None:
        route.route.weighted_clusters.use_hash_policy.value = True
        route.route.hash_policy.add(terminal=True).header.header_name = settings.header
        return (route,)
    cookie = settings.cookie or ""
    pinned = [_pinned(route, one.name, cookie) for one in route.route.weighted_clusters.clusters]
    for one in route.route.weighted_clusters.clusters:
        told = one.response_headers_to_add.add()
        told.append_action = HeaderValueOption.APPEND_IF_EXISTS_OR_ADD
        told.header.key = "set-cookie"
        told.header.value = _set_cookie(cookie, one.name, settings.ttl)
    return (*pinned, route)


def _pinned(route: Route, target: str, cookie: str) -> Route:
    """The route of who has the cookie of a side.

    That its text is anywhere in the header is enough: a token is of its cookie alone.
    """
    out = Route()
    out.CopyFrom(route)
    out.route.cluster = target
    out.match.headers.add(name="cookie").string_match.contains = cookie_of(cookie, target)
    return out


def _set_cookie(cookie: str, target: str, ttl: int | None) -> str:
    lasting = "" if ttl is None else f"; Max-Age={ttl // _SECOND}"
    return f"{cookie_of(cookie, target)}; Path=/{lasting}; HttpOnly; SameSite=Lax"


ROUTE: Mapping[str, RouteStep] = {"sticky": _sticky}
"""The settings of `sticky`."""
