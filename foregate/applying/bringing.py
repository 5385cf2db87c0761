"""One change on its way: the brake, the gate, the history, the fleet; each may say no."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.gate.brake import Removal, removed, words
from controlplane.gate.brake import mistakes as held
from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Passed, Unproved
from controlplane.history.version import Fate
from controlplane.isolation.isolated import Kept
from controlplane.rollout.published import Published
from controlplane.rollout.publisher import SERVICES_SECONDS, Publisher
from controlplane.seen.served import Served
from controlplane.xds.world import ENVOY
from foregate.applying.change import Change, Result, State, same, version_of
from foregate.applying.proving import Proved, prove
from foregate.applying.refusals import keyless, origin, rejections
from foregate.applying.stage import Live, Stage, Texts
from foregate.applying.views import compared
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
    _earlier: tuple[tuple[Live, Served], ...] = ()
    _arrived_everywhere: bool = False
    _partial: bool = False
    _compared: tuple[Build, Build, tuple[Removal, ...]] | None = None
    _mistakes: list[Mistake] = field(default_factory=list)
    _warnings: list[str] = field(default_factory=list)
    _texts: Texts = field(default_factory=dict)

    async def bring(self, change: Change, found: Sequence[Mistake] = ()) -> Result:
        """Make a change live, or say what stands against it. `found` is wrong with the files."""
        self._begin(change.texts)
        self._tell(found)
        if self._is_served(change, change.build):
            return self._nothing_new(change, ())
        removals: tuple[Removal, ...] = ()
        if change.kind == "files":
            removals = await asyncio.to_thread(self.removals, change.build)
            self._compared = None
        if removals and not change.asked.allow_removal:
            self._tell(held(removals, origin(change.texts)))
            return self._stay("held", change.disk)
        ready = await self._ready(change)
        if not isinstance(ready, Proved):
            self._tell(ready)
            return self._stay("refused", change.disk)
        self._tell(ready.mistakes)
        if self._is_served(change, ready.build):
            return self._nothing_new(change, ready.kept)
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

    def stay(self, found: Sequence[Mistake], texts: Texts, disk: Sources) -> Result:
        """Tell why nothing of the files can be served."""
        self._begin(texts)
        self._tell(found)
        return self._stay("refused", disk)

    def refused(self, why: str) -> Result:
        """Say why what was asked for cannot be."""
        self._begin({})
        self._warn(why)
        return self._result("refused")

    def unchanged(self) -> Result:
        """Say that nothing was saved since."""
        self._begin({})
        return self._result("unchanged")

    async def look(self) -> bool:
        """Write down who has what by now; say whether a late node refused what was served."""
        standing = self.publisher.standing
        if self.live is None or standing is None:
            return False
        fleet = self.publisher.fleet()
        number = self.served.number
        if standing is not self.live.build:
            self._begin({})
            if self._went_back(standing):
                await self.writing.settle(number, "rejected", fleet)
                self._warn("a late node refused the version: the last good is served again")
                return True
            return False
        envoys = [one.state for one in fleet if one.role == ENVOY and one.state != "gone"]
        there = bool(envoys) and all(state == "live" for state in envoys)
        self._arrived_everywhere = self._arrived_everywhere or there
        fate: Fate = "live" if self._arrived_everywhere else "published"
        await self.writing.settle(number, fate, fleet)
        return False

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

    def removals(self, build: Build) -> tuple[Removal, ...]:
        """What of much a build takes from what everybody is offered; it may be older than live.

        A change is asked about twice: where it is chosen, and where it is brought.
        """
        standing = self.publisher.standing
        if not self.brake or standing is None:
            return ()
        asked = self._compared
        if asked is None or asked[0] is not standing or asked[1] is not build:
            asked = self._compared = (standing, build, removed(standing, build))
        return asked[2]

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
            if self._went_back(before):
                self._warn("not every node had the version before: the last good is served again")
            return self._stay("refused", change.disk)
        state = self._arrived(published)
        self._tell(tuple(keyless(change.build, published.keyless)))
        await self.writing.settle(
            number, "live" if state == "live" else "published", self.publisher.fleet()
        )
        shown = change.files
        if ready is None or not change.chosen:
            shown = compared(change.disk, change.build, change.found)
        restored = ready is None or (first and not any(f.state == "current" for f in change.files))
        self._earlier = tuple(self._still_good())
        self._arrived_everywhere = state == "live"
        self._partial = change.partial
        now = datetime.now().astimezone()
        written = time.monotonic()
        arrived = written if published.arrived is None else published.arrived
        self.live = Live(
            build=change.build,
            since=now,
            took=arrived - change.began,
            written=written - change.began,
            number=number,
            restored=restored,
        )
        self.served = Served(
            number=number,
            content=version_of(change.build),
            since=now.timestamp(),
            files=shown,
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

    def _went_back(self, standing: Build | None) -> bool:
        """See whether the publisher offers an earlier version again, and say that it is served."""
        if self.live is None or standing is self.live.build:
            return False
        for live, served in self._earlier:
            if live.build is standing:
                self.live, self.served = live, served
                self._arrived_everywhere = False
                self._earlier = ()
                return True
        return False  # a publish was cut off: the next one says what is live

    def _still_good(self) -> Iterator[tuple[Live, Served]]:
        """Give what the publisher goes back to when a late node refuses the newest."""
        fallback = self.publisher.fallback
        last = self.live
        if last is not None and last.build is fallback:
            yield last, self.served
        else:
            yield from (one for one in self._earlier if one[0].build is fallback)

    def _is_served(self, change: Change, build: Build) -> bool:
        """Whether it is what everybody has.

        Files that end a rollback are a version of their own: else nobody knew after a restart.
        """
        live = self.live
        if live is None or self.publisher.standing is not live.build or not same(live.build, build):
            return False
        if change.partial != self._partial:  # who was sent nothing meanwhile is to be served
            return False
        return self.served.pinned is None or change.kind == "rollback"

    def _nothing_new(self, change: Change, kept: tuple[Kept, ...]) -> Result:
        """What was chosen is what is served: no change, or the mistakes are all that is new."""
        if change.chosen:
            self.served = replace(self.served, files=change.files, kept=kept)
        files = self.served.files
        if not kept and all(one.state == "current" for one in files):
            self.stage.unchanged()
        elif errors(self._mistakes):
            self.stage.stays(self.live.since if self.live else None)
        return self._result("unchanged")

    def _stay(self, state: State, disk: Sources | None) -> Result:
        live = self.live.build if self.live else None
        self.served = replace(self.served, files=compared(disk, live, self._mistakes))
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
