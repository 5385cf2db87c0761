"""Builds on disk: each names the sets that its snapshots are made of."""

from collections.abc import Mapping
from pathlib import Path

from controlplane.build import Build
from controlplane.snapshot import Snapshot, Subject
from controlplane.store.catalogue import Catalogue
from controlplane.store.manifests import (
    Listed,
    Manifest,
    decode_build,
    digest,
    encode_build,
    encode_line,
)
from controlplane.store.objects import Objects
from controlplane.store.shapes import MalformedError
from language.places import Place


class Builds:
    """The builds of a folder, over its sets. For one thread at a time."""

    def __init__(self, folder: Path, catalogue: Catalogue, *, made: bool = True) -> None:
        self.files = Objects(folder / "builds", made=made)
        self._catalogue = catalogue
        self._line: dict[Subject, tuple[tuple[Place, ...], bytes]] = {}
        self._lines: tuple[Mapping[Subject, tuple[Place, ...]], bytes] = ({}, b"[]")

    def write(self, build: Build) -> tuple[str, Manifest]:
        """Have a build there, safe from the end of this process but not of the machine."""
        manifest = Manifest(
            snapshot=None if build.snapshot is None else self._listed(build.snapshot),
            services={role: self._listed(one) for role, one in build.services.items()},
            calls=build.calls,
            key_sources=build.key_sources,
            keys_use_for_ms=build.keys_use_for_ms,
            provenance=build.provenance,
        )
        data = encode_build(manifest, self._encoded(manifest.provenance))
        name = digest(data)
        self.files.put(name, data)
        return name, manifest

    def manifest(self, name: str) -> Manifest | None:
        """What is stored of a build; None where that cannot be read."""
        data = self.files.read(name)
        try:
            return None if data is None else decode_build(data)
        except MalformedError:
            return None

    def read(self, name: str) -> Build | None:
        """A build without its plan, sources and mistakes; None where any of it cannot be read.

        Secrets are left out of it: their bodies are not stored.
        """
        manifest = self.manifest(name)
        if manifest is None:
            self._catalogue.warn(self.files.folder / name)
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

    def _encoded(self, provenance: Mapping[Subject, tuple[Place, ...]]) -> bytes:
        """The lines of a build; a build is written twice, and most lines are those of the last."""
        if self._lines[0] is provenance:
            return self._lines[1]
        before, lines = self._line, {}
        for at in sorted(provenance):
            places = provenance[at]
            known = before.get(at)
            same = known is not None and known[0] is places
            lines[at] = known if known is not None and same else (places, encode_line(at, places))
        self._line = lines
        self._lines = (provenance, b"[%s]" % b",".join(line for _, line in lines.values()))
        return self._lines[1]

    def _listed(self, one: Snapshot) -> Listed:
        sets = self._catalogue.written({t: (group,) for t, group in one.resources.items()})
        return Listed(version=one.version, sets=sets)
