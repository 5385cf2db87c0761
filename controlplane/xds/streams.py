"""All open streams: requests and snapshots in, each to whom it concerns; timers; what is told."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import structlog

from controlplane.seen.fleet import NodeView
from controlplane.xds.admission import Admission
from controlplane.xds.connection import Connection, Told
from controlplane.xds.discovery import Push, Request
from controlplane.xds.events import Acked, Close, Ignored, Instances, Nacked, Status, Wanted
from controlplane.xds.holding import Held, held_by
from controlplane.xds.memory import Lasting, Memory
from controlplane.xds.meter import Meter, Refusal
from controlplane.xds.quarantine import Quarantine, Rejection
from controlplane.xds.stream import State, Step, Stream
from controlplane.xds.world import ENVOY, World

Heard = Told | Instances

GONE_SECONDS = 300.0
"""How long a node that left is shown."""

GONE = 1_000
"""How many of them, at most."""

_REASONS: Mapping[Status, Refusal] = {
    "INVALID_ARGUMENT": "malformed",
    "UNAVAILABLE": "not_ready",
    "RESOURCE_EXHAUSTED": "busy",
    "DEADLINE_EXCEEDED": "slow",
}
_log = structlog.get_logger(__name__)


class Streams:
    """The streams, and what they shall have. `moved` is set whenever one has changed."""

    def __init__(
        self,
        *,
        heard: Callable[[Heard], None] | None,
        memory: Memory,
        meter: Meter,
        drain_seconds: float,
        starting: int,
    ) -> None:
        self.moved = asyncio.Event()
        self.stopping = False
        self.worlds: dict[str, World] = {}
        self.quarantine = Quarantine()
        self._heard = heard
        self._memory = Lasting(memory)
        self._meter = meter
        self._drain_seconds = drain_seconds
        self._connections: set[Connection] = set()
        self._admission = Admission(starting)
        self._tally: Counter[tuple[str, State]] = Counter()
        self._changed: dict[str, Stream] = {}
        self._gone: dict[str, NodeView] = {}
        self._instances: dict[str, tuple[str, ...]] = {}

    def __iter__(self) -> Iterator[Connection]:
        """Go over the connections whose node is known."""
        return (c for c in self._connections if c.stream.node)

    def of(self, role: str) -> list[Stream]:
        """The streams of a role."""
        return [c.stream for c in self if c.stream.role == role]

    def states(self, role: str) -> dict[State, int]:
        """How many streams of a role are in each state; those that none is in are left out."""
        return {state: n for (of, state), n in self._tally.items() if of == role and n}

    def open(self, *, delta: bool) -> Connection:
        """Take in a new stream; one that is too many is to be closed at once."""
        stream = Stream(
            id=secrets.token_hex(4),
            delta=delta,
            worlds=dict(self.worlds),
            memory=self._memory,
            drain_seconds=self._drain_seconds,
        )
        connection = Connection(stream)
        if self._admission.admits(connection, len(self._connections), _now()):
            self._connections.add(connection)
        else:
            message = "too many streams are new: come again"
            connection.close = Close(status="RESOURCE_EXHAUSTED", message=message)
        return connection

    def close(self, connection: Connection) -> None:
        """Forget a stream that has ended."""
        connection.end()
        self._admission.settled(connection)
        if connection.close is not None:
            self._meter.refused(_REASONS[connection.close.status])
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self._count(connection, None)
        ended = connection.stream
        if ended.node and not self.stopping:
            self._memory.drain(ended.node, ended.drains)
            self._gone.pop(ended.node, None)
            self._gone[ended.node] = replace(connection.view(), state="gone", since=time.time())
            if len(self._gone) > GONE:
                del self._gone[next(iter(self._gone))]
        tell = _log.info if ended.node else _log.debug  # who came too early comes again
        tell("xds stream ended", node=ended.node, role=ended.role, delta=ended.delta)
        self.moved.set()
        self._recount(ended.role)

    def receive(self, connection: Connection, request: Request) -> None:
        """Take in a request."""
        known = connection.stream.node
        self._take(connection, connection.stream.receive(request, _now()))
        now = connection.stream
        if not known and now.node:
            _log.info("xds node connected", node=now.node, role=now.role, delta=now.delta)
            self._bar(connection)
        self.moved.set()
        self._recount(now.role)

    def publish(self, world: World) -> None:
        """Bring every stream of a role to a world, and those that come later."""
        self.worlds[world.role] = world
        self.quarantine = self.quarantine.within(world)
        for connection in tuple(self._connections):
            self._bar(connection)
            self._take(connection, connection.stream.publish(world, _now()))
        self.moved.set()
        self._recount(world.role)

    def wrote(self, connection: Connection, push: Push, size: int) -> None:
        """Count a reply that was written."""
        self._meter.pushed(connection.stream.role, push.type_url, size)

    def views(self) -> tuple[NodeView, ...]:
        """Show all nodes that are connected, or were a short time ago, by role and id."""
        there = [c.view() for c in self]
        known = {view.node for view in there}
        since = time.time() - GONE_SECONDS
        self._gone = {n: v for n, v in self._gone.items() if n not in known and v.since > since}
        return tuple(sorted((*there, *self._gone.values()), key=lambda v: (v.role, v.node)))

    def changed(self) -> Mapping[str, Held]:
        """Return what Envoys may hold, of those where that has changed since the last call."""
        changed, self._changed = self._changed, {}
        return {node: held_by(stream) for node, stream in changed.items()}

    def _take(self, connection: Connection, step: Step) -> None:
        before = connection.stream.subscriptions
        told = connection.take(step)
        stream = connection.stream
        if stream.node:
            self._count(connection, (stream.role, stream.state))
        if stream.role == ENVOY and stream.node and stream.subscriptions is not before:
            self._changed[stream.node] = stream
        self._arrange(connection)
        for event in told:
            self._tell(connection, event)

    def _count(self, connection: Connection, now: tuple[str, State] | None) -> None:
        """Keep the tally: to look at all streams for each ACK of one would be their square."""
        if now != connection.counted:
            self._tally.update([now] if now else [])
            self._tally.subtract([connection.counted] if connection.counted else [])
            connection.counted = now

    def _arrange(self, connection: Connection) -> None:
        """Have a stream go on when it says, if nothing comes before."""
        if connection.timer is not None:
            connection.timer.cancel()
            connection.timer = None
        wake = connection.stream.wake
        if wake is not None and connection in self._connections:
            loop = asyncio.get_running_loop()
            connection.timer = loop.call_at(wake, self._tick, connection)

    def _tick(self, connection: Connection) -> None:
        connection.timer = None
        self._take(connection, connection.stream.tick(_now()))
        self.moved.set()

    def _bar(self, connection: Connection) -> None:
        stream = connection.stream
        barred = self.quarantine.of(stream.role, stream.group, but=stream.id)
        if barred or stream.quarantine:
            self._take(connection, stream.bar(barred, _now()))

    def _tell(self, connection: Connection, event: Told) -> None:
        role = connection.stream.role
        match event:
            case Nacked():
                _log.warning(
                    "xds rejected", node=event.node, type=event.type_url, why=event.message
                )
                self._meter.nacked(role, event.type_url)
                self._admission.settled(connection)
                self._refused(connection, event)
            case Ignored():
                _log.warning("xds type unknown", node=event.node, type=event.type_url)
                self._meter.unknown(role)
            case Wanted():
                _log.debug("xds wanted", node=event.node, type=event.type_url, name=event.name)
            case Acked():
                _log.debug("xds acked", node=event.node, type=event.type_url)
                self._meter.acked(role, event.type_url)
                self._admission.settled(connection)
        if self._heard is not None:
            self._heard(event)

    def _refused(self, connection: Connection, nacked: Nacked) -> None:
        """Keep what one refused from the others of its group."""
        stream = connection.stream
        rejection = Rejection(role=stream.role, group=stream.group, stream=stream.id, nacked=nacked)
        self.quarantine = self.quarantine.with_one(rejection)
        world = stream.world
        if world is not None:
            self.quarantine = self.quarantine.within(world)
        for other in tuple(self):
            if other is not connection:
                self._bar(other)

    def _recount(self, role: str) -> None:
        """Tell of the ready instances of a service when they are others than before."""
        ready = {s.address for s in self.of(role) if s.ready} if role != ENVOY else set()
        now = tuple(sorted(ready))
        if now != self._instances.get(role, ()) and not self.stopping:
            self._instances[role] = now
            _log.info("xds instances", role=role, ready=len(now))
            if self._heard is not None:
                self._heard(Instances(role=role, addresses=now))


def _now() -> float:
    return asyncio.get_running_loop().time()
