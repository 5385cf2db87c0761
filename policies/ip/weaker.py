"""Whether other address rules let in an address that was refused: sets of addresses, subtracted."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from policies.guards import Weaker, WeakerStep
from policies.ip.ranges import Network, shown
from policies.ip.spec import AddressRules

Span: TypeAlias = tuple[int, int]
"""The first and the last address."""

_EVERYBODY: tuple[Network, ...] = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
_SHOWN = 3


def _weaker(before: AddressRules | None, after: AddressRules | None) -> Iterator[Weaker]:
    if before is None:
        return
    if after is None:
        yield Weaker(what="every address may ask now, and not every one did")
        return
    let_in = [text for version in (4, 6) for text in _more(before, after, version)]
    if let_in:
        more = f" and {len(let_in) - _SHOWN} more" if len(let_in) > _SHOWN else ""
        yield Weaker(what=f"{', '.join(let_in[:_SHOWN])}{more} may ask now")


def _more(before: AddressRules, after: AddressRules, version: int) -> Iterator[str]:
    """What is let in of an IP version that was not."""
    for first, last in _without(_let_in(after, version), _let_in(before, version)):
        found: Iterable[Network]
        if version == 4:
            ends = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
            found = ipaddress.summarize_address_range(*ends)
        else:
            six = ipaddress.IPv6Address(first), ipaddress.IPv6Address(last)
            found = ipaddress.summarize_address_range(*six)
        yield from map(shown, found)


def _let_in(rules: AddressRules, version: int) -> list[Span]:
    allowed = _spans(rules.allow or _EVERYBODY, version)
    return _without(allowed, _spans(rules.deny, version))


def _spans(ranges: tuple[Network, ...], version: int) -> list[Span]:
    """Sorted, and no two of them touch."""
    found: list[Span] = []
    of_version = (one for one in ranges if one.version == version)
    for first, last in sorted(
        (int(one.network_address), int(one.broadcast_address)) for one in of_version
    ):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _without(whole: list[Span], taken: list[Span]) -> list[Span]:
    left: list[Span] = []
    at = 0
    for first, last in whole:
        start = first
        while at < len(taken) and taken[at][1] < start:
            at += 1
        here = at
        while here < len(taken) and taken[here][0] <= last:
            if taken[here][0] > start:
                left.append((start, taken[here][0] - 1))
            start = taken[here][1] + 1
            here += 1
        if start <= last:
            left.append((start, last))
    return left


WEAKER: Mapping[str, WeakerStep] = {"ip": _weaker}
