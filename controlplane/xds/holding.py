"""What a node may hold, to be kept on disk: a control plane that starts again goes on from it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from controlplane.snapshot import Resource
from controlplane.xds.stream import Stream
from controlplane.xds.subscription import Subscription

Held: TypeAlias = Mapping[str, tuple[Mapping[str, Resource], ...]]
"""By type, layers of resources by name; the same mapping stands for many nodes."""


def held_by(stream: Stream) -> Held:
    """Give what the node of a stream may hold, with what is under way to it."""
    mine = {t: tuple(_layers(one)) for t, one in stream.subscriptions.items()}
    brought = {
        t: ({one.name: one for one in several},)
        for t, several in stream.brought.items()
        if t not in mine and several
    }
    return {**brought, **mine}


def together(several: Iterable[Held]) -> Held:
    """Give what any of several may hold."""
    found: dict[str, tuple[Mapping[str, Resource], ...]] = {}
    for held in several:
        for type_url, layers in held.items():
            found[type_url] = (*found.get(type_url, ()), *layers)
    return found


def _layers(sub: Subscription) -> Iterator[Mapping[str, Resource]]:
    if None in sub.held.values():
        yield {n: one for n, one in sub.held.items() if one is not None}
    else:
        yield sub.held  # type: ignore[misc] # there is no None in it
    depth = max(map(len, sub.doubted.values()), default=0)
    for place in range(depth):
        yield {n: several[place] for n, several in sub.doubted.items() if len(several) > place}
    if sub.pending is not None:
        coming = {n: one for n, one in sub.pending.content.items() if one is not None}
        if any(sub.held.get(n) is not one for n, one in coming.items()):
            yield coming
