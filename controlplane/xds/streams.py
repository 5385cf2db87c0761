"""All open streams: requests and snapshots in, each to whom it concerns; timers."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from controlplane.snapshot import Reference, Resource, Snapshot
from controlplane.xds.admission import Admission
from controlplane.xds.connection import Connection, Told
from controlplane.xds.discovery import Request, version_of
from controlplane.xds.events import Acked, Close, Nacked, Silent
from controlplane.xds.ledger import Ledger
from controlplane.xds.memory import Lasting
from controlplane.xds.meter import Meter
from controlplane.xds.news import Heard, News
from controlplane.xds.phases import DRAIN_SECONDS
from controlplane.xds.quarantine import Quarantine, Rejection
from controlplane.xds.roll import Roll
from controlplane.xds.staging import Staging
from controlplane.xds.stream import Held, Step, Stream
from controlplane.xds.world import ENVOY, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How streams are served.

    `drain_seconds` is how long Envoys drain a listener, `starting` how many streams may be new at
    once. `singly` are the types that are sent one resource at a time. `quiet`: what nodes say is
    no news to whoever reads the log.
    """

    drain_seconds: float = DRAIN_SECONDS
    starting: int = 256
    singly: frozenset[str] = frozenset()
    quiet: bool = False


class Streams:
    """The streams, and what they shall have. `moved` is set whenever one has changed."""

    def __init__(
        self,
        *,
        heard: Callable[[Heard], None] | None,
        memory: Lasting,
        meter: Meter,
        manner: Manner,
    ) -> None:
        self.moved = asyncio.Event()
        self.roll = Roll(self._silent)
        self.ledger = Ledger(lambda: (c.stream for c in self.roll))
        self.stopping = False
        self.worlds: dict[str, World] = {}
        self.accepted: dict[str, Snapshot] = {}
        self._quarantine = Quarantine()
        self._staging = Staging(self._give, lambda: bool(self.opposed(ENVOY)))
        self.news = News(heard, meter, quiet=manner.quiet)
        self._memory = memory
        self._manner = manner
        self._admission = Admission(manner.starting)

    def of(self, role: str) -> list[Stream]:
        """The streams of a role."""
        return [c.stream for c in self.roll if c.stream.role == role]

    def opposed(self, role: str) -> tuple[Nacked, ...]:
        """Refusals of what was not accepted before: a node's old trouble stops no new version."""
        mine = (c for c in self.roll if c.stream.role == role and c.stream.state == "rejected")
        nacks = [nack for c in mine for nack in c.nacks.values()]
        nacks += self._quarantine.nacks(role)
        return tuple(dict.fromkeys(nack for nack in nacks if not self._accepts(role, nack)))

    def open(self, *, delta: bool) -> Connection:
        """Take in a new stream; one that is too many is to be closed at once."""
        stream = Stream(
            id=secrets.token_hex(4),
            delta=delta,
            worlds=dict(self.worlds),
            memory=self._memory,
            drain_seconds=self._manner.drain_seconds,
            singly=self._manner.singly,
        )
        connection = Connection(stream)
        if self._admission.admits(connection, len(self.roll), _now()):
            self.roll.add(connection)
        else:
            message = "too many streams are new: come again"
            connection.close = Close(status="RESOURCE_EXHAUSTED", message=message)
        return connection

    def close(self, connection: Connection) -> None:
        """Forget a stream that has ended."""
        connection.end()
        self._admission.settled(connection)
        if connection.close is not None:
            self.news.closed(connection.close.status)
        if connection not in self.roll:
            return
        self.roll.remove(connection, shown=not self.stopping)
        ended = connection.stream
        if ended.node:
            self._memory.drain(ended.node, ended.drains_at_end(_now()))
        self._staging.leave(connection)
        self.news.ended(ended)
        self.moved.set()
        self._recount(ended.role)

    def introduce(
        self, connection: Connection, request: Request, held: Mapping[str, tuple[Resource, ...]]
    ) -> None:
        """Know who a stream's first request is of, and what that node may hold from before."""
        role = request.service or ENVOY
        if role == ENVOY:
            self._staging.enter(connection, request)
        world, kept_from = self._due(connection, role)
        worlds = connection.stream.worlds
        drains = self._memory.draining(request.node)
        connection.stream = replace(
            connection.stream,
            worlds={**worlds, role: world} if world is not None else worlds,
            held=kept_from,
            brought=held,
            drains=drains or {},
            strange=drains is None,
            quarantine=self._barred(connection, role, _group(request)),
        )

    def receive(self, connection: Connection, request: Request) -> None:
        """Take in a request."""
        known = connection.stream.node
        step = connection.stream.receive(request, _now())
        self._take(connection, step)
        now = connection.stream
        if not known and now.node:
            self.news.connected(now)
        self.moved.set()
        self._recount(now.role)

    def publish(self, world: World, proved: str | None = None, *, partial: bool = False) -> None:
        """Bring every stream of a role to a world, and those that come later.

        Envoys for which it is not `proved` wait for one of them, those that come with something
        for a version that is not `partial`: see `staging`.
        """
        self.worlds[world.role] = world
        if world.role == ENVOY:
            self._staging.publish(world, proved, partial=partial)
        self._spread(world.role)

    def amend(self, amended: Callable[[Snapshot], Snapshot]) -> None:
        """Change what makes no new version, for each Envoy in the version that it has."""
        newest = self._staging.amend(amended)
        if newest is not None:
            self.worlds[ENVOY] = newest
            self._spread(ENVOY)

    def _spread(self, role: str) -> None:
        self._quarantine = self._quarantine.within(role, self._offered(role))
        for connection in self.roll.all():
            self._give(connection, role)
        self.moved.set()
        self._recount(role)

    def _give(self, connection: Connection, role: str = ENVOY) -> None:
        """Have a stream go on with what it shall have by now."""
        stream = connection.stream
        world, kept_from = self._due(connection, role)
        if world is not None:
            barred = self._barred(connection, stream.role, _group(stream))
            self._take(connection, stream.publish(world, _now(), barred, kept_from))

    def _due(self, connection: Connection, role: str) -> tuple[World | None, Held]:
        """Say what a stream shall have of a role, and whether it is kept from the newest."""
        return self._staging.due(connection) if role == ENVOY else (self.worlds.get(role), "")

    def _offered(self, role: str) -> Iterable[World]:
        return self._staging.worlds if role == ENVOY else [self.worlds[role]]

    def _take(self, connection: Connection, step: Step) -> None:
        before = connection.stream.subscriptions
        told = connection.take(step)
        answered = any(isinstance(event, Acked | Nacked) for event in told)
        self.roll.note(connection, answered=answered)
        if self._memory.records and connection.stream.subscriptions is not before:
            self.ledger.note(connection.stream)
        self._arrange(connection)
        for event in told:
            self._tell(connection, event)
        if connection.close is not None:
            self._staging.leave(connection)
        elif connection.stream.role == ENVOY:
            self._staging.note(connection)

    def _arrange(self, connection: Connection) -> None:
        """Have a stream go on when it says, if nothing comes before."""
        if connection.timer is not None:
            connection.timer.cancel()
            connection.timer = None
        wake = connection.stream.wake
        if wake is not None and connection in self.roll:
            loop = asyncio.get_running_loop()
            connection.timer = loop.call_at(wake, self._tick, connection)

    def _tick(self, connection: Connection) -> None:
        connection.timer = None
        self._take(connection, connection.stream.tick(_now()))
        self.moved.set()

    def _silent(self) -> None:
        """Hear that a node is waited for no more."""
        self.moved.set()
        self.news.tell(Silent())

    def _bar(self, connection: Connection) -> None:
        stream = connection.stream
        barred = self._barred(connection, stream.role, _group(stream))
        if barred != stream.quarantine:
            self._take(connection, stream.bar(barred, _now()))

    def _barred(
        self, connection: Connection, role: str, group: str
    ) -> Mapping[Reference, frozenset[str]]:
        """Say what others of a group refused, but for what was accepted before."""
        if role == ENVOY and self._staging.retries(connection):
            return {}
        found = self._quarantine.of(role, group, but=connection.stream.id)
        accepted = self.accepted.get(role)
        if accepted is None:
            return found
        new = {
            at: versions - {version_of(accepted.of(at.type_url).get(at.name))}
            for at, versions in found.items()
        }
        return {at: versions for at, versions in new.items() if versions}

    def _accepts(self, role: str, nacked: Nacked) -> bool:
        accepted = self.accepted.get(role)
        if accepted is None or not nacked.content:
            return False
        there = accepted.of(nacked.type_url)
        return all(version_of(there.get(n)) == v for n, v in nacked.content)

    def _tell(self, connection: Connection, event: Told) -> None:
        self.news.note(connection.stream.role, event)
        match event:
            case Nacked():
                self._admission.settled(connection)
                self._refused(connection, event)
            case Acked():
                self._admission.settled(connection)
                self._taken(connection, event.type_url)
            case _:
                pass
        self.news.tell(event)

    def _refused(self, connection: Connection, nacked: Nacked) -> None:
        """Keep what one refused from the others of its group."""
        stream = connection.stream
        rejection = Rejection(
            role=stream.role, group=_group(stream), stream=stream.id, nacked=nacked
        )
        self._quarantine = self._quarantine.with_one(rejection)
        self._quarantine = self._quarantine.within(stream.role, self._offered(stream.role))
        for other in self.roll:
            if other is not connection:
                self._bar(other)

    def _taken(self, connection: Connection, type_url: str) -> None:
        """Offer to all of a group what one of them took, whoever refused it."""
        stream = connection.stream
        if not self._quarantine.rejections:
            return
        held = stream.subscriptions[type_url].held
        left = self._quarantine.without(stream.role, _group(stream), type_url, held)
        if left != self._quarantine:
            self._quarantine = left
            for other in self.roll:
                self._bar(other)

    def _recount(self, role: str) -> None:
        """See which instances of a service are ready."""
        if role != ENVOY and not self.stopping:
            self.news.ready(role, (s.address for s in self.of(role) if s.ready))


def _group(node: Stream | Request) -> str:
    """Say which nodes are like this one: who names no group is alone."""
    return node.group or f"\n{node.node}"


def _now() -> float:
    return asyncio.get_running_loop().time()
