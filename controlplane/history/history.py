"""The history of a store.

history = History(store)
version = history.record(build, note)     # on the disk once it returns
history.settle(version.number, "live", {"envoy-1": NodeFate(state="live", at=now)})
history.versions(20)                      # the newest first
history.build(7)                          # as it was published, from the disk alone
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

import structlog

from controlplane.build import Build
from controlplane.history import owed, words
from controlplane.history.retention import Retention, leaving
from controlplane.history.version import Fate, KeptFile, NodeFate, Note, Version
from controlplane.history.versions import CACHE, Versions
from controlplane.snapshot import ROUTES, Resource
from controlplane.store.catalogue import Catalogue
from controlplane.store.manifests import digest
from controlplane.store.objects import StoreError, told
from controlplane.store.reach import UnreadableError
from controlplane.store.recent import Recent
from controlplane.store.shelf import Keeps, Shelf, Shelved
from controlplane.store.store import Store
from protos import PIPELINE

_LONGEST = 256 << 10
"""Bytes by which the file of one version grows; then only the last word on each node is kept."""

_SHORTENED = 16
"""Versions of which is known how long they were then: few have news."""

_log = structlog.get_logger(__name__)


class History(Versions):
    """The versions of a store, by number, over all processes that share its folder.

    All may block; any thread. Raises StoreError when the folder cannot be read or written.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        retention: Retention | None = None,
    ) -> None:
        super().__init__(store.folder)
        self._store = store
        self._clock = clock
        self._retention = retention or Retention()
        self._count = threading.Lock()
        self._lengths = Recent[int, int](_SHORTENED)
        self._unchecked = self._retention.every  # nobody knows what earlier processes left

    def record(self, build: Build, note: Note) -> Version:
        """Keep a version; it is on the disk once this returns, with its number.

        Where the newest one is the same (replicas have the same files, a restart has those of
        before), that one is given. `seen`, the lines and who saved do not make another one.
        """
        files = tuple(_digested(one) for one in note.files)
        served = [one.data for one in files if one.digest]
        blank = tuple(replace(one, data=b"") for one in files)
        content = "" if build.snapshot is None else build.snapshot.version

        def name(keeps: Keeps, answers: tuple[str, ...]) -> Version:
            last = self.newest()
            if last is not None and self._same(last, keeps, blank, note):
                return last
            version = Version(
                number=self._store.shelf.highest() + 1,
                at=self._clock(),
                content=content,
                build=keeps.build,
                note=replace(note, files=blank),
            )
            self._store.shelf.put(version.number, keeps, [words.recorded(version, answers)])
            return version

        version = self._store.shelve(build, served, owed.ANSWERS, name)
        self._retain()
        return version

    def settle(self, number: int, fate: Fate, nodes: Mapping[str, NodeFate]) -> None:
        """Note what became of a version, and what nodes had of it; those of others stay noted.

        It outlives this process once this returns. A version that has left is passed over.
        """
        with self._store.locked() as shelf:
            known = self.version(number)
            news = None if known is None else words.news(known, fate, nodes)
            if news is None:
                return
            size = shelf.append(number, words.settled(*news))
        if size > _LONGEST + (self._lengths.get(number) or 0):
            with self._store.locked(alone=True) as shelf:
                self._shorten(shelf, number)
                mark = shelf.mark(number)
            self._lengths.put(number, mark[1] if mark is not None else size)

    def policies(self, now: float) -> Mapping[str, Resource]:
        """Give the pipelines that must still be answered, by hash, the oldest first.

        Those of the versions that were replaced in the last 7 days or never, of route tables that
        some remembered node may hold, and of what was published last.
        """
        found, catalogue = self._owed(now)
        out: dict[str, Resource] = {}
        for one in owed.pipelines(reversed(found), catalogue):
            out[one.name] = one
        last = self._store.published()
        for services in last.services.values() if last else ():
            out |= services.of(PIPELINE)
        return MappingProxyType(out)

    def limits(self, now: float) -> tuple[Resource, ...]:
        """Give the sets of limits that Envoys may still count by, the oldest first.

        None that was refused: whoever refused it once may do so again.
        """
        found, catalogue = self._owed(now)
        taken = [one for one in reversed(found) if one.version.fate != "rejected"]
        return tuple(dict.fromkeys(owed.limits(taken, catalogue)))

    def _owed(self, now: float) -> tuple[tuple[owed.Aged, ...], Catalogue]:
        held = self._store.held_entries(ROUTES)
        with told(self.folder):
            catalogue = Catalogue(self.folder, cache=CACHE, made=False)
            found = owed.owed(owed.aged(self._store.shelf), held, now, catalogue)
        return found, catalogue

    def _same(self, last: Version, keeps: Keeps, files: tuple[KeptFile, ...], note: Note) -> bool:
        """Whether a build and its files are those of a version, wherever the files lie."""
        if {last.note.kind, note.kind} != {"files"}:
            return False
        if [_told(f) for f in last.note.files] != [_told(f) for f in files]:
            return False
        if last.build == keeps.build:
            return True
        one, other = self._store.manifest(last.build), self._store.manifest(keeps.build)
        return (
            one is not None
            and other is not None
            and replace(one, provenance={}) == replace(other, provenance={})
        )

    def _shorten(self, shelf: Shelf, number: int) -> None:
        shelved = shelf.read(number)
        version = None if shelved is None else words.version(number, shelved.lines)
        if shelved is not None and version is not None:
            first = words.recorded(version, words.answers(number, shelved.lines))
            lines = first, words.settled(version.fate, version.nodes)
            shelf.replace(number, Shelved(keeps=shelved.keeps, lines=lines))

    def _retain(self) -> None:
        """Have old versions leave, once in a while. What fails is tried again the next time."""
        with self._count:
            self._unchecked += 1
            if self._unchecked <= self._retention.every:
                return
            self._unchecked = 0
        with suppress(StoreError, UnreadableError):
            if self._leave(self._clock()):
                self._store.tidy()

    def _leave(self, now: float) -> bool:
        """Take versions off the shelf; of those that are still to be answered for, all but that."""
        kept, _ = self._owed(now)
        owing = {one.version.number for one in kept}
        gone = leaving(self.versions(), now, self._retention, self._sizes())
        with self._store.locked(alone=True) as shelf:
            for one in owed.aged(shelf):
                number = one.version.number
                reduced = not one.keeps.build
                if number in gone and number in owing:
                    shelf.reduce(number, Keeps(sets=one.answers))
                elif number in gone or (reduced and number not in owing):
                    shelf.remove(number)
                    gone |= {number}
            self._clear(shelf)
        if gone:
            _log.info("old versions have left the history", count=len(gone))
        return bool(gone)

    def _clear(self, shelf: Shelf) -> None:
        """Remove what is torn and older than everything that is not."""
        oldest = min((one.version.number for one in owed.aged(shelf)), default=0)
        for number in shelf.numbers():
            if number < oldest:
                shelf.remove(number)

    def _sizes(self) -> Callable[[Version], int]:
        """Say how much versions take on the disk; looked at each only where all take too much."""
        if self._store.size() <= self._retention.bytes:
            return lambda _: 0
        reach, shelf = self._store.reach(), self._store.shelf
        own = 0

        def size(version: Version) -> int:
            nonlocal own
            own += shelf.size(version.number)
            shelved = shelf.read(version.number)
            if shelved is not None:
                shelved.keeps.reach(reach)
            return reach.size + own

        return size


def _digested(one: KeptFile) -> KeptFile:
    there = one.state != "not served" or one.data  # what waits with 503s is not served, and there
    return replace(one, digest=digest(one.data) if there else "")


def _told(one: KeptFile) -> tuple[str, str, str]:
    return one.home, one.state, one.digest
