"""Resources on disk, by sets: one mapping of name to resource of one type is a set."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import MappingProxyType

import structlog

from controlplane.snapshot import Resource, Snapshot, snapshot
from controlplane.store.manifests import (
    Entry,
    Listed,
    decode_set,
    digest,
    encode_set,
    entries,
)
from controlplane.store.objects import Objects
from controlplane.store.reach import Reach
from controlplane.store.recent import Recent
from controlplane.store.shapes import MalformedError

_log = structlog.get_logger(__name__)
_MAPPING = 1024
"""What a mapping weighs beside its bodies: roughly its bytes when it is small."""

_COMBINED = 4096
"""Combinations of mappings that are known at once."""

_LOADED = 256
"""Sets that are read before anything names them."""

_TOLD = 1000
"""Paths that are told; then it is known that the disk is ill."""


class Catalogue:
    """The sets of a folder with their resources; what cannot be read is left out, told once.

    `find` is for any thread, the rest for one at a time. Raises OSError when it cannot be written.
    """

    def __init__(self, folder: Path, *, cache: int, made: bool = True) -> None:
        self.bodies = Objects(folder / "objects", made=made)
        self.sets = Objects(folder / "sets", made=made)
        self._known: dict[str, tuple[Entry, ...]] = {}
        self._index: dict[tuple[str, str, str], Entry] = {}
        self._loaded = Recent[Entry, Resource](cache)
        self._mappings = Recent[tuple[str, int], tuple[Mapping[str, Resource], str]](cache)
        self._digested = Recent[int, tuple[Resource, str]](cache)
        self._combined: dict[tuple[object, ...], tuple[str, ...]] = {}
        self._told: set[Path] = set()
        self.new = 0
        """How many sets were written since the last sweep."""

    def find(self, type_url: str, name: str, version: str) -> Resource | None:
        """A resource of any set; no secret."""
        entry = self._index.get((type_url, name, version))
        return None if entry is None or not entry.body else self._resource(entry)

    def written(self, layers: Mapping[str, Sequence[Mapping[str, Resource]]]) -> tuple[str, ...]:
        """Mappings by type as digests of sets; those that were never seen are written."""
        key = tuple([(type_url, *map(id, some)) for type_url, some in layers.items()])
        found = self._combined.get(key)
        if found is None:
            each = [(type_url, one) for type_url, some in layers.items() for one in some]
            made = {self._written(type_url, one) for type_url, one in each}
            found = tuple(sorted(made - {""}))
            if len(self._combined) >= _COMBINED:
                self._combined = {}
            if all(self._mappings.get((t, id(one))) for t, one in each):  # none had to leave
                self._combined[key] = found
        return found

    def sync(self, sets: Iterable[str]) -> None:
        """Have these sets with their bodies on the disk. For any thread."""
        named = list(sets)
        known = self._known
        self.bodies.sync([e.body for name in named for e in known.get(name, ()) if e.body])
        self.sets.sync(named)

    def set(self, name: str) -> tuple[Entry, ...] | None:
        """A set all of whose bodies seem to be there."""
        found = self._known.get(name)
        if found is not None:
            return found
        data = self.sets.read(name)
        try:
            found = None if data is None else decode_set(data)
        except MalformedError:
            found = None
        if found is None or not all(map(self._there, found)):
            self.warn(self.sets.folder / name)
            return None
        self._register(name, found)
        return found

    def snapshot(self, listed: Listed) -> Snapshot | None:
        """A snapshot with every body, or None. One without its secrets has a version of its own."""
        found = [self.set(name) for name in listed.sets]
        kept = [e for one in found for e in one or ()]
        bodied = [e for e in kept if e.body]
        resources = [one for e in bodied if (one := self._resource(e)) is not None]
        if None in found or len(resources) < len(bodied):
            return None
        made = snapshot(resources)
        if len(bodied) < len(kept):
            return made
        return Snapshot(version=listed.version, resources=made.resources)

    def resources(self, sets: Iterable[str]) -> Mapping[str, tuple[Resource, ...]]:
        """All of these sets that can be read, by type, each version once; no secrets."""
        out: dict[str, dict[tuple[str, str], Resource]] = {}
        for entry in (e for name in sets for e in self.set(name) or () if e.body):
            one = self._resource(entry)
            if one is not None:
                out.setdefault(entry.type_url, {})[entry.name, entry.version] = one
        return MappingProxyType({t: tuple(found.values()) for t, found in out.items()})

    def load(self) -> None:
        """Trust nothing that was known: read the sets that were written last.

        Older ones are read once something names them: those of the history may be many.
        """
        self.bodies.forget()
        self.sets.forget()
        self._reset()
        for name in self.sets.newest(_LOADED):
            self.set(name)

    def sweep(self, keep: AbstractSet[str], beside: Reach) -> None:
        """Remove all other sets, and bodies that are in none. Nobody may write meanwhile.

        What is `beside` them stays on the disk, and is not held in memory.

        Nothing is removed where one of them cannot be read: it could be for a while only.
        """
        self.new = 0
        found = {name: one for name in keep if (one := self.set(name)) is not None}
        if len(found) < len(keep):
            return
        self.sets.sweep(keep | beside.sets)
        self.bodies.sweep(beside.bodies.union(e.body for one in found.values() for e in one))
        self._reset()
        for name, one in found.items():
            self._register(name, one)

    def warn(self, path: Path) -> None:
        """Say once that something is left out."""
        if path not in self._told and len(self._told) < _TOLD:
            self._told.add(path)
            _log.warning("a file of the store is left out: it is torn or not ours", path=str(path))

    def _reset(self) -> None:
        self._known, self._index, self._combined = {}, {}, {}
        self._mappings.clear()

    def _written(self, type_url: str, mapping: Mapping[str, Resource]) -> str:
        """The digest of a mapping as a set, written with its bodies if it is new; empty for none.

        The mapping is held on to, so that no other has its identity.
        """
        found = self._mappings.get((type_url, id(mapping)))
        if found is not None:
            return found[1]
        name = self._write(type_url, mapping) if mapping else ""
        weight = _MAPPING + sum(len(one.body) for one in mapping.values())
        if self._mappings.put((type_url, id(mapping)), (mapping, name), weight):
            self._combined = {}  # an identity in there may be another's from now on
        return name

    def _write(self, type_url: str, mapping: Mapping[str, Resource]) -> str:
        in_order = sorted(mapping.values(), key=lambda r: r.name)
        listed = entries(type_url, in_order, self._digest)
        for entry, one in zip(listed, in_order, strict=True):
            if entry.body:
                self.bodies.put(entry.body, one.body)
        data = encode_set(type_url, listed)
        name = digest(data)
        self.sets.put(name, data)
        if name not in self._known:
            self._register(name, listed)
            self.new += 1
        return name

    def _digest(self, one: Resource) -> str:
        """The digest of a body; most resources of a set are those of the set before."""
        found = self._digested.get(id(one))
        if found is None:
            found = (one, digest(one.body))
            self._digested.put(id(one), found, _MAPPING + len(one.body))
        return found[1]

    def _there(self, entry: Entry) -> bool:
        at = entry.type_url, entry.name, entry.version
        known = not entry.body or self._index.get(at) == entry
        return known or self.bodies.has(entry.body, entry.size)

    def _register(self, name: str, found: Iterable[Entry]) -> None:
        """Know a set. Most of its entries are those of a set before: they are held once."""
        shared = []
        for entry in found:
            at = entry.type_url, entry.name, entry.version
            if self._index.get(at) != entry:
                self._index[at] = entry
            shared.append(self._index[at])
        self._known[name] = tuple(shared)

    def _resource(self, entry: Entry) -> Resource | None:
        found = self._loaded.get(entry)
        if found is None:
            body = self.bodies.read(entry.body)
            if body is None:
                self.warn(self.bodies.folder / entry.body)
                return None
            found = Resource(
                type_url=entry.type_url,
                name=entry.name,
                body=body,
                version=entry.version,
                needs=entry.needs,
            )
            self._loaded.put(entry, found, _MAPPING + entry.size)
        return found
