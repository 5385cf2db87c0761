"""The keys of every source that the policy names, kept up in the background.

    async with Keyring(state, files, trust_store, offer) as keyring:
        keyring.want(sources, 3_600_000)
        await keyring.first(within=2.5)
        keyring.resources()

One task a source waits until its `schedule` says so, fetches, and keeps what is sound. An answer
that is not never replaces keys that are there.
"""

import asyncio
import math
import random
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from controlplane.keyring.disk import Keys, load, save
from controlplane.keyring.fetch import Failed, Fetched, Mark, Places, Same, fetch
from controlplane.keyring.jwks import NONE
from controlplane.keyring.schedule import Pace, Schedule, interval
from controlplane.keyring.urls import host
from controlplane.snapshot import Resource, resource
from policies.auth.sources import KeySource, Origin
from protos import KEYS
from protos.auth_pb2 import KeySet

_REMOTE = frozenset({Origin.URL, Origin.DISCOVERY})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The pace, and where time and chance come from.

    `now` is in seconds that never go back, `wall` since the epoch; `jitter` is from -1 to 1.
    """

    pace: Pace = field(default_factory=Pace)
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    jitter: Callable[[], float] = lambda: random.SystemRandom().uniform(-1, 1)


USUAL = Timing()


class Keyring:
    """All key sources.

    `folder` is where the last good keys are kept between runs (None: nowhere), `root` the folder
    that key files are seen from, `trust_store` a file of certificate authorities (empty: the
    system's). `on_change` is called on the event loop when `resources` are others than before.
    Raises OSError when there is no such trust store.
    """

    def __init__(
        self,
        folder: Path | None,
        root: Path,
        trust_store: str,
        on_change: Callable[[], None],
        *,
        timing: Timing = USUAL,
    ) -> None:
        self._folder = folder / "keys" if folder else None
        trust = ssl.create_default_context(cafile=trust_store or None)
        self._places = Places(trust=trust, root=root)
        self._on_change = on_change
        self._timing = timing
        self._use_for_ms = 0
        self._watched: dict[str, _Watched] = {}
        self._told: tuple[Resource, ...] = ()
        self._telling = False
        self._closed = False
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Start; there are no sources yet."""
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all fetches."""
        self._closed = True
        for mine in self._watched.values():
            mine.drop()
        if isinstance(error, asyncio.CancelledError):  # perhaps the group's own
            await self._tasks.__aexit__(kind, error, trace)
        else:  # the body's own error goes on as it is, in no group
            await self._tasks.__aexit__(None, None, None)

    def want(self, sources: tuple[KeySource, ...], use_for_ms: int) -> None:
        """Follow these sources and no others; new ones start with their last good from disk.

        `use_for_ms`: how long remote keys may be used after they were fetched, 0 for ever.
        """
        wanted = {source.id: source for source in sources}
        for name in self._watched.keys() - wanted.keys():
            self._watched.pop(name).drop()
        for name, source in wanted.items():
            if name not in self._watched:
                mine = _Watched(source=source, keys=self._saved(source))
                self._watched[name] = mine
                mine.task = self._tasks.create_task(self._follow(mine))
        self._use_for_ms = use_for_ms
        self._changed()

    def wanted(self, source_id: str) -> None:
        """Take in that a token names a key that this source is not known to have."""
        mine = self._watched.get(source_id)
        if mine is None or mine.source.origin is Origin.INLINE:
            return
        mine.schedule = mine.schedule.wanted(self._timing.now())
        mine.moved.set()

    def resources(self) -> tuple[Resource, ...]:
        """One KeySet for each source, by their ids; an empty one where there are no keys."""
        return tuple(self._resource(self._watched[name]) for name in sorted(self._watched))

    def keyless(self) -> tuple[str, ...]:
        """The ids of sources that have no key: their tokens cannot be taken."""
        return tuple(n for n, one in sorted(self._watched.items()) if one.keys.jwks in (b"", NONE))

    async def first(self, within: float) -> None:
        """Wait until every source was tried once, at most `within` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                for mine in tuple(self._watched.values()):
                    await mine.tried.wait()

    def _resource(self, mine: "_Watched") -> Resource:
        aging = mine.source.origin in _REMOTE or (mine.source.origin is Origin.FILE and mine.lost)
        keys = KeySet(
            source=mine.source.id,
            jwks=mine.keys.jwks,
            fetched_at_ms=mine.keys.fetched_at_ms,
            use_for_ms=self._use_for_ms if aging else 0,
        )
        return resource(KEYS, mine.source.id, keys)

    async def _follow(self, mine: "_Watched") -> None:
        """Fetch whenever it is due, for as long as the source is wanted."""
        while True:
            await self._due(mine)
            mine.schedule = mine.schedule.began()
            result = await fetch(mine.source, self._places, mine.mark)
            before = mine.keys
            self._take(mine, result)
            mine.tried.set()
            self._changed()
            if mine.keys != before:
                await self._save(mine)

    async def _due(self, mine: "_Watched") -> None:
        while True:
            wait = mine.schedule.wait(self._timing.now())
            if wait <= 0:
                return
            mine.moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wait == math.inf else wait):
                    await mine.moved.wait()

    def _take(self, mine: "_Watched", result: Fetched | Same | Failed) -> None:
        pace, now, jitter = (
            _pace(mine, self._timing.pace),
            self._timing.now(),
            self._timing.jitter(),
        )
        if isinstance(result, Failed):
            mine.schedule = mine.schedule.failed(now, pace, jitter)
            if mine.source.origin is Origin.FILE and mine.keys.jwks and not mine.lost:
                # it was good as long as anybody looked: from here on it ages
                wall = int(self._timing.wall() * 1000)
                mine.keys = replace(mine.keys, fetched_at_ms=wall)
            _tell_lost(mine, result.reason)
            return
        age = result.max_age if isinstance(result, Fetched) else None
        mine.schedule = mine.schedule.succeeded(now, interval(age, pace), pace, jitter)
        _tell_back(mine)
        if isinstance(result, Fetched):
            mine.mark = result.mark
            same = result.jwks == mine.keys.jwks
            if not same:
                _log.info("keys changed", **_named(mine))
            if result.jwks == NONE:
                _log.warning("no key that can be used", **_named(mine))
            if not same or mine.source.origin in _REMOTE:
                wall = int(self._timing.wall() * 1000)
                mine.keys = Keys(jwks=result.jwks, fetched_at_ms=wall)

    def _changed(self) -> None:
        """Have `on_change` called where something is new; once for what changes together."""
        now = self.resources()
        if now == self._told:
            return
        self._told = now
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        if not self._closed:
            self._on_change()

    def _saved(self, source: KeySource) -> Keys:
        if self._folder is None or source.origin is Origin.INLINE:
            return Keys()
        return load(self._folder, source.id, int(self._timing.wall() * 1000))

    async def _save(self, mine: "_Watched") -> None:
        if self._folder is None or mine.source.origin is Origin.INLINE:
            return
        try:
            await asyncio.to_thread(save, self._folder, mine.source.id, mine.keys)
        except OSError as error:  # they are good all the same; a restart starts without them
            _log.warning("keys not saved", why=type(error).__name__, **_named(mine))


@dataclass(slots=True, kw_only=True, eq=False)
class _Watched:
    """What changes while a source is followed. `lost`: the last attempt failed."""

    source: KeySource
    keys: Keys
    schedule: Schedule = field(default_factory=Schedule)
    mark: Mark | None = None
    lost: bool = False
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def drop(self) -> None:
        """Stop; nobody waits for it any more."""
        self.tried.set()
        if self.task is not None:
            self.task.cancel()


def _pace(mine: _Watched, pace: Pace) -> Pace:
    """Return how often this source is looked at: files often, what is written inline once."""
    match mine.source.origin:
        case Origin.INLINE:
            return replace(pace, refresh=math.inf, retry=math.inf, retry_most=math.inf)
        case Origin.FILE:
            return replace(pace, refresh=pace.file, retry_most=pace.file)
        case Origin.URL | Origin.DISCOVERY:
            return pace


def _tell_lost(mine: _Watched, reason: str) -> None:
    if not mine.lost:
        _log.warning("keys lost", why=reason, held=bool(mine.keys.jwks), **_named(mine))
    mine.lost = True


def _tell_back(mine: _Watched) -> None:
    if mine.lost:
        _log.info("keys back", **_named(mine))
    mine.lost = False


def _named(mine: _Watched) -> dict[str, str]:
    """Say which source it is, and no more of its address than the host."""
    origin = mine.source.origin
    of = host(mine.source.at) if origin in _REMOTE else ""
    return {"source": mine.source.id, "origin": origin.value, "host": of}
