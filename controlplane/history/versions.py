"""The versions of a folder as whoever may only read it sees them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import structlog

from controlplane.build import Build
from controlplane.history import words
from controlplane.history.version import KeptFile, Version
from controlplane.sources import SourceFile
from controlplane.store.builds import Builds
from controlplane.store.catalogue import Catalogue
from controlplane.store.objects import Objects, StoreError, told
from controlplane.store.shelf import Shelf, Shelved

CACHE = 64 << 20
_TOLD = 1000
_log = structlog.get_logger(__name__)

Mark = tuple[int, int, int]


class Versions:
    """What the store in a folder keeps of each version. Nothing is written, no lock is taken.

    So it can be read beside a control plane, from a copy, and where nothing may be written. What is
    torn or foreign is left out with a warning. Raises StoreError when the folder cannot be read.
    All may block; any thread.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shelf = Shelf(folder, made=False)
        self._known: dict[int, tuple[Mark, Version | None]] = {}
        self._told: set[int] = set()

    def versions(self, limit: int | None = None) -> tuple[Version, ...]:
        """Give the newest versions, the newest first; all without a limit."""
        found: list[Version] = []
        for one in self._newest_first():
            if limit is not None and len(found) >= limit:
                break
            found.append(one)
        return tuple(found)

    def newest(self) -> Version | None:
        """Give the newest version; where nothing has changed, that costs a look at the folder."""
        return next(self._newest_first(), None)

    def version(self, number: int) -> Version | None:
        """Give a version; None for one that there is not, or not any more."""
        mark = self._shelf.mark(number)
        if mark is None:
            return None
        known = self._known.get(number)
        if known is None or known[0] != mark:
            with told(self.folder):
                shelved = self._shelf.read(number)
            known = self._known[number] = mark, self._version(number, shelved)
        return known[1]

    def files(self, number: int) -> tuple[KeptFile, ...]:
        """Give the files of a version with their contents; none for one that there is not.

        Raises StoreError where one of them is lost: the others alone would be another gateway.
        """
        version = self.version(number)
        bodies = Objects(self.folder / "objects", made=False)
        with told(self.folder):
            return tuple(_filled(one, bodies) for one in (version.note.files if version else ()))

    def build(self, number: int) -> Build | None:
        """Give a version as it was published, its served files as sources, without its plan.

        None for one that there is not, or where anything of it is lost.
        """
        version = self.version(number)
        if version is None:
            return None
        with told(self.folder):
            catalogue = Catalogue(self.folder, cache=CACHE, made=False)
            found = Builds(self.folder, catalogue, made=False).read(version.build)
        try:
            kept = self.files(number)
        except StoreError as error:
            _log.warning("a version is left out: a file of it is lost", why=str(error))
            return None
        return None if found is None else replace(found, sources=tuple(sources(kept)))

    def _newest_first(self) -> Iterator[Version]:
        with told(self.folder):
            numbers = self._shelf.numbers()
        for gone in self._known.keys() - set(numbers):
            self._known.pop(gone, None)
        for number in numbers:
            found = self.version(number)
            if found is not None:
                yield found

    def _version(self, number: int, shelved: Shelved | None) -> Version | None:
        """Read a version off a file; one that keeps no build any more is no version."""
        found = None if shelved is None else words.version(number, shelved.lines)
        if found is not None and shelved is not None:
            if shelved.keeps.build == found.build:
                return found
            if not shelved.keeps.build:
                return None
        if number not in self._told and len(self._told) < _TOLD:
            self._told.add(number)
            path = str(self._shelf.path(number))
            _log.warning("a version is left out: its file is torn or not ours", path=path)
        return None


def sources(files: Iterable[KeptFile]) -> Iterator[SourceFile]:
    """Give the contents of a version: what was served, and what was held."""
    for one in files:
        if one.digest:
            held = one.state == "not served"
            yield SourceFile(name=one.name, data=one.data, held=held)


def _filled(one: KeptFile, bodies: Objects) -> KeptFile:
    if not one.digest:
        return one
    data = bodies.read(one.digest)
    if data is None:
        raise StoreError(bodies.folder / one.digest, f"the content of {one.home} is lost")
    return replace(one, data=data)
