"""What the history says of earlier versions, and how one of them is served again."""

import time
from dataclasses import dataclass, replace

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.history.version import KeptFile, Version
from controlplane.rollout.consumers import grants, limited
from controlplane.seen.served import Served
from controlplane.selection.chosen import FileView
from controlplane.snapshot import snapshot
from foregate.applying.archive import Archive
from foregate.applying.change import Asked, Change, same, same_resources
from foregate.applying.stage import Live
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The versions of an archive."""

    archive: Archive

    async def newest(self) -> Version | None:
        """Find the newest version that nobody refused."""
        newest = await self.archive.newest()
        if newest is None or newest.fate != "rejected":
            return newest
        return next((one for one in await self.archive.versions() if one.fate != "rejected"), None)

    async def recorded(self, build: Build) -> Version | None:
        """Find the version that a build of an earlier run is.

        It is the newest, or the one before those that did not come so far.
        """
        for one in await self.archive.versions():
            if one.fate == "rejected":
                continue
            found = await self.archive.build(one.number)
            if found is not None and same_resources(found, build):
                return one
            if one.fate == "live":
                return None
        return None

    async def pin(self, seen: str) -> Version | None:
        """Find the version that somebody went back to from these very files, on any replica."""
        newest = await self.newest()
        if newest is None or newest.note.kind != "rollback" or newest.note.seen != seen:
            return None
        return newest

    async def again(self, version: Version, seen: str, disk: Sources | None) -> Change | None:
        """A version of the history as a change; None where it cannot be read any more."""
        build = await self.archive.build(version.number)
        if build is None or build.snapshot is None:
            return None
        files = await self.archive.files(version.number)
        return Change(
            build=build,
            files=views(files),
            texts={one.name: one.data.decode(errors="replace") for one in files},
            seen=seen,
            began=time.monotonic(),
            kind=version.note.kind,
            of=version.note.of,
            recorded=version.number,
            disk=disk,
            asked=Asked(allow_removal=True),
        )

    async def back_to(self, number: int | None, served: Served, live: Live | None) -> Version | str:
        """Find the version to go back to, or say why there is none.

        The one before is not the same to anybody: consumers and limits count as well.
        """
        if number is not None:
            found = await self.archive.version(number)
            return found or f"there is no version {number}: `foregate history` shows them"
        now = served.pinned or served.number
        older = [
            one
            for one in await self.archive.versions()
            if (now is None or one.number < now) and one.fate != "rejected"
        ]
        for one in (*(v for v in older if v.fate == "live"), *older):
            build = await self.archive.build(one.number)
            if build is not None and (live is None or not same(live.build, build)):
                return one
        return "there is no version before this one"


def views(files: tuple[KeptFile, ...]) -> tuple[FileView, ...]:
    """The files of a version, as they were in it."""
    return tuple(FileView(name=one.name, home=one.home, state=one.state) for one in files)


def without_removed(old: Build, now: Build) -> tuple[Build, tuple[str, ...]]:
    """Take from an old build what its consumers were granted and are no more; say whose that was.

    A key that was removed was perhaps stolen: going back to an old version does not bring it back.
    """
    before = old.services[EXTAUTHZ].of(CONSUMERS)[CONSUMERS_NAME]
    granted = grants(now.services[EXTAUTHZ].of(CONSUMERS)[CONSUMERS_NAME])
    lost = sorted({name for name, *_ in grants(before) - granted})
    if not lost:
        return old, ()
    groups = old.services[EXTAUTHZ].resources.values()
    others = (one for group in groups for one in group.values() if one.type_url != CONSUMERS)
    services = {**old.services, EXTAUTHZ: snapshot([*others, limited(before, granted)])}
    return replace(old, services=services), tuple(lost)
