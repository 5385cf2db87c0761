"""One warm Envoy with the xDS server that feeds it, and what it answers to a copy.

What it is fed goes in two steps: first clusters, endpoints and secrets, then all else. So a table
is read by an Envoy that has the new clusters and no others.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx

from controlplane.prover.admin import Admin
from controlplane.prover.afresh import Afresh
from controlplane.prover.answer import Answer, NoAnswer, Opposed, Taken
from controlplane.prover.bootstrap import bootstrap
from controlplane.prover.child import Program, Standing, running, standing
from controlplane.prover.copies import EMPTY, Copy, Resources
from controlplane.prover.ear import Ear
from controlplane.prover.folder import folder
from controlplane.prover.launch import NO_NAMESPACE
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SECRET,
    Reference,
    Resource,
    Snapshot,
    Subject,
)
from controlplane.xds.events import Nacked
from controlplane.xds.options import ServerOptions
from controlplane.xds.server import Server
from controlplane.xds.world import ENVOY

START_SECONDS = 10.0
"""How long Envoy may take to start."""

MORE_SECONDS = 0.05
"""How long after a refusal others are waited for: a cluster whose endpoints are refused gets warm
only when its time is up."""

POLL_SECONDS = 0.005

FIRST = (CLUSTER, ENDPOINTS, SECRET)
"""What goes first; what refers to it is read after it."""

SINGLY = frozenset({SECRET, EXTENSION, ROUTES})
"""Types whose refusals name nothing. Endpoints are as many as clusters and are sent together."""


class NoNamespaceError(Exception):
    """The system allows no network namespace."""


class NotStartedError(Exception):
    """Envoy did not start; `why` says how it ended."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Heart:
    """What a prover lives by."""

    child: asyncio.subprocess.Process
    server: Server
    admin: Admin


class Prover:
    """An Envoy that is up and has nothing to prove yet. One question at a time."""

    def __init__(self, heart: Heart, heard: Ear) -> None:
        self._heart = heart
        self._heard = heard
        self._base = EMPTY
        self._fed: Resources = {}
        self._offered: Resources = {}
        self._afresh = Afresh()
        self._listening: Mapping[str, Resource] = {}
        self._turns = 0
        self.pid = heart.child.pid
        self.ended = asyncio.create_task(heart.child.wait())
        self.retired = asyncio.Event()
        self.software = next(
            (view.software for view in heart.server.fleet() if view.role == ENVOY), ""
        )

    @property
    def standing(self) -> Standing | None:
        """How the process is."""
        return standing(self.pid)

    async def feed(self, copy: Copy) -> Answer:
        """Ask for an answer to a whole copy; to be bounded in time by who asks.

        What is accepted is what it goes back to. After a *no* it is to be brought `back`.
        """
        asking = asyncio.ensure_future(self._feed(copy))
        try:
            await asyncio.wait({asking, self.ended}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return NoAnswer(reason="the proving Envoy ended within the proof")
            return asking.result()
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking

    async def back(self) -> bool:
        """Feed again what was accepted last; say whether it is there."""
        return isinstance(await self.feed(self._base), Taken)

    async def _feed(self, copy: Copy) -> Answer:
        new = copy.resources
        before = self._offered.get(CLUSTER, {}).keys()
        if any(new.get(t, {}) != self._fed.get(t, {}) for t in FIRST):
            old = self._base.resources
            secrets = {**old.get(SECRET, {}), **new.get(SECRET, {})}
            first = {**old, **{t: new.get(t, {}) for t in FIRST}, SECRET: secrets}
            nacks = await self._offer(first, FIRST)
            if nacks:
                return self._opposed(copy, nacks)
        if before - new.get(CLUSTER, {}).keys():
            self._afresh.lost_clusters()
        nacks = await self._offer(new, tuple(new))
        if nacks:
            return self._opposed(copy, nacks)
        answer = await self._warm(copy)
        if answer is not None:
            return answer
        self._base = copy
        return Taken(software=self.software, replaced=copy.replaced)

    async def _offer(self, new: Resources, types: tuple[str, ...]) -> tuple[Nacked, ...]:
        """Have Envoy take resources; give what it says against those of some types."""
        self._turns += 1
        self._fed = new
        self._afresh.refused(self._heard.nacks)
        self._offered = self._afresh.offered(new)
        version = f"{self._turns}"
        self._heard.begin()
        self._heart.server.publish(Snapshot(version=version, resources=self._offered))
        opposed = asyncio.ensure_future(self._heard.refused.wait())
        settled = asyncio.ensure_future(self._settled(version))
        try:
            await asyncio.wait({opposed, settled}, return_when=asyncio.FIRST_COMPLETED)
            if not settled.done():
                await asyncio.wait({settled}, timeout=MORE_SECONDS)
            if not self._heard.against(self._offered, types):
                await settled  # what was refused was of before, or is of no interest
        finally:
            opposed.cancel()
            settled.cancel()
        return self._heard.against(self._offered, types)

    async def _settled(self, version: str) -> None:
        """Wait until Envoy has answered all."""
        await self._heart.server.settled(version, within=3600)

    async def _warm(self, copy: Copy) -> Answer | None:
        """Wait until listeners are there: the ACK came before. Tables may be refused meanwhile."""
        wanted = self._offered.get(LISTENER, {})
        if wanted == self._listening:
            return None
        self._listening = {}
        while True:
            nacks = self._heard.against(self._offered, tuple(copy.resources))
            if nacks:
                return self._opposed(copy, nacks)
            try:
                now = await self._heart.admin.listening(wanted)
            except httpx.HTTPError as error:
                return NoAnswer(reason=f"the proving Envoy's admin page: {type(error).__name__}")
            if now.errors:
                names = sorted(now.errors)
                blamed = tuple(Subject(LISTENER, name) for name in names)
                words = now.errors[names[0]]
                return Opposed(blamed=blamed, words=words, software=self.software)
            if not now.warming:
                self._listening = wanted
                return None
            await asyncio.sleep(POLL_SECONDS)

    def _opposed(self, copy: Copy, nacks: tuple[Nacked, ...]) -> Opposed:
        refused = (Reference(nack.type_url, name) for nack in nacks for name, _ in nack.content)
        blamed = (subject for one in dict.fromkeys(refused) for subject in copy.subjects(one))
        words = " ".join(nacks[0].message.split())
        return Opposed(blamed=tuple(dict.fromkeys(blamed)), words=words, software=self.software)


@contextlib.asynccontextmanager
async def prover(program: Program) -> AsyncIterator[Prover]:
    """Start one, and end it. Raises NoNamespaceError or NotStartedError."""
    ear = Ear()
    options = ServerOptions(drain_seconds=0, singly=SINGLY, quiet=True)
    with folder() as own:
        xds, admin, config = own / "xds.sock", own / "admin.sock", own / "envoy.pb"
        config.write_bytes(bootstrap(xds, admin))
        server = Server(f"unix:{xds}", heard=ear.hear, options=options)
        async with server, Admin(admin) as page:
            server.publish(Snapshot(version="0", resources=EMPTY.resources))
            try:
                async with running(program, config) as child:
                    await _up(server, child)
                    made = Prover(Heart(child=child, server=server, admin=page), ear)
                    try:
                        yield made
                    finally:
                        made.ended.cancel()
            except OSError as error:
                raise NotStartedError(f"{program.envoy}: {error.strerror or error}") from None


async def _up(server: Server, child: asyncio.subprocess.Process) -> None:
    """Wait until Envoy has taken nothing, which it asks for when it is up."""
    up = asyncio.ensure_future(server.settled("0", within=START_SECONDS))
    ended = asyncio.ensure_future(child.wait())
    try:
        await asyncio.wait({up, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            if ended.result() == NO_NAMESPACE:
                raise NoNamespaceError
            raise NotStartedError(f"Envoy ended with {ended.result()} at its start")
        if up.result().state != "live":
            raise NotStartedError(f"Envoy did not start within {START_SECONDS:g} s")
    finally:
        up.cancel()
        ended.cancel()
