"""What is to be served when: what is saved, what is pushed, what somebody goes back to.

The same for `foregate dev` and `foregate controlplane`: a `Stage` says what differs.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.history.version import KeptFile, Version
from controlplane.history.versions import sources as kept_sources
from controlplane.seen.served import Served
from controlplane.selection.chosen import Chosen, FileView
from controlplane.sources import SourceFile
from foregate.applying.archive import Archive
from foregate.applying.bringing import Bringer
from foregate.applying.change import NOBODY, Asked, Change, Result, fingerprint, version_of
from foregate.applying.stage import Live, Texts

LOOK_SECONDS = 1.0
"""How often it is looked who has what, and whether another replica has published."""

DONE = ("live", "waiting", "unchanged")

Choose = Callable[[Sources, tuple[SourceFile, ...]], Chosen]


@dataclass(slots=True, kw_only=True)
class Applier:
    """Brings each new state of the sources to everybody, one after the other.

    `read` and `choose` block. `allow_removal` lets one version past the brake. `partial`: this
    replica began with files that it cannot serve, and others may.
    """

    read: Callable[[], Sources]
    choose: Choose
    bringer: Bringer
    archive: Archive
    allow_removal: bool = False
    partial: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: Sources | None = None
    _seen: str = ""
    _good: tuple[SourceFile, ...] = ()
    _begun: bool = False
    _fresh: bool = True
    _looked: int = 0
    _blind: bool = False

    @property
    def live(self) -> Live | None:
        """The version that everybody has."""
        return self.bringer.live

    @property
    def served(self) -> Served:
        """What is served of each file."""
        return self.bringer.served

    @property
    def texts(self) -> Texts:
        """The files as they were read last."""
        return _texts(self._last) if self._last is not None else {}

    async def start(self) -> None:
        """Make the sources live, or where they cannot be, the last good of an earlier run.

        To be called first. Nodes have what the earlier run published: it is the new one's
        predecessor, for the brake too.
        """
        async with self._turn:
            began = time.monotonic()
            publisher = self.bringer.publisher
            before = await asyncio.to_thread(publisher.before)
            if before is not None:
                publisher.resume(before)
            newest = await self._newest()
            files = await self.archive.files(newest.number) if newest is not None else ()
            self._good = tuple(kept_sources(files))
            self._fresh = before is None and newest is None
            self._blind = before is not None and not self._good
            result = await self._refresh(NOBODY)
            if before is not None and self.live is None:
                number = newest.number if newest is not None else None
                is_it = newest is not None and newest.content == version_of(before)
                change = Change(
                    build=before,
                    files=result.files or _views(files),
                    texts={},
                    seen="",
                    began=began,
                    of=newest.note.of if newest is not None and is_it else None,
                    recorded=number,
                )
                await self.bringer.restore(change)

    async def refresh(self) -> None:
        """Read the sources; if they differ from what was read last, make them live or say why not.

        Raises what the stage raises when it cannot go on.
        """
        async with self._turn:
            await self._refresh(NOBODY)

    async def push(self, asked: Asked) -> Result:
        """Do the same now, whatever was read last, for somebody who waits for the result."""
        async with self._turn:
            self._last = None
            return await self._refresh(asked, pushed=True)

    async def rollback(self, number: int | None, asked: Asked) -> Result:
        """Serve an older version again until the files change; None: the one before."""
        async with self._turn:
            target = await self._back_to(number)
            if isinstance(target, str):
                return self.bringer.refused(target)
            of = target.number if target.note.of is None else target.note.of
            change = await self._again(target)
            if change is None:
                return self.bringer.refused(f"version {target.number} cannot be read any more")
            change = replace(change, asked=asked, kind="rollback", of=of, recorded=None)
            result = await self.bringer.bring(change)
            if result.state in DONE:
                self._good = change.build.sources
            return replace(result, files=())

    async def look(self) -> None:
        """See who has what by now, and what other replicas of the state folder have published.

        A version of the same files is followed, and so is a rollback: replicas serve the same.
        """
        async with self._turn:
            await self.bringer.look()
            newest = await self._newest()
            number = self.served.number
            if newest is None or (number is not None and newest.number <= number):
                return
            if newest.note.seen != self._seen:
                await self._look_at_good(newest.number)
                return
            if newest.content == self.served.content:
                return
            change = await self._again(newest)
            if change is not None and (await self.bringer.bring(change)).state in DONE:
                self._good = change.build.sources

    async def _look_at_good(self, number: int) -> None:
        """Choose again where files are behind: another replica may have seen more of them good."""
        behind = any(one.state != "current" for one in self.served.files)
        if behind and self.served.pinned is None and number != self._looked:
            self._looked = number
            self._last = None
            await self._refresh(NOBODY)

    async def _last_good(self) -> tuple[SourceFile, ...]:
        """What the newest version serves of the files, also where another replica made it."""
        newest, number = await self._newest(), self.served.number
        if newest is None or number is None or newest.number <= number:
            return self._good
        return tuple(kept_sources(await self.archive.files(newest.number))) or self._good

    async def _refresh(self, asked: Asked, *, pushed: bool = False) -> Result:
        began = time.monotonic()
        sources = await asyncio.to_thread(self.read)
        if sources == self._last:
            return self.bringer.unchanged()
        self._last = sources
        if any(mistake.place.file not in sources.unread for mistake in sources.mistakes):
            kept = await asyncio.to_thread(self.choose, sources, self._good)
            return self.bringer.stay(sources.mistakes, _texts(sources), kept.files)
        self._seen = fingerprint(sources)
        if not pushed:
            pinned = await self._pin()
            change = await self._again(pinned) if pinned is not None else None
            if change is not None:
                return await self._settled(await self.bringer.bring(change), change.build)
        good = await self._last_good()
        chosen = await asyncio.to_thread(self.choose, sources, good)
        lost = any(one.state == "not served" for one in chosen.files)
        if not self._begun:
            self.partial = lost
        if chosen.build.snapshot is None or (lost and self._blind):
            # What is served of a file that was good in an earlier run may be known no more.
            return self.bringer.stay(chosen.mistakes, _texts(sources), chosen.files)
        allowed = asked.allow_removal or self.allow_removal
        change = Change(
            build=chosen.build,
            files=chosen.files,
            texts=_texts(sources),
            seen=self._seen,
            began=began,
            asked=replace(asked, allow_removal=allowed),
            partial=self.partial and lost and self._fresh,
            before=self._good,
        )
        result = await self.bringer.bring(change, chosen.mistakes)
        if result.state in DONE:
            self.partial = self.partial and lost
        return await self._settled(result, chosen.build)

    async def _settled(self, result: Result, build: Build) -> Result:
        """Remember what is good now; what the world refused is tried again at the next save."""
        if result.state in DONE:
            self._begun = True
            self._good = build.sources
            self._blind = self._blind and any(f.state == "not served" for f in result.files)
            self.allow_removal = self.allow_removal and not result.lifted
        else:
            self._last = None
        return result

    async def _pin(self) -> Version | None:
        """Find the version that somebody went back to from these very files, on any replica."""
        newest = await self._newest()
        if newest is None or newest.note.kind != "rollback" or newest.note.seen != self._seen:
            return None
        return newest

    async def _newest(self) -> Version | None:
        """Find the newest version that nobody refused."""
        newest = await self.archive.newest()
        if newest is None or newest.fate != "rejected":
            return newest
        return next((one for one in await self.archive.versions() if one.fate != "rejected"), None)

    async def _again(self, version: Version) -> Change | None:
        """A version of the history as a change."""
        build = await self.archive.build(version.number)
        if build is None or build.snapshot is None:
            return None
        files = await self.archive.files(version.number)
        return Change(
            build=build,
            files=_views(files),
            texts={one.name: one.data.decode(errors="replace") for one in files},
            seen=self._seen,
            began=time.monotonic(),
            kind=version.note.kind,
            of=version.note.of,
            recorded=version.number,
            asked=Asked(allow_removal=True),
        )

    async def _back_to(self, number: int | None) -> Version | str:
        """Find the version to go back to, or say why there is none."""
        if number is not None:
            found = await self.archive.version(number)
            return found or f"there is no version {number}: `foregate history` shows them"
        served = self.served.pinned or self.served.number
        for one in await self.archive.versions():
            older = served is None or one.number < served
            if older and one.fate == "live" and one.content != self.served.content:
                return one
        return "there is no live version before this one"


def _texts(sources: Sources) -> Texts:
    return {file.name: file.data.decode(errors="replace") for file in sources.files}


def _views(files: tuple[KeptFile, ...]) -> tuple[FileView, ...]:
    return tuple(FileView(name=one.name, home=one.home, state=one.state) for one in files)
