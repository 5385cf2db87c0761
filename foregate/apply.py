"""Each new state of the sources on its way to live: read, build, prove, publish; or why it stays.

The same for `foregate dev` and `foregate controlplane`: a `Stage` says what differs.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.gate.brake import Removal, removed, words
from controlplane.gate.brake import mistakes as held
from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Provenance, Refused, Unproved, mistakes
from controlplane.rollout.publisher import SERVICES_SECONDS, Publisher
from controlplane.seen.blame import changed_routes, places
from controlplane.snapshot import Snapshot, Subject
from controlplane.sources import SourceFile
from controlplane.xds.events import Nacked
from language.mistakes import Mistake, errors
from language.places import Place
from policies.auth.identities import Identity

FIRST_SECONDS = 20.0
"""How long the first version may take: Envoy and the services start meanwhile."""

ACK_SECONDS = 5.0

Texts = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What Envoys serve, and since when; `took` seconds after it was read.

    `restored`: it is the last good of an earlier run.
    """

    build: Build
    since: datetime
    took: float
    restored: bool = False


class Stage(Protocol):
    """Where versions go live, and who is told."""

    async def fitting(self, build: Build, snapshot: Snapshot, origin: Place) -> tuple[Mistake, ...]:
        """Say what in the surroundings stands against a build, before anything is done with it."""

    async def made_ready(self, build: Build) -> None:
        """Bring up what a proved build needs, before it is published."""

    async def went_live(self, live: Live, *, first: bool) -> None:
        """Hear that a version is live everywhere."""

    def mistakes(self, found: Sequence[Mistake], texts: Texts) -> None:
        """Hear of mistakes."""

    def stays(self, since: datetime | None) -> None:
        """Hear that what is live stays so, None where nothing is."""

    def unchanged(self) -> None:
        """Hear that a new state of the files is the same gateway."""

    def warn(self, *lines: str) -> None:
        """Hear of what needs a look."""


@dataclass(slots=True, kw_only=True)
class Applier:
    """Brings each new state of the sources to everybody, one after the other.

    `patient`: who is not there is on the way, and is waited for, by the first version longest.
    `brake`: a version that takes away much is held, unless `allow_removal`, which lets one through.
    """

    read: Callable[[], Sources]
    build: Callable[[tuple[SourceFile, ...]], Build]
    gate: Gate
    publisher: Publisher
    stage: Stage
    patient: bool = True
    brake: bool = True
    allow_removal: bool = False
    live: Live | None = None
    _last: Sources | None = None

    async def start(self) -> None:
        """Make the sources live, or where they cannot be, the last good of an earlier run.

        To be called first. Nodes have what the earlier run published: it is the new one's
        predecessor, for the brake too.
        """
        began = time.monotonic()
        before = await asyncio.to_thread(self.publisher.before)
        if before is not None:
            self.publisher.resume(before)
        await self.refresh()
        if before is not None and self.live is None:
            await self.stage.made_ready(before)
            refused = await self._publish(before, {}, began, restored=True)
            if refused:
                self._stay(refused, {})

    async def refresh(self) -> None:
        """Read the sources; if they differ from what was read last, make them live or say why not.

        Raises what the stage raises when it cannot go on.
        """
        began = time.monotonic()
        sources = await asyncio.to_thread(self.read)
        if sources == self._last:
            return
        self._last = sources
        texts = {file.name: file.data.decode(errors="replace") for file in sources.files}
        if sources.mistakes:
            self._stay(sources.mistakes, texts)
            return
        build = await asyncio.to_thread(self.build, sources.files)
        if build.snapshot is None:
            self._stay(build.mistakes, texts)
            return
        if build.mistakes:
            self.stage.mistakes(build.mistakes, texts)
        standing = self.publisher.standing
        if self.live and standing and _same(standing, build):
            self.stage.unchanged()
            return
        refused = await self._bring(build, build.snapshot, texts, began)
        if refused:
            # Not the files but the world said no (a port, an Envoy): saving again tries again.
            self._last = None
            self._stay(refused, texts)

    async def _bring(
        self, build: Build, snapshot: Snapshot, texts: Texts, began: float
    ) -> tuple[Mistake, ...]:
        """Make a build live, or give what stands against it."""
        origin = _origin(texts)
        removals = await self._removals(build)
        if removals and not self.allow_removal:
            return held(removals, origin)
        unfit = await self.stage.fitting(build, snapshot, origin)
        if unfit:
            return unfit
        verdict = await self.gate.prove(snapshot)
        if isinstance(verdict, Refused):
            return mistakes(verdict, build.provenance, origin)
        if isinstance(verdict, Unproved):
            self.stage.warn(f"not proved by Envoy before it goes live: {verdict.reason}")
        await self.stage.made_ready(build)
        for one in removals:
            self.stage.warn(f"--allow-removal lets this version through: {words(one)}")
        refused = await self._publish(build, texts, began)
        if removals and not refused:
            self.allow_removal = False
        return refused

    async def _removals(self, build: Build) -> tuple[Removal, ...]:
        """Compare a build with what everybody is offered, which may be older than the last live."""
        standing = self.publisher.standing
        if not self.brake or standing is None:
            return ()
        return await asyncio.to_thread(removed, standing, build)

    async def _publish(
        self, build: Build, texts: Texts, began: float, *, restored: bool = False
    ) -> tuple[Mistake, ...]:
        """Publish and keep a build, or give what was said against it."""
        first = self.live is None
        waiting = first and self.patient
        published = await self.publisher.publish(
            build,
            within=FIRST_SECONDS if waiting else ACK_SECONDS,
            services=FIRST_SECONDS if waiting else SERVICES_SECONDS,
            patient=self.patient,
            saved=began,
        )
        for service in published.late:
            self.stage.warn(f"{service} has not taken this version yet, and judges by the last")
        if published.outcome.state == "rejected":
            who = published.rejecting or "Envoy"
            before = self.publisher.standing
            changed = changed_routes(before.snapshot if before else None, build.snapshot)
            nacks = published.outcome.nacks
            return nack_mistakes(nacks, build.provenance, _origin(texts), who, changed=changed)
        if published.outcome.state != "live":
            waiting_for = ", ".join(published.outcome.waiting) or "any Envoy: none is connected"
            self.stage.warn(f"this version waits for {waiting_for}")
        keyless = tuple(_keyless(build, published.keyless))
        if keyless:
            self.stage.mistakes(keyless, texts)
        took = time.monotonic() - began
        since = datetime.now().astimezone()
        self.live = Live(build=build, since=since, took=took, restored=restored)
        await self.stage.went_live(self.live, first=first)
        return ()

    def _stay(self, found: Sequence[Mistake], texts: Texts) -> None:
        self.stage.mistakes(found, texts)
        if errors(found):
            self.stage.stays(self.live.since if self.live else None)


def _origin(texts: Texts) -> Place:
    """Where mistakes go that no line is known for."""
    return Place(next(iter(texts), "the last good version"), 1, 1)


def nack_mistakes(
    nacks: Sequence[Nacked],
    provenance: Provenance,
    origin: Place,
    who: str = "Envoy",
    *,
    changed: frozenset[Subject] = frozenset(),
) -> tuple[Mistake, ...]:
    """Tell refusals at the lines of the resource that their words name, if they name one."""
    found = []
    for nack in nacks:
        at = places(nack, provenance, changed) or (origin,)
        message = f"{who} refuses this: {nack.message}"
        found.append(Mistake(place=at[0], message=message, also=at[1:]))
    return tuple(dict.fromkeys(found))


def _same(live: Build, new: Build) -> bool:
    """Whether two builds mean the same to everybody."""
    return (live.snapshot, live.services, live.key_sources, live.keys_use_for_ms) == (
        new.snapshot,
        new.services,
        new.key_sources,
        new.keys_use_for_ms,
    )


def _keyless(build: Build, sources: tuple[str, ...]) -> Iterator[Mistake]:
    """Warn where identities are defined whose issuers gave no key."""
    named = build.plan.named["identities"] if build.plan else {}
    for one in named.values():
        source = one.value.source() if isinstance(one.value, Identity) else None
        if source is not None and source.id in sources:
            yield Mistake(
                place=one.place,
                message=f"there are no keys for '{one.key.text}' yet: its tokens do not pass",
                hint="the log says why; they are asked for again and again",
                width=len(one.key.text),
                severity="warning",
            )
