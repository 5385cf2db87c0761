"""Whether a route of a page keeps upgrades from the one behind it, which does not take them.

Envoy makes the chain of filters at the dispatcher, for what any route of the page takes: a route
that takes less is the only one to say so.
"""

from functools import lru_cache

from envoy.config.route.v3 import route_components_pb2 as pb

KEPT = 16_384
"""How many pairs are remembered: most of a page is that of the one before."""

FORBIDDEN = 403

UPGRADE = "upgrade"


@lru_cache(maxsize=KEPT)
def bars(field: bytes, behind: bytes) -> bool:
    """Whether a refusal takes all upgrades that the next route, of its rule, matches and lacks.

    Both are fields of their host. Raises DecodeError.
    """
    (one,) = pb.VirtualHost.FromString(field).routes
    (next_,) = pb.VirtualHost.FromString(behind).routes
    if one.name != next_.name or len(one.match.headers) <= len(next_.match.headers):
        return False
    at = len(next_.match.headers)
    first, *rest = one.match.headers[at:]
    left = {other.string_match.exact for other in rest}
    del one.match.headers[at:]
    return (
        one.match == next_.match
        and first == _upgrades()
        and all(other == _unlike(other.string_match.exact) for other in rest)
        and left == {u.upgrade_type.lower() for u in next_.route.upgrade_configs}
    )


def _upgrades() -> pb.HeaderMatcher:
    return pb.HeaderMatcher(name=UPGRADE, present_match=True)


def _unlike(protocol: str) -> pb.HeaderMatcher:
    out = pb.HeaderMatcher(name=UPGRADE, invert_match=True)
    out.string_match.exact, out.string_match.ignore_case = protocol, True
    return out
