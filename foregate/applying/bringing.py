"""One change on its way: the brake, the gate, the history, the fleet; each may say no."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from controlplane.build import Build
from controlplane.gate.brake import Removal, removed, words
from controlplane.gate.brake import mistakes as held
from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Passed, Unproved
from controlplane.history.version import Fate
from controlplane.rollout.published import Published
from controlplane.rollout.publisher import SERVICES_SECONDS, Publisher
from controlplane.seen.served import Served
from controlplane.selection.chosen import FileView
from controlplane.xds.world import ENVOY
from foregate.applying.change import Change, Result, State, behind, same, version_of
from foregate.applying.proving import Proved, prove
from foregate.applying.refusals import keyless, origin, rejections
from foregate.applying.stage import Live, Stage, Texts
from foregate.applying.writing import Writing
from language.mistakes import Mistake, errors

FIRST_SECONDS = 20.0
"""How long the first version may take: Envoy and the services start meanwhile."""

ACK_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Bringer:
    """Brings one change at a time to everybody. `live` and `served` say what everybody has."""

    gate: Gate
    publisher: Publisher
    stage: Stage
    writing: Writing
    patient: bool
    brake: bool
    live: Live | None = None
    served: Served = field(default_factory=Served)
    _before: tuple[Live | None, Served] = (None, Served())
    _arrived_everywhere: bool = False
    _mistakes: list[Mistake] = field(default_factory=list)
    _warnings: list[str] = field(default_factory=list)
    _texts: Texts = field(default_factory=dict)

    async def bring(self, change: Change, found: Sequence[Mistake] = ()) -> Result:
        """Make a change live, or say what stands against it. `found` is wrong with the files."""
        self._begin(change.texts)
        self._tell(found)
        if self._is_served(change.build):
            return self._nothing_new(change.files)
        removals = await self._removals(change)
        if removals and not change.asked.allow_removal:
            self._tell(held(removals, origin(change.texts)))
            return self._stay("held", self._behind(change))
        ready = await self._ready(change)
        if not isinstance(ready, Proved):
            self._tell(ready)
            return self._stay("refused", self._behind(change))
        self._tell(ready.mistakes)
        if self._is_served(ready.build):
            return self._nothing_new(change.files)
        await self.stage.made_ready(ready.build)
        lifted = tuple(words(one) for one in removals)
        for one in lifted:
            self._warn(f"--allow-removal lets this version through: {one}")
        return await self._go(replace(change, build=ready.build), ready, lifted)

    async def restore(self, change: Change) -> Result:
        """Serve the last good of an earlier run: nodes have it."""
        self._begin(change.texts)
        await self.stage.made_ready(change.build)
        return await self._go(change, None, ())

    def stay(
        self, found: Sequence[Mistake], texts: Texts, files: tuple[FileView, ...] = ()
    ) -> Result:
        """Tell why nothing of the files can be served."""
        self._begin(texts)
        self._tell(found)
        return self._stay("refused", files)

    def refused(self, why: str) -> Result:
        """Say why what was asked for cannot be."""
        self._begin({})
        self._warn(why)
        return self._result("refused")

    def unchanged(self) -> Result:
        """Say that nothing was saved since."""
        self._begin({})
        return self._result("unchanged")

    async def look(self) -> None:
        """Write down who has what by now; see whether a late node refused what is served."""
        standing = self.publisher.standing
        if self.live is None or standing is None:
            return
        fleet = self.publisher.fleet()
        number = self.served.number
        if standing is not self.live.build:
            self._begin({})
            await self.writing.settle(number, "rejected", fleet)
            self._warn("a late node refused the version: the last good is served again")
            refused, files = self.live.build.sources, self.served.files
            self.live, self.served = self._before
            stay = self.live.build.sources if self.live else ()
            self.served = replace(self.served, files=behind(files, refused, stay, ()))
            return
        envoys = [one.state for one in fleet if one.role == ENVOY and one.state != "gone"]
        there = bool(envoys) and all(state == "live" for state in envoys)
        self._arrived_everywhere = self._arrived_everywhere or there
        fate: Fate = "live" if self._arrived_everywhere else "published"
        await self.writing.settle(number, fate, fleet)

    async def _ready(self, change: Change) -> Proved | tuple[Mistake, ...]:
        """Say whether the surroundings and Envoy take a build, or which part of it."""
        build = change.build
        at = origin(change.texts)
        if build.snapshot is None:
            return ()
        unfit = await self.stage.fitting(build, build.snapshot, at)
        if unfit:
            return unfit
        return await prove(self.gate, build, self.publisher.standing, at)

    async def _removals(self, change: Change) -> tuple[Removal, ...]:
        """Compare with what everybody is offered, which may be older than the last live."""
        standing = self.publisher.standing
        if not self.brake or standing is None or change.kind == "rollback":
            return ()
        return await asyncio.to_thread(removed, standing, change.build)

    async def _go(self, change: Change, ready: Proved | None, lifted: tuple[str, ...]) -> Result:
        """Publish a build and write it down."""
        first = self.live is None
        waiting = first and self.patient
        if ready is not None and isinstance(ready.verdict, Unproved):
            self._warn(f"not proved by Envoy before it goes live: {ready.verdict.reason}")
        async with asyncio.TaskGroup() as tasks:
            recording = tasks.create_task(self.writing.record(change, ready, lifted))
            published = await self.publisher.publish(
                change.build,
                within=FIRST_SECONDS if waiting else ACK_SECONDS,
                services=FIRST_SECONDS if waiting else SERVICES_SECONDS,
                patient=self.patient,
                saved=change.began,
                proved=None if ready is None else _software(ready),
                partial=change.partial,
            )
        number = recording.result()
        for service in published.late:
            self._warn(f"{service} has not taken this version yet, and judges by the last")
        if published.outcome.state == "rejected":
            await self.writing.settle(number, "rejected", self.publisher.fleet())
            before = self.publisher.standing
            self._tell(rejections(published, change.build, before, origin(change.texts)))
            return self._stay("refused", self._behind(change))
        state = self._arrived(published)
        self._tell(tuple(keyless(change.build, published.keyless)))
        await self.writing.settle(
            number, "live" if state == "live" else "published", self.publisher.fleet()
        )
        self._before = self.live, self.served
        self._arrived_everywhere = state == "live"
        now = datetime.now().astimezone()
        took = time.monotonic() - change.began
        self.live = Live(
            build=change.build, since=now, took=took, number=number, restored=ready is None
        )
        self.served = Served(
            number=number,
            content=version_of(change.build),
            since=now.timestamp(),
            files=change.files,
            kept=ready.kept if ready is not None else (),
            pinned=change.of,
        )
        await self.stage.went_live(self.live, first=first)
        return replace(self._result(state), lifted=lifted)

    def _arrived(self, published: Published) -> State:
        if published.outcome.state == "live":
            return "live"
        waiting_for = ", ".join(published.outcome.waiting) or "any Envoy: none is connected"
        self._warn(f"this version waits for {waiting_for}")
        return "waiting"

    def _is_served(self, build: Build) -> bool:
        standing = self.publisher.standing
        return self.live is not None and standing is not None and same(standing, build)

    def _nothing_new(self, files: tuple[FileView, ...]) -> Result:
        """What was chosen is what is served: no change, or the mistakes are all that is new."""
        self.served = replace(self.served, files=files)
        if all(one.state == "current" for one in files):
            self.stage.unchanged()
        elif errors(self._mistakes):
            self.stage.stays(self.live.since if self.live else None)
        return self._result("unchanged")

    def _behind(self, change: Change) -> tuple[FileView, ...]:
        """What is served of the files now that a change is not."""
        if change.before is None:
            return ()
        why = tuple(errors(self._mistakes))
        return behind(change.files, change.build.sources, change.before, why)

    def _stay(self, state: State, files: tuple[FileView, ...]) -> Result:
        if files:
            self.served = replace(self.served, files=files)
        if errors(self._mistakes):
            self.stage.stays(self.live.since if self.live else None)
        return self._result(state)

    def _begin(self, texts: Texts) -> None:
        self._texts = texts
        self._mistakes = []
        self._warnings = []

    def _tell(self, found: Sequence[Mistake]) -> None:
        if found:
            self._mistakes += found
            self.stage.mistakes(found, self._texts)

    def _warn(self, line: str) -> None:
        self._warnings.append(line)
        self.stage.warn(line)

    def _result(self, state: State) -> Result:
        return Result(
            state=state,
            number=self.served.number,
            content=self.served.content,
            mistakes=tuple(self._mistakes),
            warnings=tuple(self._warnings),
            files=self.served.files,
        )


def _software(ready: Proved) -> str:
    """Say for which Envoys a proof holds."""
    return ready.verdict.software if isinstance(ready.verdict, Passed) else ""
