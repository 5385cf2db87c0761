"""What is to be served when: what is saved, what is pushed, what somebody goes back to.

The same for `foregate dev` and `foregate controlplane`: a `Stage` says what differs.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.history.version import KeptFile, Version
from controlplane.history.versions import sources as kept_sources
from controlplane.seen.served import Served
from controlplane.selection.chosen import Chosen, FileView
from controlplane.sources import SourceFile, gateway_of, home
from foregate.applying.archive import Archive
from foregate.applying.bringing import Bringer
from foregate.applying.change import (
    NOBODY,
    Asked,
    Change,
    Result,
    fingerprint,
)
from foregate.applying.past import Past, views, without_removed
from foregate.applying.sparing import Sparing
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
    _past: Past = field(init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: Sources | None = None
    _disk: Sources | None = None
    _followed: int = 0
    _looked: int = 0
    _seen: str = ""
    _good: tuple[SourceFile, ...] = ()
    _begun: bool = False
    _fresh: bool = True
    _blind: bool = False

    def __post_init__(self) -> None:
        self._past = Past(archive=self.archive)

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
        return _texts(self._disk) if self._disk is not None else {}

    async def start(self) -> None:
        """Make the sources live, or where they cannot be, the last good of an earlier run.

        To be called first. Nodes have what the earlier run published: it is the new one's
        predecessor, for the brake too.
        """
        async with self._turn:
            began = time.monotonic()
            publisher = self.bringer.publisher
            before = await asyncio.to_thread(publisher.before)
            newest = await self._past.newest()
            known = newest if before is None else await self._past.recorded(before)
            last = known or newest
            files = await self.archive.files(last.number) if last is not None else ()
            self._good = tuple(kept_sources(files))
            self._fresh = before is None and newest is None
            self._blind = before is not None and (known is None or not self._good)
            if before is not None:
                before = replace(before, sources=self._good if known is not None else ())
                publisher.resume(before)
            result = await self._refresh(NOBODY)
            if before is not None and self.live is None:
                change = Change(
                    build=before,
                    files=views(files),
                    texts=self.texts,
                    seen="",
                    began=began,
                    of=known.note.of if known is not None else None,
                    recorded=known.number if known is not None else None,
                    disk=self._disk,
                    found=result.mistakes,
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

    async def rollback(
        self, number: int | None, asked: Asked, *, restore_consumers: bool = False
    ) -> Result:
        """Serve an older version again until the files change; None: the one before.

        Consumers get back what was taken from them since only to `restore_consumers`.
        """
        async with self._turn:
            target = await self._past.back_to(number, self.served, self.live)
            if isinstance(target, str):
                return self.bringer.refused(target)
            of = target.number if target.note.of is None else target.note.of
            change = await self._past.again(target, self._seen, self._disk)
            if change is None:
                return self.bringer.refused(_unreadable(target))
            build, lost = self._going_back(change.build, restore=restore_consumers)
            change = replace(
                change, build=build, asked=asked, kind="rollback", of=of, recorded=None
            )
            result = await self.bringer.bring(change)
            if result.state in DONE:
                await self._is_good(change.build)
            told = (
                f"{name} was removed or lost something since, and does not get it back"
                for name in lost
            )
            return replace(result, files=(), warnings=(*result.warnings, *told))

    async def look(self) -> None:
        """See who has what by now, and what other replicas of the state folder have published.

        A version of the same files is followed, and so is a rollback: replicas serve the same.
        """
        async with self._turn:
            if await self.bringer.look() and self.live is not None:
                self._good, self._last = self.live.build.sources, None
            newest = await self._past.newest()
            number = self.served.number
            if newest is None or newest.number <= max(number or 0, self._followed):
                return
            if newest.note.seen != self._seen:
                await self._look_at_good(newest.number)
                return
            if self._loses(newest.note.files):
                return
            self._followed = newest.number  # once: what is refused here is not asked again
            change = await self._past.again(newest, self._seen, self._disk)
            if change is not None and (await self.bringer.bring(change)).state in DONE:
                await self._is_good(change.build)

    async def _refresh(self, asked: Asked, *, pushed: bool = False) -> Result:
        began = time.monotonic()
        sources = await asyncio.to_thread(self.read)
        if sources == self._last:
            return self.bringer.unchanged()
        self._last = self._disk = sources
        try:
            return await self._applied(sources, asked, began, pushed=pushed)
        except BaseException:  # cut off, perhaps before anybody had it: not to be taken for done
            self._last = None
            raise

    async def _applied(
        self, sources: Sources, asked: Asked, began: float, *, pushed: bool
    ) -> Result:
        if any(mistake.place.file not in sources.unread for mistake in sources.mistakes):
            return self.bringer.stay(sources.mistakes, _texts(sources), sources)
        self._seen = fingerprint(sources)
        pinned = await self._past.pin(self._seen) if not pushed else None
        if pinned is not None:
            change = await self._past.again(pinned, self._seen, self._disk)
            if change is None:  # somebody left these very files: only a push brings them back
                self._last = None
                return self.bringer.refused(_unreadable(pinned))
            return await self._settled(await self.bringer.bring(change), change.build)
        good = await self._last_good()
        chosen = await asyncio.to_thread(self.choose, sources, good)
        lost = any(one.state == "not served" for one in chosen.files)
        if not self._begun:
            self.partial = lost
        unknown = lost and self._blind
        if chosen.build.snapshot is None or unknown or self._loses(chosen.files):
            # What is served of a file may be known no more, or this process lacks a secret for it.
            return self.bringer.stay(chosen.mistakes, _texts(sources), sources)
        allowed = asked.allow_removal or self.allow_removal
        if not allowed:
            chosen = await asyncio.to_thread(self._spared, sources, good, chosen)
        change = Change(
            build=chosen.build,
            files=chosen.files,
            texts=_texts(sources),
            seen=self._seen,
            began=began,
            asked=replace(asked, allow_removal=allowed),
            disk=sources,
            partial=self.partial and lost and self._fresh,
        )
        result = await self.bringer.bring(change, chosen.mistakes)
        if result.state in DONE:
            self.partial = self.partial and lost
        return await self._settled(result, chosen.build)

    async def _settled(self, result: Result, build: Build) -> Result:
        """Remember what is good now; what the world refused is tried again at the next save."""
        if result.state in DONE:
            self._begun = True
            await self._is_good(build)
            self._blind = self._blind and any(f.state == "not served" for f in result.files)
            self.allow_removal = self.allow_removal and not result.lifted
        else:
            self._last = None
        return result

    def _spared(self, sources: Sources, good: tuple[SourceFile, ...], chosen: Chosen) -> Chosen:
        """What the brake holds of some files holds no others: those go on."""
        if not self.bringer.removals(chosen.build):
            return chosen
        sparing = Sparing(
            sources=sources, good=good, choose=self.choose, removed=self.bringer.removals
        )
        return sparing.without_removers() or chosen

    async def _look_at_good(self, number: int) -> None:
        """Choose again where files are behind: another replica may have seen more of them good."""
        behind = any(one.state != "current" for one in self.served.files)
        if behind and self.served.pinned is None and number != self._looked:
            self._looked = number
            self._last = None
            await self._refresh(NOBODY)

    async def _last_good(self) -> tuple[SourceFile, ...]:
        """What the newest version serves of the files, also where another replica made it."""
        newest, number = await self._past.newest(), self.served.number
        if newest is None or number is None or newest.number <= number:
            return self._good
        return tuple(kept_sources(await self.archive.files(newest.number))) or self._good

    async def _is_good(self, build: Build) -> None:
        """Know what is served. What is not written down is newer than all that is."""
        self._good = build.sources
        if self.served.number is None:
            newest = await self.archive.newest()
            self._followed = newest.number if newest is not None else 0

    def _loses(self, files: Sequence[FileView | KeptFile]) -> bool:
        """Whether of some file nothing would be served any more, though something is."""
        gateway = gateway_of([one.name for one in self._good])
        served = {home(one.name, gateway) for one in self._good if not one.held}
        return any(one.state == "not served" and one.home in served for one in files)

    def _going_back(self, old: Build, *, restore: bool) -> tuple[Build, tuple[str, ...]]:
        """What is served when somebody goes back to a build, and whose grants stay away."""
        standing = self.bringer.publisher.standing
        return (old, ()) if restore or standing is None else without_removed(old, standing)


def _texts(sources: Sources) -> Texts:
    return {file.name: file.data.decode(errors="replace") for file in sources.files}


def _unreadable(version: Version) -> str:
    return f"version {version.number} cannot be read any more"
