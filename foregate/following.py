"""Saves, and what is done about them: one at a time, none lost, not too often."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from foregate.debounce import Debounce


async def follow(saves: AsyncIterator[None], refresh: Callable[[], Awaitable[None]]) -> None:
    """Refresh after saves until they end. Those during a refresh are one more refresh after it.

    Raises what `refresh` or the saves raise.
    """
    now = asyncio.get_running_loop().time
    state = Debounce()
    coming: asyncio.Future[None] | None = asyncio.ensure_future(anext(saves))
    running: asyncio.Future[None] | None = None
    try:
        while coming or running or state.due is not None:
            wait = None
            if not running and state.due is not None:
                wait = max(0.0, state.due - now())
            await _first_of(coming, running, wait)
            if coming and coming.done():
                coming = _after(coming, saves)
                if coming:
                    state = state.changed(now())
            if running and running.done():
                running.result()
                running = None
            if not running and state.due is not None and state.due <= now():
                state = state.served(now())
                running = asyncio.ensure_future(refresh())
    finally:
        await _end(coming, running)


def _after(done: asyncio.Future[None], saves: AsyncIterator[None]) -> asyncio.Future[None] | None:
    """Wait for the save after this one, or give None where this was the end of them."""
    if isinstance(done.exception(), StopAsyncIteration):
        return None
    done.result()
    return asyncio.ensure_future(anext(saves))


async def _first_of(
    coming: asyncio.Future[None] | None, running: asyncio.Future[None] | None, wait: float | None
) -> None:
    """Return when one is done, or after `wait` seconds."""
    tasks = [one for one in (coming, running) if one]
    if tasks:
        await asyncio.wait(tasks, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
    elif wait:
        await asyncio.sleep(wait)


async def _end(*tasks: asyncio.Future[None] | None) -> None:
    """Cancel what is not done, and wait until it is."""
    left = [one for one in tasks if one]
    for one in left:
        one.cancel()
    await asyncio.gather(*left, return_exceptions=True)
