"""One version on its way to everybody: first the services that judge by it, then every Envoy.

    async with Publisher("unix:/run/foregate/xds.sock", files=Path("gateway")) as publisher:
        published = await publisher.publish(build, within=5)

It also keeps up what changes between versions: issuers' keys, the instances of the services (an
Envoy's endpoints), and how many of them there are. Phases within one Envoy are the streams' own.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from controlplane.build import Build
from controlplane.compile.services import ROLES, cluster_name, members
from controlplane.consumers import in_both
from controlplane.keyring.keyring import Keyring
from controlplane.retired import Retired
from controlplane.snapshot import CLUSTER, ENDPOINTS, Resource, Snapshot, resource, snapshot
from controlplane.xds.events import Acked, Instances, Nacked, Wanted
from controlplane.xds.server import Outcome, Server
from controlplane.xds.streams import Heard
from controlplane.xds.world import ENVOY
from protos import (
    CONSUMERS,
    CONSUMERS_NAME,
    EXTAUTHZ,
    FLEET,
    FLEET_NAME,
    KEY_REQUEST,
    LIMITS,
    RATELIMIT,
)
from protos.limits_pb2 import Fleet

SERVICES_SECONDS = 5.0
"""How long a version waits for the services that its routes call; then it goes on, and says so."""

KEYS_SECONDS = 2.5
"""How long a version waits for the first attempt at an issuer's keys."""

MOVE_SECONDS = 60.0
"""How long consumers that are new wait for Envoys that do not answer."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a version.

    Its `outcome` is `late` where Envoys have not answered yet, or none is connected: it stands all
    the same, and they get it. `late` are services that did not take it in time: their routes
    answer 503 until they do. Where `rejecting` is named, that service refused the version, and it
    went to no Envoy. `keyless` are the key sources without a key: tokens of theirs do not pass.
    """

    outcome: Outcome
    late: tuple[str, ...] = ()
    rejecting: str = ""
    keyless: tuple[str, ...] = ()


class Publisher:
    """The xDS server with its keyring. `files` is where key files are looked up.

    `answering` is set once services can ask, `offered` once Envoys can.
    """

    def __init__(
        self, address: str, *, files: Path, state: Path | None = None, trust_store: str = ""
    ) -> None:
        self.answering = asyncio.Event()
        self.offered = asyncio.Event()
        self._server = Server(address, heard=self._heard)
        self._keyring = Keyring(
            folder=state, root=files, trust_store=trust_store, on_change=self._offer_services
        )
        self._retired = Retired()
        self._target: Build | None = None
        self._good: Build | None = None
        self._consumers: Resource | None = None
        self._base: Resource | None = None
        self._moving: asyncio.TimerHandle | None = None
        self._envoys: Snapshot | None = None
        self._versions: dict[str, str] = {}
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._turn = asyncio.Lock()
        self._held = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the port. Raises RuntimeError when the address is taken."""
        await self._held.enter_async_context(self._server)
        await self._held.enter_async_context(self._keyring)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all streams; nodes keep what they have."""
        if self._moving is not None:
            self._moving.cancel()
        await self._held.aclose()

    @property
    def server(self) -> Server:
        """The server, to be looked at."""
        return self._server

    async def publish(
        self,
        build: Build,
        *,
        within: float,
        services: float = SERVICES_SECONDS,
        patient: bool = False,
    ) -> Published:
        """Bring a build without errors to everybody; what is refused is taken back.

        `within` seconds for the Envoys, `services` for the services before them. Nobody is waited
        for who is not connected, except by who is `patient`, and services by the first version.
        """
        async with self._turn:
            first = self._target is None
            self._want(self._good, self._target, build)
            await self._keyring.first(within=KEYS_SECONDS)
            self._move(build)
            late: dict[str, str] = {}
            until = time.monotonic() + services
            for role in sorted(build.calls):
                outcome = await self._answered(role, until, wait=patient or first)
                if outcome.state == "rejected":
                    self._take_back()
                    return Published(outcome=outcome, rejecting=role)
                if outcome.state != "live":
                    late[role] = ", ".join(outcome.waiting) or role
                    _log.warning("service is late", service=role, waiting=outcome.waiting)
            for served in build.services[RATELIMIT].of(LIMITS).values():
                self._retired.keep(served)
            self._envoys = build.snapshot
            self._offer_envoys()
            outcome = await self._answered(ENVOY, time.monotonic() + within, wait=patient)
            if outcome.state == "rejected":
                self._take_back()
                return Published(outcome=outcome, late=tuple(late.values()))
            if outcome.state == "live":
                self._arrived()
                until = time.monotonic() + services
                for role in sorted(build.calls - late.keys()):
                    last = await self._answered(role, until, wait=False)
                    if last.state != "live":
                        late[role] = ", ".join(last.waiting) or role
            keyless = self._keyring.keyless()
            return Published(outcome=outcome, late=tuple(late.values()), keyless=keyless)

    @property
    def standing(self) -> Build | None:
        """What everybody is offered."""
        return self._target

    def _move(self, build: Build) -> None:
        """Offer a build to the services, and consumers that are in what they had as well.

        That lasts until all Envoys have moved: an old route may not meet a new consumer. Envoys
        that never answer do not keep new consumers away for ever.
        """
        self._target, self._base = build, self._consumers
        if self._moving is not None:
            self._moving.cancel()
        later = asyncio.get_running_loop().call_later
        self._moving = later(MOVE_SECONDS, self._moved_on)
        self._offer_services()

    def _arrived(self) -> None:
        """All Envoys have the target: nobody judges by old routes any more."""
        self._good = self._target
        self._moved_on()

    def _moved_on(self) -> None:
        if self._moving is not None:
            self._moving.cancel()
        self._moving = self._base = None
        if self._target is not None:
            self._want(self._good, self._target)
        self._offer_services()

    def _take_back(self) -> None:
        """Send the last good again: a refusal may have been applied in part."""
        if self._good is None:
            return
        self._envoys = self._good.snapshot
        self._move(self._good)
        self._offer_envoys()

    def _look(self) -> None:
        """See, where Envoys were late with a version, whether they have answered now."""
        if self._moving is None or self._turn.locked() or ENVOY not in self._versions:
            return
        outcome = self._server.outcome(self._versions[ENVOY])
        if outcome is not None and outcome.state == "live":
            self._arrived()
        elif outcome is not None and outcome.state == "rejected" and self._target != self._good:
            why = tuple(nack.message for nack in outcome.nacks)
            _log.error("a late Envoy refuses the version: the last good is back", why=why)
            self._take_back()

    def _want(self, *builds: Build | None) -> None:
        """Have the keys of these builds: until Envoys have moved, the old routes need theirs."""
        there = [build for build in builds if build is not None]
        sources = dict.fromkeys(source for build in there for source in build.key_sources)
        self._keyring.want(tuple(sources), there[-1].keys_use_for_ms)

    async def _answered(self, role: str, until: float, *, wait: bool) -> Outcome:
        """Wait for a role's answer to what it is offered last, which may change meanwhile.

        Without `wait`, who is not connected has not answered, and that is known at once.
        """
        if not wait and not self._server.nodes_of(role):
            return Outcome(state="late")
        while True:
            version = self._versions[role]
            left = max(0.0, until - time.monotonic())
            outcome = await self._server.settled(version, within=left, role=role)
            if outcome.state != "superseded" or self._versions[role] == version:
                return outcome

    def _offer_services(self) -> None:
        """Offer the services what the newest build and the keyring say."""
        if self._target is None:
            return
        policy = self._target.services
        offered = {(r.type_url, r.name): r for r in _all(policy[EXTAUTHZ])}
        at = (CONSUMERS, CONSUMERS_NAME)
        if self._base is not None:
            offered[at] = in_both(self._base, offered[at])
        self._consumers = offered[at]
        self._offer(EXTAUTHZ, snapshot([*offered.values(), *self._keyring.resources()]))
        instances = len(self._addresses.get(RATELIMIT, ()))
        fleet = resource(FLEET, FLEET_NAME, Fleet(instances=instances))
        own = _all(policy[RATELIMIT])
        kept = (self._retired.beside(r) if r.type_url == LIMITS else r for r in own)
        self._offer(RATELIMIT, snapshot([fleet, *kept]))
        self.answering.set()

    def _offer_envoys(self) -> None:
        """Offer the Envoys the newest snapshot, with the instances of the services."""
        if self._envoys is None:
            return
        made = {(r.type_url, r.name): r for r in _all(self._envoys)}
        for role in ROLES:
            salt = self._envoys.of(CLUSTER)[cluster_name(role)].version
            one = members(role, self._addresses.get(role, ()), salt)
            made[ENDPOINTS, one.name] = one
        self._offer(ENVOY, snapshot(made.values()))
        self.offered.set()

    def _offer(self, role: str, new: Snapshot) -> None:
        if self._versions.get(role) != new.version:
            self._versions[role] = new.version
            self._server.publish(new, role=role)

    def _heard(self, event: Heard) -> None:
        match event:
            case Wanted(type_url=type_url, name=name) if type_url == KEY_REQUEST:
                self._keyring.wanted(name)
            case Instances(role=role, addresses=addresses):
                _log.info("service instances", service=role, addresses=addresses)
                if addresses:  # with none connected the last ones stay
                    self._addresses[role] = addresses
                self._offer_services()
                self._offer_envoys()
            case Acked() | Nacked():
                self._look()
            case _:
                pass


def _all(one: Snapshot) -> Iterator[Resource]:
    return (r for group in one.resources.values() for r in group.values())
