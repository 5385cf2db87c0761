"""What of a request is on a disk: asked for in a thread of its own, and not for long."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from controlplane.snapshot import Resource
from controlplane.xds.discovery import Request
from controlplane.xds.memory import Lasting
from controlplane.xds.world import World

SECONDS = 2.0
"""How long a disk may take. Then a node is one of which nothing is known."""

MOST = 10_000
"""How many versions of one request are looked up."""

T = TypeVar("T")
Holding = Mapping[str, tuple[Resource, ...]]
_log = structlog.get_logger(__name__)


class Disk:
    """The memory of a server behind one thread: what it says comes in time, or is nothing."""

    def __init__(self, memory: Lasting) -> None:
        self._memory = memory
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="xds-memory")

    def close(self) -> None:
        """Wait for nothing that is under way."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def holding(self, node: str) -> Holding:
        """Return all that a node may hold, empty where that is not known in time."""
        found: Holding = {}
        if self._memory.records:
            found = await self._asked(lambda: self._memory.holding(node)) or {}
        return found

    async def look_up(self, request: Request, world: World | None) -> None:
        """Look up what a node says that it holds and that is not offered."""
        offer = world.offers.get(request.type_url) if world is not None else None
        if not self._memory.records or offer is None or not request.initial:
            return
        offered = ((n, offer.find(n)) for n in request.initial)
        known = {n for n, one in offered if one is not None and one.version == request.initial[n]}
        unknown = [(n, v) for n, v in request.initial.items() if n not in known][:MOST]
        if unknown:
            await self._asked(lambda: self._memory.look_up(request.type_url, unknown))

    async def _asked(self, question: Callable[[], T]) -> T | None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SECONDS):
                return await loop.run_in_executor(self._thread, question)
        except TimeoutError:
            _log.warning("the state folder is slow: nothing is known of a node that came back")
        except Exception:  # noqa: BLE001 # a stream must not end for it
            _log.exception("the state folder cannot be read")
        return None
