"""One save on its way to Envoy: read, build, prove, publish, wait; or say why it stays as it is."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Provenance, Refused, Unproved, lines_of, mistakes
from controlplane.snapshot import Snapshot, Subject
from controlplane.sources import SourceFile
from foregate.dev import envoy
from foregate.dev.backends import local_backends
from foregate.dev.curl import curl_lines
from foregate.dev.demo import Demo
from foregate.dev.ports import Port, ports_of, refusals
from foregate.dev.upstream import Backend
from foregate.dev.voice import Voice
from language.mistakes import Mistake, errors
from language.places import Place

FIRST_SECONDS = 20.0
"""How long the first version may take: Envoy starts meanwhile."""

ACK_SECONDS = 5.0
OPEN_SECONDS = 5.0


class Nack(Protocol):
    """An Envoy's refusal."""

    @property
    def type_url(self) -> str:
        """The type of what it refuses."""

    @property
    def message(self) -> str:
        """Its own words."""


class Outcome(Protocol):
    """How a published version ended up: `live`, `rejected`, `superseded` or `late`."""

    @property
    def state(self) -> str:
        """One of these words."""

    @property
    def nacks(self) -> Sequence[Nack]:
        """What was refused."""


class Control(Protocol):
    """What is needed of the xDS server."""

    def publish(self, snapshot: Snapshot) -> None:
        """Bring every connected node to this snapshot, and those that come later."""

    async def settled(self, version: str, *, within: float) -> Outcome:
        """Wait until all connected nodes, at least one, have answered this version."""


class CannotStartError(Exception):
    """There is nothing to serve and saving a file would not change that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What Envoy serves, and since when."""

    snapshot: Snapshot
    since: datetime


@dataclass(slots=True, kw_only=True)
class Applier:
    """Brings each new state of the sources to Envoy, one after the other.

    `stand_in`: the demo upstream takes the ports of backends that nobody serves. Not for `--to`:
    it would take the port of the very program that the user is about to start.
    """

    read: Callable[[], Sources]
    build: Callable[[tuple[SourceFile, ...]], Build]
    gate: Gate
    control: Control
    demo: Demo
    voice: Voice
    folder: Path
    stand_in: bool
    published: asyncio.Event = field(default_factory=asyncio.Event)
    envoy_up: asyncio.Event = field(default_factory=asyncio.Event)
    _live: Live | None = None
    _last: Sources | None = None

    async def refresh(self) -> None:
        """Read the sources; if they differ from what was read last, make them live or say why not.

        Raises CannotStartError when nothing is live yet and a port is not to be had.
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
            self.voice.mistakes(build.mistakes, texts)
        if self._live and self._live.snapshot.version == build.snapshot.version:
            self.voice.say(f"{_clock(datetime.now().astimezone())} nothing changes for Envoy")
            return
        refused = await self._bring(build, build.snapshot, _origin(sources), began)
        if refused:
            # Not the files but the world said no (a port, an Envoy): saving again tries again.
            self._last = None
            self._stay(refused, texts)

    async def _bring(
        self, build: Build, snapshot: Snapshot, origin: Place, began: float
    ) -> tuple[Mistake, ...]:
        """Make a snapshot live, or give what stands against it."""
        ports = self._new_ports(snapshot)
        taken = refusals(ports, build.provenance, origin)
        if taken:
            if self._live is None:
                raise CannotStartError(*(f"{one.message}: {one.hint}" for one in taken))
            return taken
        verdict = await self.gate.prove(snapshot)
        if isinstance(verdict, Refused):
            return mistakes(verdict, build.provenance, origin)
        if isinstance(verdict, Unproved):
            self.voice.warn(f"not proved by Envoy before it goes live: {verdict.reason}")
        backends = local_backends(build.plan) if build.plan and self.stand_in else ()
        others = await self.demo.serve(backends)
        first = not self.published.is_set()
        self.control.publish(snapshot)
        self.published.set()
        seconds = FIRST_SECONDS if first else ACK_SECONDS
        outcome = await self.control.settled(snapshot.version, within=seconds)
        if outcome.state != "live":
            return self._take_back(outcome, build, origin)
        await self.envoy_up.wait()  # bounded by its supervisor, which gives up
        for port in ports:
            await envoy.accepts(port.host, port.port, OPEN_SECONDS)
        greet = self._live is None
        self._live = Live(snapshot=snapshot, since=datetime.now().astimezone())
        took = time.monotonic() - began
        if greet:
            self._greet(build, ports, backends, others, took)
        else:
            self.voice.say(f"{_clock(self._live.since)} live in {took:.2f} s")
        return ()

    def _take_back(self, outcome: Outcome, build: Build, origin: Place) -> tuple[Mistake, ...]:
        """Send the last good again: a refusal may have been applied in part."""
        if self._live:
            self.control.publish(self._live.snapshot)
        if outcome.state == "rejected":
            return nack_mistakes(outcome.nacks, build.provenance, origin)
        return (Mistake(place=origin, message="Envoy has not taken this version in time"),)

    def _new_ports(self, snapshot: Snapshot) -> tuple[Port, ...]:
        held = {(p.host, p.port) for p in ports_of(self._live.snapshot)} if self._live else set()
        return tuple(p for p in ports_of(snapshot) if (p.host, p.port) not in held)

    def _stay(self, found: Sequence[Mistake], texts: dict[str, str]) -> None:
        self.voice.mistakes(found, texts)
        if not errors(found):
            return
        if self._live:
            self.voice.warn(f"still serving the version of {_clock(self._live.since)}")
        else:
            self.voice.warn("nothing is served yet: mend this and save")

    def _greet(
        self,
        build: Build,
        ports: tuple[Port, ...],
        backends: tuple[Backend, ...],
        others: frozenset[str],
        took: float,
    ) -> None:
        """Say where the gateway is and what to try."""
        base = ports[0].url if ports else ""
        served = frozenset(one.name for one in backends)
        lines = curl_lines(build.plan, base, served) if build.plan else ()
        self.voice.say(
            f"{base} is live, after {took:.1f} s",
            "",
            *(f"  {line}" for line in lines),
            "",
        )
        demo = [f"{one.name} (port {one.port})" for one in backends if one.name not in others]
        if demo:
            self.voice.say("the demo upstream answers for " + ", ".join(demo))
        admin = envoy.admin_address(self.folder)
        self.voice.say(f"Envoy's admin page is http://{admin}; Ctrl-C ends all")


def nack_mistakes(
    nacks: Sequence[Nack], provenance: Provenance, origin: Place
) -> tuple[Mistake, ...]:
    """Tell Envoy's refusals at the lines of the resource that its words name, if they name one."""
    found = []
    for nack in nacks:
        named = [s for s in provenance if s.type_url == nack.type_url and s.name in nack.message]
        named.sort(key=lambda s: (-len(s.name), s.part))
        subject = named[0] if named else Subject(nack.type_url, "")
        places = lines_of(subject, provenance) or (origin,)
        found.append(
            Mistake(place=places[0], message=f"Envoy refuses this: {nack.message}", also=places[1:])
        )
    return tuple(dict.fromkeys(found))


def _origin(sources: Sources) -> Place:
    return Place(sources.files[0].name if sources.files else "", 1, 1)


def _clock(when: datetime) -> str:
    return when.strftime("%H:%M:%S")
