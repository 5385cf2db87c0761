"""The store of a folder.

store = Store(folder)
store.publish(build)              # on the disk once it returns
store.hold("node-1", {CLUSTER: (snapshot.of(CLUSTER),)})
store.sync()                      # once a second: what was held is on the disk as well
build = store.published()         # after a restart
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

from controlplane.build import Build
from controlplane.snapshot import Resource
from controlplane.store import objects
from controlplane.store.bounds import Bounds
from controlplane.store.builds import Builds
from controlplane.store.catalogue import Catalogue
from controlplane.store.holdings import Holdings
from controlplane.store.journal import Journal
from controlplane.store.lines import Held, Line, decode, defined, encode, split
from controlplane.store.manifests import Manifest, digest
from controlplane.store.objects import StoreError, told
from controlplane.store.pointers import Pointers
from controlplane.store.reach import Reach, UnreadableError, named
from controlplane.store.recent import Recent
from controlplane.store.shelf import Keeps, Shelf
from controlplane.store.sweep import Sweep

__all__ = ["Layers", "Store", "StoreError"]

Layers: TypeAlias = Mapping[str, tuple[Mapping[str, Resource], ...]]
"""By type, mappings of name to resource. A mapping is known by its identity: it never changes."""

T = TypeVar("T")

_FRESH = 3600.0
"""Seconds after which a node is noted again though it holds the same."""

_GIVEN = 8
"""How many answers of `holding` are shared by the nodes that hold the same."""


class Store:
    """What was published and what nodes hold. All may block; every method is for any thread.

    Raises StoreError when the folder cannot be used or written. What is torn, missing or foreign in
    it is left out with a warning. Several processes may share a folder of a local file system:
    the last to publish wins, and each sees what others held. A network file system whose locks
    do not reach all hosts is not safe: one host may remove what another is about to name.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        bounds: Bounds | None = None,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._lock = threading.Lock()
        self._given = Recent[tuple[str, ...], Mapping[str, tuple[Resource, ...]]](_GIVEN)
        self._generation = 0
        self._unsynced = False
        with told(folder):
            objects.private(folder)
            self._catalogue = Catalogue(folder, cache=self._bounds.cache)
            self._builds = Builds(folder, self._catalogue)
            self._pointers = Pointers(folder, self._builds.files)
            self.shelf = Shelf(folder)
            self._journal = Journal(folder)
        self._sweep = Sweep(
            folder,
            builds=self._builds,
            catalogue=self._catalogue,
            pointers=self._pointers,
            shelf=self.shelf,
        )
        with self._section():
            pass

    def close(self) -> None:
        """Have everything on the disk, and give the files back."""
        self.sync()
        self._journal.close()

    def publish(self, build: Build) -> None:
        """Make a build the last published one. It is on the disk once this returns."""
        self._bring(build, (), lambda name, _: self._pointers.point(name), alone=False)
        self._tidy()

    def shelve(
        self,
        build: Build,
        files: Iterable[bytes],
        types: AbstractSet[str],
        name: Callable[[Keeps, tuple[str, ...]], T],
    ) -> T:
        """Have a build and files on the disk, and then somebody `name` them on the shelf.

        It is told what to keep, and which of the sets are of some types; meanwhile nobody else
        writes anything.
        """
        bodies = tuple(files)

        def named_alone(build_name: str, manifest: Manifest) -> T:
            sets = tuple(dict.fromkeys(named(manifest)))
            each = tuple(dict.fromkeys(map(digest, bodies)))
            some = [
                n for n in sets if any(e.type_url in types for e in self._catalogue.set(n) or ())
            ]
            return name(Keeps(build=build_name, sets=sets, bodies=each), tuple(some))

        made = self._bring(build, bodies, named_alone, alone=True)
        with suppress(StoreError):  # it is there; what is not removed now is the next time
            self._tidy()
        return made

    def manifest(self, name: str) -> Manifest | None:
        """What is stored of a build."""
        with told(self.folder):
            return self._builds.manifest(name)

    @contextmanager
    def locked(self, *, alone: bool = False) -> Iterator[Shelf]:
        """Use the shelf while nobody removes anything, or else `alone`."""
        with self._section(alone=alone):
            yield self.shelf

    def _bring(
        self,
        build: Build,
        files: tuple[bytes, ...],
        name: Callable[[str, Manifest], T],
        *,
        alone: bool,
    ) -> T:
        """Have all of a build on the disk, and then name it: nothing of it was removed before."""
        bodies = {digest(data): data for data in files}
        while True:
            with self._section():
                generation = self._generation
                build_name, manifest = self._builds.write(build)
                for body, data in bodies.items():
                    self._catalogue.bodies.put(body, data)
            with told(self.folder):  # the long part, beside whoever holds and finds
                self._catalogue.sync(named(manifest))
                self._catalogue.bodies.sync(bodies)
                self._builds.files.sync([build_name])
            with self._section(alone=alone):
                if generation == self._generation:  # else some of it may have been removed
                    return name(build_name, manifest)

    def published(self) -> Build | None:
        """The last published build that can be read, without its plan, sources and mistakes.

        Secrets are left out of it: their bodies are not stored.
        """
        with self._section():
            for pointer, name in self._pointers.named():
                build = None if name is None else self._builds.read(name)
                if build is not None:
                    return build
                if pointer.exists():
                    self._catalogue.warn(pointer)
        return None

    def held_entries(self, type_url: str) -> frozenset[tuple[str, str]]:
        """Name and version of all resources of a type that some remembered node may hold."""
        with self._section():
            names = self._holdings.held(self._clock())
            entries = [e for name in names for e in self._catalogue.set(name) or ()]
        return frozenset((e.name, e.version) for e in entries if e.type_url == type_url)

    def reach(self) -> Reach:
        """Give what published builds and nodes name, whatever is on the shelf."""
        found = self._sweep.nothing()
        with self._section():
            self._sweep.published(found)
            for name in self._holdings.named():
                found.add_set(name)
        return found

    def size(self) -> int:
        """Bytes that everything takes on the disk, about."""
        with told(self.folder):
            every = (self._builds.files, self._catalogue.sets, self._catalogue.bodies)
            return sum(one.total() for one in every) + self.shelf.total()

    def find(self, type_url: str, name: str, version: str) -> Resource | None:
        """A resource of any version that is still stored; no secret."""
        with told(self.folder):
            return self._catalogue.find(type_url, name, version)

    def hold(self, node: str, held: Layers) -> None:
        """Note what a node may hold from now on, in place of what was noted before.

        It outlives this process once this returns, and the machine after `sync`.
        """
        with self._section():
            one = defined(self._catalogue.written(held))
            now = self._clock()
            last = self._holdings.last(node, now)
            if last is None or last.id != one.id or last.at < now - _FRESH:
                line = Held(now, node, one.id)
                lines: tuple[Line, ...] = (line,) if self._holdings.knows(one.id) else (one, line)
                self._unsynced = True
                self._journal.append(b"".join(map(encode, lines)))
                for each in lines:
                    self._holdings.take(each, self._readable)
        self._tidy()

    def holding(self, node: str) -> Mapping[str, tuple[Resource, ...]]:
        """By type, all that a node may hold, each version once; empty where nothing is known."""
        with self._section():
            sets = self._holdings.sets(node, self._clock())
            given = self._given.get(sets)
            if given is None:
                given = self._catalogue.resources(sets)
                self._given.put(sets, given)
            return given

    def sync(self) -> None:
        """Have on the disk what was held so far: a power cut takes only what comes after."""
        with self._lock:
            if not self._unsynced:
                return
            named = self._holdings.named()
        with told(self.folder):
            self._catalogue.sync(named)
            with self._lock:
                self._journal.sync()
                self._unsynced = not self._holdings.named() <= named

    @contextmanager
    def _section(self, *, alone: bool = False) -> Iterator[None]:
        """Be up to date; nobody removes anything meanwhile."""
        with self._lock, told(self.folder), self._journal.locked(alone=alone):
            self._catch_up()
            yield

    def _catch_up(self) -> None:
        """Read what others wrote; where the journal is another one, everything."""
        news = self._journal.news()
        if self._generation != self._journal.generation:
            self._generation = self._journal.generation
            self._catalogue.load()
            self._builds.files.forget()
            self._given.clear()
            self._holdings = Holdings(nodes=self._bounds.nodes, seconds=self._bounds.seconds)
        for data in split(news):
            line = decode(data)
            if line is None:
                self._catalogue.warn(self.folder / "journal")
            else:
                self._holdings.take(line, self._readable)

    def _tidy(self) -> None:
        """Remove what nobody names, once there is enough of it."""
        if self._sweep.due(self._journal.size, self._bounds):
            self.tidy()

    def tidy(self) -> None:
        """Remove what neither a published build, nor a node, nor the shelf names."""
        try:
            beside = self._sweep.nothing()
            with told(self.folder):  # the long part, beside everybody
                numbers = self._sweep.shelved(beside, frozenset())
            with self._section(alone=True):
                self._holdings.forget(self._clock())
                self._journal.replace(b"".join(map(encode, self._holdings.lines())))
                self._generation = self._journal.generation
                self._catalogue.new = 0
                self._sweep.shelved(beside, numbers)
                self._sweep.rest(self._holdings.named(), beside)
        except UnreadableError as error:  # it could be for a while only
            self._catalogue.warn(self.folder / str(error))

    def _readable(self, name: str) -> bool:
        return self._catalogue.set(name) is not None
