"""What is named: from builds to sets to bodies, each read once."""

from controlplane.store.manifests import Manifest, set_bodies
from controlplane.store.objects import Objects
from controlplane.store.shapes import MalformedError


class UnreadableError(Exception):
    """The disk does not give a file that is there: nobody can tell what it names."""


class Reach:
    """All that was named so far, and in `size` the bytes of it on the disk.

    What a file that is missing or torn for good would name is lost. Raises UnreadableError.
    """

    def __init__(self, builds: Objects, sets: Objects, bodies: Objects) -> None:
        self.builds: set[str] = set()
        self.sets: set[str] = set()
        self.bodies: set[str] = set()
        self.size = 0
        self._of_builds = builds
        self._of_sets = sets
        self._of_bodies = bodies

    def add_build(self, name: str) -> None:
        """Go on by a build, without its sets: to read them off it takes long."""
        if name not in self.builds:
            self.builds.add(name)
            self.size += self._of_builds.size(name)

    def add_set(self, name: str) -> None:
        """Go on by a set."""
        if name in self.sets:
            return
        self.sets.add(name)
        self.size += self._of_sets.size(name)
        data = _read(self._of_sets, name)
        try:
            for body in () if data is None else set_bodies(data):
                self.add_body(body)
        except MalformedError:
            return

    def add_body(self, name: str) -> None:
        """Go on by a body, which names nothing."""
        if name not in self.bodies:
            self.bodies.add(name)
            self.size += self._of_bodies.size(name)


def named(manifest: Manifest | None) -> tuple[str, ...]:
    """Give the sets of a build."""
    if manifest is None:
        return ()
    own = () if manifest.snapshot is None else manifest.snapshot.sets
    return (*own, *(name for one in manifest.services.values() for name in one.sets))


def _read(objects: Objects, name: str) -> bytes | None:
    data = objects.read(name)
    if data is None and not objects.lost(name):
        raise UnreadableError(name)
    return data
