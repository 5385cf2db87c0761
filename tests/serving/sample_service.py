"""A small service to serve: it echoes, fails, waits; it refuses a resource that says `bad`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter

from protos import FLEET, LIMITS, RATELIMIT
from serving.service import Feed, Maker, RejectedError, Service, Update

ECHO, FAIL, HANG, SLOW = (f"foregate.test.Sample/{m}" for m in ("Echo", "Fail", "Hang", "Slow"))
SECRET = "hunter2"  # noqa: S105 # must never be in a log


@dataclass
class SampleIntake:
    """Keeps bodies by type and name; ready once every type has come and there is something."""

    types: tuple[str, ...]
    held: dict[str, dict[str, bytes]] = field(default_factory=dict)
    taken: list[Update] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, update: Update) -> None:
        self.taken.append(update)
        self.moved.set()
        if any(b"bad" in body for body in update.changed.values()):
            raise RejectedError("it says bad")
        if any(b"crash" in body for body in update.changed.values()):
            raise KeyError(SECRET)
        group = {**self.held.get(update.type_url, {}), **update.changed}
        self.held[update.type_url] = {n: b for n, b in group.items() if n not in update.removed}

    @property
    def ready(self) -> bool:
        return self.held.keys() >= set(self.types) and any(self.held.values())

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something holds, looking again after each update."""
        async with asyncio.timeout(10):
            while not true():
                self.moved.clear()
                await self.moved.wait()


class Sample:
    """The methods, and what a test waits for in them."""

    def __init__(self) -> None:
        self.left: list[float] = []
        self.entered = asyncio.Event()
        self.release = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def echo(self, data: bytes, left: float) -> bytes:
        self.left.append(left)
        return data

    async def fail(self, data: bytes, left: float) -> bytes:
        raise ValueError(SECRET, data, left)

    async def hang(self, data: bytes, left: float) -> bytes:
        del left
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return data

    async def slow(self, data: bytes, left: float) -> bytes:
        del left
        self.entered.set()
        await self.release.wait()
        return data

    @property
    def methods(self) -> dict[str, Callable[[bytes, float], Awaitable[bytes]]]:
        return {ECHO: self.echo, FAIL: self.fail, HANG: self.hang, SLOW: self.slow}


def service(
    types: tuple[str, ...] = (FLEET, LIMITS),
    intake: SampleIntake | None = None,
    sample: Sample | None = None,
    work: Callable[[], Awaitable[None]] | None = None,
) -> Service:
    registry = CollectorRegistry()
    Counter("sample_decisions", "Decisions.", registry=registry).inc()
    return Service(
        name=RATELIMIT,
        types=types,
        intake=intake or SampleIntake(types=types),
        methods=(sample or Sample()).methods,
        registry=registry,
        work=work,
    )


def maker(made: Service) -> Maker:
    def make(feed: Feed) -> Service:
        del feed
        return made

    return make


def main(feed: Feed) -> Service:
    """The maker of the subprocess tests."""
    del feed
    return service()
