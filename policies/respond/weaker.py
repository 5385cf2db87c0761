"""Whether requests that a route refused are refused no more."""

from collections.abc import Iterator, Mapping

from policies.guards import Weaker, WeakerStep
from policies.respond.spec import Respond

REFUSALS = range(400, 600)
"""What a route says to keep everybody out: a 404 that somebody wrote hides what is there."""


def _weaker(before: Respond | None, after: Respond | None) -> Iterator[Weaker]:
    if before is None or before.status not in REFUSALS:
        return
    if after is None or after.status not in REFUSALS:
        yield Weaker(what=f"{before.status} is not answered any more: everybody was refused")


WEAKER: Mapping[str, WeakerStep] = {"respond": _weaker}
