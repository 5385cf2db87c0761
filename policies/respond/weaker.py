"""Whether requests that a route refused are refused no more."""

from collections.abc import Iterator, Mapping

from policies.guards import Weaker, WeakerStep
from policies.respond.spec import Respond

REFUSALS = frozenset({401, 403})
"""What a route says to keep everybody out; 404 or 410 says that there is nothing."""


def _weaker(before: Respond | None, after: Respond | None) -> Iterator[Weaker]:
    if before is None or before.status not in REFUSALS:
        return
    if after is None or after.status not in REFUSALS:
        yield Weaker(what=f"{before.status} is not answered any more: everybody was refused")


WEAKER: Mapping[str, WeakerStep] = {"respond": _weaker}
