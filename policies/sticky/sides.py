"""Which side of weights a request is on, as Envoy chooses it."""

import hashlib
from collections.abc import Mapping, Sequence

from policies.sticky.spec import Sticky
from policies.sticky.xxhash import xxhash64


def cookie_of(cookie: str, target: str) -> str:
    """The cookie of a side: it says which, and to nobody else what that is called."""
    token = hashlib.sha256(f"{cookie}\n{target}".encode()).hexdigest()[:16]
    return f"{cookie}={token}"


def side(
    settings: Sticky, weights: Mapping[str, int], headers: Mapping[str, Sequence[str]]
) -> str | None:
    """The backend that a request is sent to, None where chance chooses it.

    `weights` are above 0 and in the order of the file; names of headers are in lower case.
    """
    if settings.header is not None:
        return _by_hash(headers.get(settings.header, ()), weights)
    for target in weights:
        mine = cookie_of(settings.cookie or "", target)
        if any(mine in value for value in headers.get("cookie", ())):
            return target
    return None


def _by_hash(values: Sequence[str], weights: Mapping[str, int]) -> str | None:
    """The side of a header (hash_policy.cc, HeaderHashMethod): all its values count, sorted.

    The hash of each is the seed of the next.
    """
    if not values:
        return None
    hashed = 0
    # bytes that are no UTF-8 come from a command line as halves of pairs
    for value in sorted(value.encode("utf-8", "surrogateescape") for value in values):
        hashed = xxhash64(value, hashed)
    at = hashed % sum(weights.values())
    for target, weight in weights.items():
        if at < weight:
            return target
        at -= weight
    raise AssertionError(weights)
