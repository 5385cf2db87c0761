"""The routes of the gateway itself: what it answers where no route of the user's does."""

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane.compile.answers import problem
from controlplane.compile.halves import unasked_steps
from controlplane.compile.matching import match_conditions, match_path
from controlplane.plan.plan import PlannedRoute
from language.hosts import HOST_REGEX
from language.paths import PathPattern

NO_HOST = "h-none"
"""The rule of what is answered 400 because its Host is none."""


def no_host() -> pb.Route:
    """Refuse what is no host, where a wildcard would take it (RFC 9112 section 3.2).

    One dot at the end is gone by now: a second would be another spelling of a guarded host.
    Envoy joins repeated Host headers by a comma; an exact domain is never one of these.
    """
    out = pb.Route(name=NO_HOST)
    out.match.prefix = "/"
    host = out.match.headers.add(name=":authority", invert_match=True)
    host.string_match.safe_regex.regex = HOST_REGEX
    out.direct_response.status = 400
    out.direct_response.body_format.CopyFrom(problem("Bad Request", 400))
    return unasked_on(out)


def held(planned: PlannedRoute) -> pb.Route:
    """What a route answers whose file is not served: nothing less specific may take its place."""
    out = pb.Route(name=planned.rule)
    match_path(planned.route.path, out.match)
    match_conditions(planned.route, out.match)
    out.direct_response.status = 503
    out.direct_response.body_format.CopyFrom(problem("Service Unavailable", 503))
    return unasked_on(out)


def not_allowed(rule: str, path: PathPattern, allow: tuple[str, ...]) -> pb.Route:
    """What a path answers whose routes take none of the request's method."""
    out = pb.Route(name=rule)
    match_path(path, out.match)
    for method in allow:
        unlike = out.match.headers.add(name=":method", invert_match=True)
        unlike.string_match.exact = method
    out.direct_response.status = 405
    out.direct_response.body_format.CopyFrom(problem("Method Not Allowed", 405))
    told = out.response_headers_to_add.add()
    told.append_action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    told.header.key = "allow"
    told.header.value = ", ".join(allow)
    return unasked_on(out)


def unasked_on(route: pb.Route) -> pb.Route:
    """A route of the gateway itself, with what the policies put on every one."""
    for step in unasked_steps().values():
        step(route)
    return route
