"""The store of a folder.

store = Store(folder)
store.publish(build)              # on the disk once it returns
store.hold("node-1", {CLUSTER: (snapshot.of(CLUSTER),)})
store.sync()                      # once a second: what was held is on the disk as well
build = store.published()         # after a restart
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from controlplane.build import Build
from controlplane.snapshot import Resource, Snapshot
from controlplane.store import objects
from controlplane.store.catalogue import Catalogue
from controlplane.store.holdings import Holdings
from controlplane.store.journal import Journal
from controlplane.store.lines import Held, Line, decode, defined, encode, split
from controlplane.store.manifests import (
    Listed,
    MalformedError,
    Manifest,
    decode_build,
    digest,
    encode_build,
    is_digest,
)
from controlplane.store.objects import Objects, StoreError, told
from controlplane.store.recent import Recent

__all__ = ["Bounds", "Layers", "Store", "StoreError"]

Layers: TypeAlias = Mapping[str, tuple[Mapping[str, Resource], ...]]
"""By type, mappings of name to resource. A mapping is known by its identity: it never changes."""

_FRESH = 3600.0
"""Seconds after which a node is noted again though it holds the same."""

_GIVEN = 8
"""How many answers of `holding` are shared by the nodes that hold the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is kept.

    `nodes` are remembered for `seconds`. Beyond `journal` bytes of lines, or so many new `sets`,
    what nobody needs is removed. `cache` is the bytes of bodies in memory, twice.
    """

    nodes: int = 10_000
    seconds: float = 7 * 24 * 3600.0
    journal: int = 4 << 20
    sets: int = 64
    cache: int = 64 << 20


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
        self._folder = folder
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._lock = threading.Lock()
        self._given = Recent[tuple[str, ...], Mapping[str, tuple[Resource, ...]]](_GIVEN)
        self._generation = 0
        self._unsynced = False
        self._pointers = folder / "published", folder / "published.before"
        with told(folder):
            objects.private(folder)
            self._catalogue = Catalogue(folder, cache=self._bounds.cache)
            self._builds = Objects(folder / "builds")
            self._journal = Journal(folder)
        with self._section():
            pass

    def close(self) -> None:
        """Have everything on the disk, and give the files back."""
        self.sync()
        self._journal.close()

    def publish(self, build: Build) -> None:
        """Make a build the last published one. It is on the disk once this returns."""
        while True:
            with self._section():
                generation = self._generation
                manifest = self._manifest(build)
                data = encode_build(manifest)
                name = digest(data)
                self._builds.put(name, data)
            with told(self._folder):  # the long part, beside whoever holds and finds
                self._catalogue.sync(_sets(manifest))
                self._builds.sync([name])
            with self._section():
                if generation == self._generation:  # else some of it may have been removed
                    self._point(name)
                    break
        self._tidy()

    def published(self) -> Build | None:
        """The last published build that can be read, without its plan, sources and mistakes.

        Secrets are left out of it: their bodies are not stored.
        """
        with self._section():
            for pointer in self._pointers:
                name = self._pointed(pointer)
                build = None if name is None else self._build(name)
                if build is not None:
                    return build
                if pointer.exists():
                    self._catalogue.warn(pointer)
        return None

    def find(self, type_url: str, name: str, version: str) -> Resource | None:
        """A resource of any version that is still stored; no secret."""
        with told(self._folder):
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
        with told(self._folder):
            self._catalogue.sync(named)
            with self._lock:
                self._journal.sync()
                self._unsynced = not self._holdings.named() <= named

    @contextmanager
    def _section(self, *, alone: bool = False) -> Iterator[None]:
        """Be up to date; nobody removes anything meanwhile."""
        with self._lock, told(self._folder), self._journal.locked(alone=alone):
            self._catch_up()
            yield

    def _catch_up(self) -> None:
        """Read what others wrote; where the journal is another one, everything."""
        news = self._journal.news()
        if self._generation != self._journal.generation:
            self._generation = self._journal.generation
            self._catalogue.load()
            self._builds.forget()
            self._given.clear()
            self._holdings = Holdings(nodes=self._bounds.nodes, seconds=self._bounds.seconds)
        for data in split(news):
            line = decode(data)
            if line is None:
                self._catalogue.warn(self._folder / "journal")
            else:
                self._holdings.take(line, self._readable)

    def _tidy(self) -> None:
        """Remove what neither a published build nor a node names, once there is enough of it."""
        if self._journal.size <= self._bounds.journal and self._catalogue.new <= self._bounds.sets:
            return
        with self._section(alone=True):
            self._holdings.forget(self._clock())
            self._journal.replace(b"".join(map(encode, self._holdings.lines())))
            self._generation = self._journal.generation
            builds = {name for p in self._pointers if (name := self._pointed(p)) is not None}
            read = [one for name in builds if (one := self._read_build(name)) is not None]
            objects.sweep_new(self._folder)
            if len(read) == len(builds):  # else what they name is not known
                self._builds.sweep(builds)
                self._catalogue.sweep(self._holdings.named().union(*map(_sets, read)))

    def _readable(self, name: str) -> bool:
        return self._catalogue.set(name) is not None

    def _manifest(self, build: Build) -> Manifest:
        return Manifest(
            snapshot=None if build.snapshot is None else self._listed(build.snapshot),
            services={role: self._listed(one) for role, one in build.services.items()},
            calls=build.calls,
            key_sources=build.key_sources,
            keys_use_for_ms=build.keys_use_for_ms,
            provenance=build.provenance,
        )

    def _listed(self, one: Snapshot) -> Listed:
        sets = self._catalogue.written({t: (group,) for t, group in one.resources.items()})
        return Listed(version=one.version, sets=sets)

    def _pointed(self, pointer: Path) -> str | None:
        """The build that a pointer names, if there is such a one."""
        data = objects.read(pointer) or b""
        name = data.decode("ascii", "replace").removesuffix("\n")
        return name if is_digest(name) and (self._builds.folder / name).exists() else None

    def _point(self, name: str) -> None:
        """Go from one build to the next, in one step; the one before stays for bad days."""
        last = self._pointed(self._pointers[0])
        if last not in {None, name}:
            objects.write(self._pointers[1], f"{last}\n".encode(), durable=True)
        if last != name:
            objects.write(self._pointers[0], f"{name}\n".encode(), durable=True)
        objects.sync_folder(self._folder)

    def _read_build(self, name: str) -> Manifest | None:
        data = self._builds.read(name)
        try:
            return None if data is None else decode_build(data)
        except MalformedError:
            return None

    def _build(self, name: str) -> Build | None:
        manifest = self._read_build(name)
        if manifest is None:
            self._catalogue.warn(self._builds.folder / name)
            return None
        own = None if manifest.snapshot is None else self._catalogue.snapshot(manifest.snapshot)
        services = {role: self._catalogue.snapshot(one) for role, one in manifest.services.items()}
        there = {role: one for role, one in services.items() if one is not None}
        if (own is None) != (manifest.snapshot is None) or len(there) != len(services):
            return None
        return Build(
            sources=(),
            mistakes=(),
            plan=None,
            snapshot=own,
            provenance=manifest.provenance,
            services=there,
            calls=manifest.calls,
            key_sources=manifest.key_sources,
            keys_use_for_ms=manifest.keys_use_for_ms,
        )


def _sets(manifest: Manifest) -> tuple[str, ...]:
    own = () if manifest.snapshot is None else manifest.snapshot.sets
    return (*own, *(name for one in manifest.services.values() for name in one.sets))
