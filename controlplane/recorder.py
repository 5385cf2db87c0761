"""Writes down what each Envoy may hold, a few times a second, off the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from controlplane.xds.holding import Held

SECONDS = 0.25

Changed = Callable[[], Mapping[str, Held]]


class Recorder:
    """Writes nothing; `write` is for who has a place for it. It is called in a thread."""

    def write(self, changed: Mapping[str, Held]) -> None:
        """Write down what nodes may hold, by node."""

    @asynccontextmanager
    async def following(self, changed: Changed) -> AsyncIterator[None]:
        """Ask again and again what has changed, and a last time at the end."""
        writing = asyncio.create_task(self._follow(changed))
        try:
            yield
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            await self._once(changed)

    async def _follow(self, changed: Changed) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await self._once(changed)

    async def _once(self, changed: Changed) -> None:
        found = changed()
        if found:
            await asyncio.to_thread(self.write, found)
