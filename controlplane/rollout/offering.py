"""What is on offer now, to services and Envoys: made from a build and from who is there."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import structlog

from controlplane.build import Build
from controlplane.compile.services import ROLES, addresses, cluster_name, members
from controlplane.keyring.keyring import Keyring
from controlplane.rollout.consumers import Grant, grants, limited
from controlplane.rollout.members import Members
from controlplane.rollout.recorder import Earlier
from controlplane.rollout.retired import Retired
from controlplane.snapshot import CLUSTER, ENDPOINTS, Resource, Snapshot, resource, snapshot
from controlplane.xds.outcome import Outcome
from controlplane.xds.server import Server
from controlplane.xds.world import ENVOY
from protos import (
    CONSUMERS,
    CONSUMERS_NAME,
    EXTAUTHZ,
    FLEET,
    FLEET_NAME,
    LIMITS,
    PIPELINE,
    RATELIMIT,
)
from protos.limits_pb2 import Fleet

_log = structlog.get_logger(__name__)


class Offering:
    """Puts on offer what has changed. `offered` are the newest snapshots by role.

    `earlier` is what earlier runs left to be answered for; to be set before `resume`.
    """

    def __init__(self, server: Server, keyring: Keyring) -> None:
        self.offered: dict[str, Snapshot] = {}
        self.earlier = Earlier()
        self._to: dict[str, tuple[str | None, bool]] = {}
        self._kept: tuple[tuple[object, ...], Build | None] = ((), None)
        self.consumers: Resource | None = None
        self.resumed: Build | None = None
        self._server = server
        self._keyring = keyring
        self._retired = Retired()
        self._members = {role: Members() for role in ROLES}
        self._archive: Mapping[str, Resource] = {}

    def resume(self, last: Build) -> None:
        """Know what earlier runs have published: nodes still have it."""
        self.consumers = last.services[EXTAUTHZ].of(CONSUMERS).get(CONSUMERS_NAME)
        self._archive = {**self.earlier.policies, **last.services[EXTAUTHZ].of(PIPELINE)}
        for served in self.earlier.limits:
            self._retired.keep(served)
        self.keep(last)
        self.resumed = last
        there_were = last.snapshot.of(ENDPOINTS) if last.snapshot is not None else {}
        for role in ROLES if there_were else ():
            there = addresses(there_were[cluster_name(role)])
            self._members[role] = replace(self._members[role], before=there)

    def returned(self) -> None:
        """Know no longer instances of an earlier run that have not come back."""
        self._members = {
            role: replace(m, ready=m.ready or m.before, before=())
            for role, m in self._members.items()
        }

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of what is on offer, by role."""
        return {role: one.version for role, one in self.offered.items()}

    def keep(self, taken: Build) -> None:
        """Remember the limits of a build that the services took, beside those of later ones."""
        for served in taken.services[RATELIMIT].of(LIMITS).values():
            self._retired.keep(served)

    def granted(self) -> frozenset[Grant] | None:
        """Say what consumers have now, None before anything was offered."""
        return None if self.consumers is None else grants(self.consumers)

    def services(self, target: Build, allowed: frozenset[Grant] | None) -> None:
        """Offer the services what a build and the keyring say; consumers have what is allowed."""
        policy = target.services
        offered = {(r.type_url, r.name): r for r in _all(policy[EXTAUTHZ])}
        at = (CONSUMERS, CONSUMERS_NAME)
        if allowed is not None:
            offered[at] = limited(offered[at], allowed)
        self.consumers = offered[at]
        self._offer(EXTAUTHZ, snapshot([*offered.values(), *self._keyring.resources()]))
        instances = len(self._members[RATELIMIT].ready)
        fleet = resource(FLEET, FLEET_NAME, Fleet(instances=instances))
        own = _all(policy[RATELIMIT])
        kept = (self._retired.beside(r) if r.type_url == LIMITS else r for r in own)
        self._offer(RATELIMIT, snapshot([fleet, *kept]))

    def envoys(self, envoys: Snapshot, proved: str | None = None, *, partial: bool = False) -> None:
        """Offer the Envoys a snapshot, with the instances of the services.

        `proved` is for which software, `partial` whether it lacks a part: see `xds.staging`.
        """
        self._offer(ENVOY, self.with_members(envoys), proved, partial=partial)
        if proved is not None:
            self._server.amend(self.with_members)

    def call_members(self) -> None:
        """Have Envoys call the instances that there are now, whichever version they have."""
        if ENVOY in self.offered:
            new = self.with_members(self.offered[ENVOY])
            if new.version != self.offered[ENVOY].version:
                self.offered[ENVOY] = new
                self._server.amend(self.with_members)

    def with_members(self, envoys: Snapshot) -> Snapshot:
        """Give a snapshot with the instances of the services that Envoys call now."""
        made = {(r.type_url, r.name): r for r in _all(envoys)}
        for role in ROLES:
            name = cluster_name(role)
            salt = envoys.of(CLUSTER)[name].version
            made[ENDPOINTS, name] = members(role, self._members[role].called, salt)
        return snapshot(made.values())

    def as_offered(self, build: Build, *, newest: bool) -> Build:
        """Give a build with the instances that Envoys call now.

        The `newest` has the consumers that there are by now: who waits, waits after a start too.
        """
        called = tuple(self._members[role].called for role in ROLES)
        consumers = self.consumers if newest else None
        key = (id(build), called, consumers)
        if key != self._kept[0] and build.snapshot is not None:
            mine = dict(build.services)
            if consumers is not None:
                others = (r for r in _all(mine[EXTAUTHZ]) if r.type_url != CONSUMERS)
                mine[EXTAUTHZ] = snapshot([*others, consumers])
            made = replace(build, snapshot=self.with_members(build.snapshot), services=mine)
            self._kept = (key, made)
        return self._kept[1] or build

    def ready(self, role: str, addresses: tuple[str, ...]) -> None:
        """Hear which instances of a service are ready."""
        self._members[role] = self._members[role].with_ready(addresses)

    def late(self, role: str, addresses: tuple[str, ...]) -> bool:
        """Hear which instances lack the newest version; say whether that changes who is called."""
        before = self._members[role]
        now = self._members[role] = before.with_late(addresses)
        if now.crowded and not before.crowded:
            _log.error(
                "too many instances are late to leave them out", service=role, late=addresses
            )
        return now.called != before.called

    def awaited(self, role: str, target: Build) -> int:
        """Say how many instances are to be there when a version begins: those of before, or one."""
        return max(1, len(self._missing(role, target)))

    def slow(self, role: str, target: Build) -> tuple[str, ...]:
        """Say which instances lack a version: they judge by another, or may."""
        return tuple(sorted({*self._server.late(role), *self._missing(role, target)}))

    def recount(self, target: Build) -> bool:
        """See who is still late with a version; say whether that changes who is called."""
        changed = False
        for role in target.calls:
            before = self._members[role].late
            if before:
                still = before.intersection(self.slow(role, target))
                changed |= self.late(role, tuple(sorted(still)))
        return changed

    def _missing(self, role: str, target: Build) -> frozenset[str]:
        """Say who of an earlier run is not back, where the version is another one to a service."""
        if self.resumed is None or self.resumed.services.get(role) == target.services.get(role):
            return frozenset()
        return frozenset(self._members[role].before) - frozenset(self._members[role].ready)

    async def answered(self, role: str, until: float, *, wait: bool, nodes: int = 1) -> Outcome:
        """Wait for a role's answer to what it is offered last, which may change meanwhile.

        Without `wait`, who is not connected has not answered, and that is known at once. `nodes`
        are to be there at least.
        """
        if not wait and not self._server.nodes_of(role):
            return Outcome(state="late")
        while True:
            version = self.versions[role]
            left = max(0.0, until - time.monotonic())
            outcome = await self._server.settled(version, within=left, nodes=nodes, role=role)
            if outcome.state != "superseded" or self.versions[role] == version:
                return outcome

    def outcome(self, role: str) -> Outcome | None:
        """How what a role is offered has ended up by now, None while it has not."""
        return self._server.outcome(self.versions[role], role)

    def _offer(
        self, role: str, new: Snapshot, proved: str | None = None, *, partial: bool = False
    ) -> None:
        last, to = self.offered.get(role), (proved, partial)
        if last is None or last.version != new.version or self._to[role] != to:
            self.offered[role], self._to[role] = new, to
            archive = self._archive if role == EXTAUTHZ else None
            self._server.publish(new, role=role, archive=archive, proved=proved, partial=partial)


def _all(one: Snapshot) -> Iterator[Resource]:
    return (r for group in one.resources.values() for r in group.values())
