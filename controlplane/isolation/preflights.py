"""What answers the CORS preflights of a route that is kept: as it was, of what they ask about now.

Which methods an entry is for depends on the other routes of its path, and those are new.
"""

from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane.isolation.hosts import Routes
from controlplane.plan.rules import rule_id

_METHOD = ":method"


def preflight_rule(rule: str) -> str:
    """The rule of what answers the preflights of a route."""
    return rule_id("p", rule)


def answering_as(old: Routes, present: Routes) -> Routes:
    """What answered before, in the place of what answers now."""
    if len(old) != 1 or len(present) != 1:
        return ()
    out = pb.Route()
    out.CopyFrom(old[0])
    out.match.CopyFrom(present[0].match)
    return (out,)


def take_options(routes: Routes) -> bool:
    """Whether every OPTIONS on their path is taken, so that no preflight passes them by."""
    return any(_takes_options(one.match) for one in routes)


def _takes_options(match: pb.RouteMatch) -> bool:
    return not match.query_parameters and all(
        one.name == _METHOD and not one.invert_match and _is_options(one) for one in match.headers
    )


def _is_options(method: pb.HeaderMatcher) -> bool:
    wanted = method.string_match
    return wanted.exact == "OPTIONS" or "OPTIONS" in wanted.safe_regex.regex.split("|")
