"""The nouns of a change: what is to become live, who asked for it, and what became of that."""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.history.version import Kind
from controlplane.selection.chosen import FileState, FileView
from controlplane.sources import SourceFile, gateway_of, home
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
    already. `partial`: other replicas may know more, so Envoys that hold something keep it.
    `before` is what is served of the files if this is not; None where they do not come into it.
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
    partial: bool = False
    before: tuple[SourceFile, ...] | None = None


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
        digest.update(b"%d %s %d " % (len(at.encode()), at.encode(), len(data)))
        digest.update(data)
    for at in sorted(home(name, gateway) for name in sources.unread):
        digest.update(f"unread {at} ".encode())
    return digest.hexdigest()


def behind(
    files: tuple[FileView, ...],
    new: tuple[SourceFile, ...],
    old: tuple[SourceFile, ...],
    why: tuple[Mistake, ...],
) -> tuple[FileView, ...]:
    """Say what is served of each file while `old` stays and `new`, chosen for `files`, does not."""
    last, next_ = _by_home(old), _by_home(new)
    views = []
    for one in files:
        before, now = last.pop(one.home, None), next_.get(one.home)
        stays = before is not None and now is not None and before.data == now.data
        if one.state == "current" and not (stays and before and not before.held):
            state: FileState = "last good" if before and not before.held else "not served"
            views.append(replace(one, state=state, mistakes=why))
        else:
            views.append(one)
    removed = [(at, one) for at, one in last.items() if not one.held]
    views += [
        FileView(name=one.name, home=at, state="last good", mistakes=why) for at, one in removed
    ]
    return tuple(sorted(views, key=lambda one: one.name))


def _by_home(sources: tuple[SourceFile, ...]) -> dict[str, SourceFile]:
    gateway = gateway_of([one.name for one in sources])
    return {home(one.name, gateway): one for one in sources}


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
