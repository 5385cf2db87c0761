"""The nouns of a change: what is to become live, who asked for it, and what became of that."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.gate.brake import OURS
from controlplane.history.version import Kind
from controlplane.selection.chosen import FileView
from controlplane.snapshot import ENDPOINTS
from controlplane.sources import gateway_of, home
from foregate.applying.stage import Texts
from language.mistakes import Mistake

State = Literal["live", "waiting", "unchanged", "held", "refused"]
"""`live`: all nodes have it. `waiting`: it is on offer, and not everybody answered (or nobody is
there). `unchanged`: it is what is served. `held`, `refused`: what was served stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asked for beside what is saved.

    `by` is who; `allow_removal` lifts the brake for this one version.
    """

    by: str = ""
    allow_removal: bool = False


NOBODY = Asked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A build on its way.

    `seen` is the fingerprint of the files on disk, `began` when they were read (monotonic seconds),
    `of` the version that is served again. `recorded` is its number where it is in the history
    already. `disk` are the files as they are there now, None where nobody looked; `found` is wrong
    with them where they could not be chosen of. `partial`: other replicas may know more, so Envoys
    that hold something keep it.
    """

    build: Build
    files: tuple[FileView, ...]
    texts: Texts
    seen: str
    began: float
    asked: Asked = NOBODY
    kind: Kind = "files"
    of: int | None = None
    recorded: int | None = None
    disk: Sources | None = None
    found: tuple[Mistake, ...] = ()
    partial: bool = False

    @property
    def chosen(self) -> bool:
        """Whether it was chosen of the files that are on disk now."""
        return self.kind == "files" and self.recorded is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a change.

    `number` and `content` are of what is served then; `lifted` is what the brake would have held.
    """

    state: State
    number: int | None
    content: str
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[str, ...] = ()
    files: tuple[FileView, ...] = ()
    lifted: tuple[str, ...] = ()


def fingerprint(sources: Sources) -> str:
    """Name a state of the files on disk: the same on every replica that has the same files."""
    gateway = gateway_of([*(file.name for file in sources.files), *sources.unread])
    digest = hashlib.sha256()
    for at, data in sorted((home(file.name, gateway), file.data) for file in sources.files):
        name = at.encode(errors="surrogateescape")
        digest.update(b"%d %s %d " % (len(name), name, len(data)))
        digest.update(data)
    for at in sorted(home(name, gateway) for name in sources.unread):
        digest.update(f"unread {at} ".encode(errors="surrogateescape"))
    return digest.hexdigest()


def same(live: Build, new: Build) -> bool:
    """Whether two builds mean the same to everybody."""
    return (live.snapshot, live.services, live.key_sources, live.keys_use_for_ms) == (
        new.snapshot,
        new.services,
        new.key_sources,
        new.keys_use_for_ms,
    )


def version_of(build: Build) -> str:
    """The version of what Envoys get."""
    return build.snapshot.version if build.snapshot is not None else ""


def same_resources(one: Build, other: Build) -> bool:
    """Whether two builds give Envoys the same, whoever our services are at the moment."""
    return _resources(one) == _resources(other)


def _resources(build: Build) -> set[tuple[str, str, str]]:
    found = build.snapshot.resources.items() if build.snapshot is not None else ()
    return {
        (type_url, name, one.version)
        for type_url, group in found
        for name, one in group.items()
        if not (type_url == ENDPOINTS and name.startswith(OURS))
    }
