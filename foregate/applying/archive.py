"""The history as an applier uses it: off the event loop, and never in the way of a version."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import structlog

from controlplane.build import Build
from controlplane.history.history import History
from controlplane.history.version import Fate, KeptFile, NodeFate, Note, Version
from controlplane.rollout.recorder import Recorder
from controlplane.store.store import StoreError

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Archive(Protocol):
    """What is known of earlier versions. What fails is told in the log, and gives nothing."""

    async def record(self, build: Build, note: Note) -> int | None:
        """Write a version down; give its number, None where none is written."""

    async def settle(self, number: int | None, fate: Fate, nodes: Mapping[str, NodeFate]) -> None:
        """Write down what became of it."""

    async def newest(self) -> Version | None:
        """Give the newest version, also of another replica."""

    async def version(self, number: int) -> Version | None:
        """Give a version."""

    async def versions(self) -> tuple[Version, ...]:
        """Give all, the newest first."""

    async def files(self, number: int) -> tuple[KeptFile, ...]:
        """Give what was served of each file."""

    async def build(self, number: int) -> Build | None:
        """Give it as it was published."""


class Disk:
    """The history of a state folder. Without one, every answer is that there is nothing."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._fails = False

    async def record(self, build: Build, note: Note) -> int | None:
        """Write a version down."""
        return await self._recorder.note(build, note)

    async def settle(self, number: int | None, fate: Fate, nodes: Mapping[str, NodeFate]) -> None:
        """Write down what became of it."""
        if number is not None:
            await self._recorder.settle(number, fate, nodes)

    async def newest(self) -> Version | None:
        """Give the newest version."""
        return await self._read(History.newest, None)

    async def version(self, number: int) -> Version | None:
        """Give a version."""
        return await self._read(lambda history: history.version(number), None)

    async def versions(self) -> tuple[Version, ...]:
        """Give all, the newest first."""
        return await self._read(History.versions, ())

    async def files(self, number: int) -> tuple[KeptFile, ...]:
        """Give what was served of each file."""
        return await self._read(lambda history: history.files(number), ())

    async def build(self, number: int) -> Build | None:
        """Give it as it was published."""
        return await self._read(lambda history: history.build(number), None)

    async def _read(self, read: Callable[[History], T], nothing: T) -> T:
        history = self._recorder.history
        if history is None:
            return nothing
        try:
            return await asyncio.to_thread(read, history)
        except StoreError as error:
            if not self._fails:
                _log.warning("the history cannot be read", why=str(error))
            self._fails = True
            return nothing
