"""Whether requests may become what was refused: a route without these keys answers 403 to them."""

from collections.abc import Iterator, Mapping

from policies.guards import Weaker, WeakerStep


def _websocket(before: bool | None, after: bool | None) -> Iterator[Weaker]:  # noqa: FBT001 # settings
    if after and not before:
        yield Weaker(what="requests may become WebSockets, and each was refused by 403")


def _upgrades(before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> Iterator[Weaker]:
    more = [one for one in after or () if one not in (before or ())]
    if more:
        yield Weaker(what=f"requests may become {', '.join(more)}, and each was refused by 403")


WEAKER: Mapping[str, WeakerStep] = {"websocket": _websocket, "upgrades": _upgrades}
