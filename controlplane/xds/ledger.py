"""What Envoys may hold and nobody has written down yet; a reply waits until it is.

In SotW a node does not say what it holds. What a control plane has sent and not written down when
it is killed, its successor would take away while the node still uses it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from controlplane.xds.holding import Held, held_by, together
from controlplane.xds.stream import Stream
from controlplane.xds.world import ENVOY

SECONDS = 0.5
"""How long a reply waits for the disk: a slow one must not keep a node from its configuration."""


class Ledger:
    """Gathers for who writes. `dirty` is set while there is something that `take` has not given."""

    def __init__(self, streams: Callable[[], Iterable[Stream]]) -> None:
        self._streams = streams
        self._changed: dict[str, Stream] = {}
        self._noted = self._taken = self._written = 0
        self._moved = asyncio.Event()
        self.dirty = asyncio.Event()

    def note(self, stream: Stream) -> None:
        """Remember that what an Envoy may hold is another than before."""
        if stream.role == ENVOY and stream.node:
            self._changed[stream.node] = stream
            self._noted += 1
            self.dirty.set()

    def take(self) -> Mapping[str, Held]:
        """Return what Envoys may hold, of those where that has changed since the last call.

        Streams of the same node are one: each may be the one that is alive.
        """
        self._taken = self._noted
        changed, self._changed = self._changed, {}
        streams: dict[str, list[Stream]] = {node: [] for node in changed}
        for stream in self._streams():
            if stream.node in streams:
                streams[stream.node].append(stream)
        return {
            node: together(map(held_by, streams[node] or [last])) for node, last in changed.items()
        }

    def written(self) -> None:
        """Know that all that was taken is on the disk, or cannot be: nobody waits for it."""
        self._written = self._taken
        self._moved.set()

    async def until_written(self) -> None:
        """Wait until all that was noted before is written, or it takes too long."""
        mine = self._noted
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while self._written < mine:
                    self._moved.clear()
                    await self._moved.wait()
