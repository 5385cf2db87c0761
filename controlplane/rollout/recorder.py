"""Writes down what was published and what each Envoy may hold, off the event loop.

So a control plane that starts again, after whatever end, goes on from where each node is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog

from controlplane.build import Build
from controlplane.history.history import History
from controlplane.history.version import Fate, NodeFate, Note
from controlplane.snapshot import Resource
from controlplane.store.store import Store, StoreError
from controlplane.xds.holding import Held
from controlplane.xds.ledger import Ledger
from controlplane.xds.memory import Memory

SECONDS = 0.01
"""How long changes of what nodes hold are gathered before they are written."""

SYNC_SECONDS = 1.0
"""How often what is written is brought to the disk: a power cut loses what is newer."""

KEEP_SECONDS = 2.0
"""How long a version waits for the disk before it is said to be live."""

T = TypeVar("T")
Good = Callable[[], Build | None]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What earlier versions still have to be answered for by: pipelines by hash, and limits.

    Both the oldest first.
    """

    policies: Mapping[str, Resource] = field(default_factory=dict)
    limits: tuple[Resource, ...] = ()


class Recorder(Memory):
    """A store as the server's memory. Without one, or where it fails, nothing is remembered.

    Beside it is the `history` of what was published. `clock` gives Unix seconds.
    """

    def __init__(
        self, store: Store | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.records = store is not None
        self.history = History(store, clock=clock) if store else None
        self._clock = clock
        self._noting_fails = False
        self._store = store
        self._unwritten: dict[str, Held] = {}
        self._turn = asyncio.Lock()
        self._late: set[asyncio.Task[None]] = set()
        self._kept: Build | None = None
        self._failed = False

    def published(self) -> Build | None:
        """Read the last good version. Blocks."""
        try:
            return self._store.published() if self._store else None
        except StoreError as error:
            self._fail(error)
            return None

    def earlier(self) -> Earlier:
        """Read what earlier versions are still to be answered for by. Blocks."""
        now = self._clock()
        try:
            if self.history is None:
                return Earlier()
            return Earlier(policies=self.history.policies(now), limits=self.history.limits(now))
        except StoreError as error:
            self._fail(error)
            return Earlier()

    async def note(self, build: Build, note: Note) -> int | None:
        """Have a version in the history when this returns, and give its number; None on failure."""
        history = self.history
        if history is None:
            return None
        version = await self._noted(lambda: history.record(build, note))
        return None if version is None else version.number

    async def settle(self, number: int, fate: Fate, nodes: Mapping[str, NodeFate]) -> None:
        """Note in the history what became of a version."""
        history = self.history
        if history is not None:
            await self._noted(lambda: history.settle(number, fate, nodes))

    async def _noted(self, write: Callable[[], T]) -> T | None:
        """Write in a thread, to its end even when this is cancelled; None on failure."""
        try:
            made = await asyncio.shield(asyncio.to_thread(write))
        except StoreError as error:
            if not self._noting_fails:
                _log.warning("the state folder fails: the history has a gap", why=str(error))
            self._noting_fails = True
            return None
        self._noting_fails = False
        return made

    def find(self, type_url: str, name: str, version: str) -> Resource | None:
        """Return a resource that was once published."""
        try:
            return self._store.find(type_url, name, version) if self._store else None
        except StoreError as error:
            self._fail(error)
            return None

    def holding(self, node: str) -> Mapping[str, tuple[Resource, ...]]:
        """Return all that a node may hold, by type."""
        try:
            return self._store.holding(node) if self._store else {}
        except StoreError as error:
            self._fail(error)
            return {}

    @asynccontextmanager
    async def following(self, ledger: Ledger, good: Good) -> AsyncIterator[None]:
        """Write down what nodes hold whenever that changes, and what is good; and at the end."""
        if self._store is None:
            yield
            return
        writing = asyncio.create_task(self._follow(ledger, good))
        try:
            yield
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            await self._written(ledger.take(), good(), sync=True)
            ledger.written()

    async def keep(self, good: Build | None) -> None:
        """Have a version on the disk when this returns, unless that takes too long."""
        if self._store is not None and good is not None and _other(good, self._kept):
            writing = asyncio.create_task(self._written({}, good, sync=False))
            self._late.add(writing)
            writing.add_done_callback(self._late.discard)
            await asyncio.wait({writing}, timeout=KEEP_SECONDS)

    async def _follow(self, ledger: Ledger, good: Good) -> None:
        synced = time.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SYNC_SECONDS):
                    await ledger.dirty.wait()
                    await asyncio.sleep(SECONDS)
            ledger.dirty.clear()
            sync = time.monotonic() >= synced + SYNC_SECONDS
            synced = time.monotonic() if sync else synced
            await self._written(ledger.take(), good(), sync=sync)
            ledger.written()

    async def _written(
        self, changed: Mapping[str, Held], good: Build | None, *, sync: bool
    ) -> None:
        """Write in a thread, one after the other, each to its end even when this is cancelled."""
        self._unwritten |= changed
        async with self._turn:
            if self._store is None:
                return
            writing = asyncio.ensure_future(
                asyncio.to_thread(self._write, self._store, good, sync=sync)
            )
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:  # the last writing comes after this one
                await writing
                raise

    def _write(self, store: Store, good: Build | None, *, sync: bool) -> None:
        try:
            if good is not None and _other(good, self._kept):
                store.publish(good)
                self._kept = good
            for node in list(self._unwritten):
                held = self._unwritten[node]
                store.hold(node, held)
                if self._unwritten.get(node) is held:
                    del self._unwritten[node]
            if sync:
                store.sync()
            self._failed = False
        except StoreError as error:  # what is not written is, the next time
            self._fail(error)
        except Exception:  # noqa: BLE001 # a mistake of ours must not end the writing
            _log.exception("what nodes hold cannot be written")

    def _fail(self, error: StoreError) -> None:
        if not self._failed:
            _log.warning(
                "the state folder fails: a restart may not know what nodes hold", why=str(error)
            )
        self._failed = True


def _other(good: Build, kept: Build | None) -> bool:
    """Whether a build differs from what was written last, in what is written."""
    return kept is None or (good.snapshot, good.services, good.provenance) != (
        kept.snapshot,
        kept.services,
        kept.provenance,
    )


def recorder(folder: Path | None) -> Recorder:
    """Open a store in a folder, None for none; go on without where that fails."""
    try:
        return Recorder(Store(folder / "xds") if folder else None)
    except StoreError as error:
        _log.warning(
            "the state folder cannot be used: nothing outlives the process", why=str(error)
        )
        return Recorder()
