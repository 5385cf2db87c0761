"""What answers the CORS preflights of a route that is kept: as it was, of what they ask about now.

Which methods an entry is for depends on the other routes of its path, and those are new.
"""

from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane.compile.matching import REQUESTED, match_preflight
from controlplane.isolation.hosts import Routes
from controlplane.plan.rules import rule_id
from policies.cors.envoy import FILTER

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


def leaving(kept: Routes, present: Routes) -> Routes:
    """Kept routes, which leave alone the preflights that are not theirs in the new version.

    Their `cors` would answer whatever OPTIONS they take: also of a route that has none by now.
    Only where the routes in their place answer all that comes to them, these may, too.
    """
    if any(map(_has_cors, present)) and not any(map(_leaves, present)):
        return kept
    if any(map(_leaves, kept)):
        return kept
    return (*(_unanswered(one) for one in kept if _answers(one)), *kept)


def _answers(one: pb.Route) -> bool:
    return _has_cors(one) and _takes_options(one.match)


def _has_cors(one: pb.Route) -> bool:
    return FILTER in one.typed_per_filter_config


def _leaves(one: pb.Route) -> bool:
    """Whether it takes preflights and answers none."""
    return not _has_cors(one) and any(h.name == REQUESTED for h in one.match.headers)


def _unanswered(one: pb.Route) -> pb.Route:
    out = pb.Route()
    out.CopyFrom(one)
    del out.typed_per_filter_config[FILTER]
    match_preflight(out.match)
    return out


def _takes_options(match: pb.RouteMatch) -> bool:
    return all(_is_options(one) for one in match.headers if one.name == _METHOD)


def _is_options(method: pb.HeaderMatcher) -> bool:
    wanted = method.string_match
    return wanted.exact == "OPTIONS" or "OPTIONS" in wanted.safe_regex.regex.split("|")
