"""One version on its way to everybody: first the services that judge by it, then every Envoy.

    async with Publisher("unix:/run/foregate/xds.sock", options) as publisher:
        published = await publisher.publish(build, within=5)

It also keeps up what changes between versions: issuers' keys, the instances of the services (an
Envoy's endpoints), and how many of them there are. Phases within one Envoy are the streams' own.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

import structlog

from controlplane.build import Build
from controlplane.keyring.keyring import Keyring
from controlplane.rollout.consumers import grants
from controlplane.rollout.latecomers import Latecomers
from controlplane.rollout.moving import Moving
from controlplane.rollout.offering import Offering
from controlplane.rollout.options import PublisherOptions
from controlplane.rollout.published import Published
from controlplane.seen.blame import Blames
from controlplane.seen.fleet import NodeView
from controlplane.snapshot import Snapshot
from controlplane.xds.events import Acked, Instances, Nacked, Silent, Wanted
from controlplane.xds.news import Heard
from controlplane.xds.server import Server
from controlplane.xds.world import ENVOY
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ, KEY_REQUEST

SERVICES_SECONDS = 5.0
"""How long a version waits for the services that its routes call; then it goes on, and says so."""

KEYS_SECONDS = 2.5
"""How long a version waits for the first attempt at an issuer's keys."""

RETURN_SECONDS = 12.0
"""How long after a start instances have to come back before Envoys stop calling them: one try of
theirs, with the wait before it, takes 10 s at most."""

_log = structlog.get_logger(__name__)


class Publisher:
    """The xDS server with its keyring.

    `answering` is set once services can ask, `offered` once Envoys can.
    """

    def __init__(self, address: str, options: PublisherOptions) -> None:
        self.answering = asyncio.Event()
        self.offered = asyncio.Event()
        self._server = Server(
            address, heard=self._heard, options=replace(options.server, memory=options.recorder)
        )
        self._keyring = Keyring(
            folder=options.state,
            root=options.files,
            trust_store=options.trust_store,
            on_change=self._offer_services,
        )
        self._offering = Offering(self._server, self._keyring)
        self._recorder = options.recorder
        self._took = options.took
        self._published = options.published
        self._saved: float | None = None
        self._moving = Moving(self._moved)
        self._returning: asyncio.TimerHandle | None = None
        self._envoys: Snapshot | None = None
        self._partial: set[str] = set()
        self._blames = Blames()
        self._turn = asyncio.Lock()
        self._latecomers = Latecomers(
            self._offering,
            self._moving,
            waited_for=self._turn.locked,
            arrived=self._arrived,
            take_back=self._take_back,
        )
        self._held = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the port. Raises RuntimeError when the address is taken."""
        await self._held.enter_async_context(self._server)
        await self._held.enter_async_context(self._keyring)
        following = self._recorder.following(self._server.ledger, self._kept)
        await self._held.enter_async_context(following)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all streams; nodes keep what they have."""
        await self._held.aclose()
        self._moving.close()
        self._latecomers.close()
        if self._returning is not None:
            self._returning.cancel()

    @property
    def server(self) -> Server:
        """The server, to be looked at."""
        return self._server

    async def publish(  # noqa: PLR0913 # each says another thing about one version
        self,
        build: Build,
        *,
        within: float,
        services: float = SERVICES_SECONDS,
        patient: bool = False,
        saved: float | None = None,
        proved: str | None = None,
        partial: bool = False,
    ) -> Published:
        """Bring a build without errors to everybody; what is refused is taken back.

        `within` seconds for the Envoys, `services` for the services before them. Nobody is waited
        for who is not connected, except by who is `patient`, and services by the first version.
        `saved` is when it was saved (monotonic seconds). `proved` is for which software of Envoys
        (`envoy/1.40.0`), None for all, "" for none: of any other, one goes first. `partial`: files
        are broken of which nothing older is known here; Envoys that come with more keep that.
        """
        async with self._turn:
            self._saved = saved
            moving = self._moving
            first = moving.target is None
            self._want(moving.good, moving.target, build)
            await self._keyring.first(within=KEYS_SECONDS)
            self._move(build)
            late: dict[str, str] = {}
            until = time.monotonic() + services
            for role in sorted(build.calls):
                outcome = await self._offering.answered(
                    role, until, wait=patient or first, nodes=self._offering.awaited(role, build)
                )
                if outcome.state == "rejected":
                    self._take_back()
                    return Published(outcome=outcome, rejecting=role)
                slow = self._offering.slow(role, build)
                self._offering.late(role, slow)
                if outcome.state != "live" or slow:
                    late[role] = ", ".join(outcome.waiting or slow) or role
                    _log.warning("service is late", service=role, waiting=late[role])
            self._offering.keep(build)
            self._envoys = build.snapshot
            self._offer_envoys(proved, partial=partial)
            outcome = await self._offering.answered(ENVOY, time.monotonic() + within, wait=patient)
            if outcome.state == "rejected":
                self._take_back()
                return Published(outcome=outcome, late=tuple(late.values()))
            arrived = None
            if outcome.state == "live":
                arrived = time.monotonic()
                self._arrived()
                until = time.monotonic() + services
                for role in sorted(build.calls - late.keys()):
                    last = await self._offering.answered(role, until, wait=False)
                    if last.state != "live":
                        late[role] = ", ".join(last.waiting) or role
            if outcome.state == "late" and not outcome.waiting:  # nobody is there to refuse it
                moving.unopposed()
            if outcome.state == "live" or not outcome.waiting:
                await self._recorder.keep(self._kept())
            keyless = self._keyring.keyless()
            return Published(
                outcome=outcome, late=tuple(late.values()), keyless=keyless, arrived=arrived
            )

    def before(self) -> Build | None:
        """Read the last good version of an earlier run, and what others left. Blocks."""
        self._offering.earlier = self._recorder.earlier()
        return self._recorder.published()

    def resume(self, last: Build) -> None:
        """Know the last good version of an earlier run, before anything is published.

        Nodes that come back have it, so a new version moves them from it as from any other.
        """
        self._moving.resume(last)
        self._offering.resume(last)
        if last.snapshot is not None:
            self._server.accept(last.snapshot)

    def _kept(self) -> Build | None:
        """Give what is to outlive the process, as it is on offer."""
        build = self._moving.kept
        if build is None:
            return None
        return self._offering.as_offered(build, newest=build is self._moving.target)

    def _returned(self) -> None:
        """Count with the instances that are there: those of an earlier run had their time."""
        self._offering.returned()
        if self._moving.target is not None:
            self._offering.recount(self._moving.target)
        self._offering.call_members()

    def fleet(self) -> tuple[NodeView, ...]:
        """Show all nodes, refusals at their lines."""
        return self._blames.placed(self._server.fleet())

    @property
    def standing(self) -> Build | None:
        """What everybody is offered, or was by an earlier run."""
        return self._moving.standing

    @property
    def fallback(self) -> Build | None:
        """What everybody is offered again if somebody refuses what stands."""
        return self._moving.fallback

    def _move(self, build: Build) -> None:
        """Offer a build to the services, and of its consumers those that there were before."""
        granted = grants(build.services[EXTAUTHZ].of(CONSUMERS)[CONSUMERS_NAME])
        self._moving.to(build, granted, self._offering.granted())
        self._offer_services()

    def _arrived(self) -> None:
        """All Envoys have the target."""
        self._partial &= {self._envoys.version} if self._envoys else set()  # none goes back further
        if self._saved is not None:
            self._took(time.monotonic() - self._saved)
            self._saved = None
        for role, offered in self._offering.offered.items():
            self._server.accept(offered, role)
        stragglers = self._server.nodes_of(ENVOY, but="live")
        self._moving.arrived(all_of_them=not stragglers)

    def _moved(self) -> None:
        """No Envoy judges by old routes any more."""
        if self._moving.target is not None:
            self._want(self._moving.good, self._moving.target)
        self._offer_services()

    def _take_back(self) -> bool:
        """Send the last good again, if there is one: a refusal may have been applied in part."""
        self._saved = None
        last = self._moving.before_target()
        if last is None:
            return False
        self._envoys = last.snapshot
        self._move(last)
        partial = self._envoys is not None and self._envoys.version in self._partial
        self._offer_envoys(None if last is self._moving.good else "", partial=partial)
        return True

    def _want(self, *builds: Build | None) -> None:
        """Have the keys of these builds: until Envoys have moved, the old routes need theirs."""
        there = [build for build in builds if build is not None]
        sources = dict.fromkeys(source for build in there for source in build.key_sources)
        self._keyring.want(tuple(sources), there[-1].keys_use_for_ms)

    def _offer_services(self) -> None:
        """Offer the services what the newest build and the keyring say."""
        if self._moving.target is not None:
            self._offering.services(self._moving.target, self._moving.allowed)
            if self._offering.resumed and self._returning is None:
                later = asyncio.get_running_loop().call_later
                self._returning = later(RETURN_SECONDS, self._returned)
            self.answering.set()

    def _offer_envoys(self, proved: str | None, *, partial: bool) -> None:
        """Offer the Envoys the newest snapshot, with the instances of the services."""
        if self._envoys is not None:
            self._partial.discard(self._envoys.version)
            if partial:
                self._partial.add(self._envoys.version)
            self._offering.envoys(self._envoys, proved, partial=partial)
            self._moving.offered()
            self._published(self._envoys.version)
            self.offered.set()

    def _heard(self, event: Heard) -> None:
        match event:
            case Wanted(type_url=type_url, name=name) if type_url == KEY_REQUEST:
                self._keyring.wanted(name)
            case Instances(role=role, addresses=addresses):
                _log.info("service instances", service=role, addresses=addresses)
                self._offering.ready(role, addresses)
                self._offer_services()
                self._offering.call_members()
            case Acked() | Silent():
                self._latecomers.look_soon()
            case Nacked():
                self._blames.remember(event, self._moving.target, self._moving.good)
                self._latecomers.look()
            case _:
                pass
