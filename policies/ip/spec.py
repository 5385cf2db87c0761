"""The settings of `ip`."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated

from pydantic import Field

from language.decode import settings
from policies.contract import EVERY_ACTION, Fault, RouteFacts, RouteKey
from policies.ip.ranges import Network, Range, Ranges, shown

_EVERYBODY = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRules:
    """Whom to let in (nobody else, where any is named), and whom not, which wins."""

    allow: Annotated[
        tuple[Range, ...],
        Field(description="The only addresses and ranges that may ask; all unless written."),
    ] = ()
    deny: Annotated[
        tuple[Range, ...],
        Field(description="Addresses and ranges that may not ask, whatever allow says."),
    ] = ()


def _faults(settings: AddressRules, _facts: RouteFacts) -> Iterable[Fault]:
    yield from _repeated("allow", settings.allow)
    yield from _repeated("deny", settings.deny)
    denied, allowed = Ranges(settings.deny), Ranges(settings.allow)
    for position, one in enumerate(settings.allow):
        over = denied.holding(one)
        if over is not None:
            message = f"{shown(one)} is not let in: deny holds {shown(over)}, and deny wins"
            yield Fault(path=("allow", position), message=message, hint="remove one of them")
    if _everybody(allowed):
        message = "'allow' holds every address: it refuses nobody"
        yield Fault(path=("allow",), message=message, hint="leave it out", at_key=True)
    elif settings.allow:
        yield from _refused_anyway(settings.deny, settings.allow)


def _repeated(name: str, ranges: tuple[Network, ...]) -> Iterable[Fault]:
    known = Ranges(ranges)
    seen: set[Network] = set()
    for position, one in enumerate(ranges):
        over = known.holding(one, wider=True)
        if one in seen:
            message = f"{shown(one)} stands twice"
            yield Fault(path=(name, position), message=message, hint="keep one")
        elif over is not None:
            message = f"{shown(one)} has no effect: {shown(over)} holds it"
            yield Fault(path=(name, position), message=message, hint="leave it out")
        seen.add(one)


def _refused_anyway(deny: tuple[Network, ...], allow: tuple[Network, ...]) -> Iterable[Fault]:
    """What stands in `deny` beside an `allow` that does not let it in."""
    allowed, denied = Ranges(allow), Ranges(deny)
    cut = {over for one in allow if (over := denied.holding(one)) is not None}
    for position, one in enumerate(deny):
        if allowed.holding(one) is None and one not in cut and denied.holding(one) == one:
            message = f"{shown(one)} has no effect: no range of allow lets it in"
            yield Fault(path=("deny", position), message=message, hint="leave it out")


def _everybody(ranges: Ranges) -> bool:
    return all(ranges.holding(one) is not None for one in _EVERYBODY)


KEYS = (
    RouteKey(
        name="ip",
        settings=AddressRules,
        summary="Let in or refuse clients by their address; deny wins over allow.",
        example="ip: {allow: [10.0.0.0/8], deny: [10.9.0.0/16]}",
        in_envoy="an address trie finds the range of any list in one look",
        actions=EVERY_ACTION,
        atom=True,
        faults=_faults,
    ),
)
