"""What a route keeps from another of its rule behind it: upgrades, or preflights about others.

Upgrades, as Envoy makes the chain of filters at the dispatcher, for what any route of the page
takes: a route that takes less is the only one to say so.
"""

from collections.abc import Sequence
from functools import lru_cache

from envoy.config.route.v3 import route_components_pb2 as pb

KEPT = 16_384
"""How many pairs are remembered: most of a table is that of the one before."""

FORBIDDEN = 403
REQUESTED = "access-control-request-method"
_UPGRADE = "upgrade"


@lru_cache(maxsize=KEPT)
def bars(field: bytes, behind: bytes) -> bool:
    """Whether a refusal takes all upgrades that the next route, of its rule, matches and lacks.

    Both are fields of their host. Raises DecodeError.
    """
    next_ = _route(behind)
    more = _more(_route(field), next_)
    if not more:
        return False
    first, *rest = more
    left = {other.string_match.exact for other in rest}
    return (
        first == pb.HeaderMatcher(name=_UPGRADE, present_match=True)
        and all(other == _unlike(other.string_match.exact) for other in rest)
        and left == {u.upgrade_type.lower() for u in next_.route.upgrade_configs}
    )


@lru_cache(maxsize=KEPT)
def spares(field: bytes, behind: bytes) -> bool:
    """Whether a route takes all preflights of another of its rule. Raises DecodeError."""
    return _more(_route(field), _route(behind)) == _preflights()


def _route(field: bytes) -> pb.Route:
    (one,) = pb.VirtualHost.FromString(field).routes
    return one


def _more(one: pb.Route, other: pb.Route) -> Sequence[pb.HeaderMatcher]:
    """What one asks of headers that the other does not, where they are else the same rule's."""
    at = len(other.match.headers)
    more = one.match.headers[at:]
    del one.match.headers[at:]
    return more if one.name == other.name and one.match == other.match else ()


def _preflights() -> list[pb.HeaderMatcher]:
    """Whatever is a preflight (Fetch)."""
    out = [pb.HeaderMatcher(name=name) for name in (":method", "origin", REQUESTED)]
    out[0].string_match.exact = "OPTIONS"
    for one in out[1:]:
        one.string_match.safe_regex.regex = ".+"
    return out


def _unlike(protocol: str) -> pb.HeaderMatcher:
    out = pb.HeaderMatcher(name=_UPGRADE, invert_match=True)
    out.string_match.exact, out.string_match.ignore_case = protocol, True
    return out
