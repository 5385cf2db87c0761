"""The removal of what nobody names any more: no published build, no node and nothing shelved."""

from collections.abc import Iterable
from pathlib import Path

from controlplane.store import objects
from controlplane.store.bounds import Bounds
from controlplane.store.builds import Builds
from controlplane.store.catalogue import Catalogue
from controlplane.store.pointers import Pointers
from controlplane.store.reach import Reach, named
from controlplane.store.shelf import Shelf

_SHARE = 4
"""What the shelf names is looked through once a quarter as many sets are new: a bounded share of
all writing goes into that."""


class Sweep:
    """Finds what is named, and removes the rest of a folder while nobody else writes to it."""

    def __init__(
        self,
        folder: Path,
        *,
        builds: Builds,
        catalogue: Catalogue,
        pointers: Pointers,
        shelf: Shelf,
    ) -> None:
        self._folder = folder
        self._builds = builds
        self._catalogue = catalogue
        self._pointers = pointers
        self._shelf = shelf
        self._shelved = 0

    def due(self, journal: int, bounds: Bounds) -> bool:
        """Whether there is enough to remove, with so many bytes of a journal."""
        enough = max(bounds.sets, self._shelved // _SHARE)
        return journal > bounds.journal or self._catalogue.new > enough

    def nothing(self) -> Reach:
        """Give what to begin with: nothing is found yet."""
        return Reach(self._builds.files, self._catalogue.sets, self._catalogue.bodies)

    def shelved(self, found: Reach, before: frozenset[int]) -> frozenset[int]:
        """Add what the shelf names, beside that of numbers that were looked at before.

        Needs no lock. Raises UnreadableError.
        """
        numbers = frozenset(self._shelf.numbers())
        for number in numbers - before:
            one = self._shelf.read(number)
            if one is not None:
                one.keeps.reach(found)
        return numbers

    def published(self, found: Reach) -> None:
        """Add what published builds name, under the lock. Raises UnreadableError."""
        for name in self._pointers.builds():
            found.add_build(name)
            for one in named(self._builds.manifest(name)):
                found.add_set(one)

    def rest(self, held: Iterable[str], beside: Reach) -> None:
        """Remove all but what published builds name, nodes hold, and was found beside.

        The lock is held alone.
        """
        self._shelved = len(beside.sets)
        builds = self._pointers.builds()
        read = [one for name in builds if (one := self._builds.manifest(name)) is not None]
        for folder in (self._folder, self._shelf.folder):
            objects.sweep_new(folder)
        if len(read) == len(builds):  # else what they name is not known
            self._builds.files.sweep(builds | beside.builds)
            self._catalogue.sweep(frozenset(held).union(*map(named, read)), beside)
