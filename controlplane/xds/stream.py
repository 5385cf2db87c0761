"""One ADS stream: all types of one node, in an order in which nothing is named before it is there.

On one publish a node is sent first the clusters with their endpoints and secrets (new ones beside
those that are to go), then what names them once clusters and endpoints are ACKed, and only then
the old clusters leave. Timeouts, drain times and a restart between these steps are the rollout's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SCOPE,
    Resource,
)
from controlplane.xds.node import unfit
from controlplane.xds.subscription import WILDCARD, Push, Request, Subscription, Verdict
from controlplane.xds.world import ENVOY, Offer, World
from protos import KEY_REQUEST

_TARGETS = (CLUSTER, ENDPOINTS)
# Secrets are in neither: Envoy ACKs clusters only when they are warm, which may need a secret.
_USERS = (LISTENER, EXTENSION, SCOPE, ROUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A reply to write to the client."""

    push: Push


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked:
    """The node took a version of a type."""

    node: str
    type_url: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nacked:
    """The node refused a version of a type; `message` is the client's own."""

    node: str
    type_url: str
    version: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The node asked for a type that its role is not served; the stream goes on."""

    node: str
    type_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The node asked for a name of a type under which nothing ever exists: the asking counts."""

    node: str
    type_url: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """The addresses (sorted) at which instances of a service are ready, whenever they change."""

    role: str
    addresses: tuple[str, ...]


Status = Literal["INVALID_ARGUMENT", "UNAVAILABLE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """End the stream with a gRPC status, named as gRPC names it."""

    status: Status
    message: str


State = Literal["waiting", "live", "rejected"]
"""`live`: the node ACKed all that it asked for, and asked for all that its role needs (an Envoy
that just starts asks for clusters first). `rejected`: it is done, but refused a part."""

Event = Send | Acked | Nacked | Ignored | Wanted | Close


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What comes of one input: the stream afterwards, and what to do, in this order."""

    stream: "Stream"
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The state of one stream. `id` is unique among all streams that a client may remember.

    `worlds` is what is published, by role. The first request says which role the node has, and
    where a service is reached. `leaving` are clusters and endpoints that its world no longer has,
    by type and name, served until nothing names them. `ready`: it was live on this stream and has
    refused nothing since; what is on its way does not count.
    """

    id: str
    delta: bool
    worlds: Mapping[str, World] = field(default_factory=dict)
    node: str = ""
    role: str = ENVOY
    address: str = ""
    software: str = ""
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    leaving: Mapping[str, Mapping[str, Resource]] = field(default_factory=dict)
    ready: bool = False

    @property
    def world(self) -> World | None:
        """What the node shall have; None until there is a first snapshot for its role."""
        return self.worlds.get(self.role)

    def receive(self, request: Request) -> Step:
        """Take in a request."""
        mine = self if self.node else _introduced(self, request)
        wrong = _wrong(self, request)
        if wrong:
            close = Close(status="INVALID_ARGUMENT", message=wrong)
            return Step(stream=self, events=(close,))
        if mine.world is None:  # an empty answer would delete all that the node has
            close = Close(status="UNAVAILABLE", message="no configuration yet")
            return Step(stream=self, events=(close,))
        type_url = request.type_url
        if type_url not in mine.world.offers:
            return Step(stream=mine, events=(Ignored(node=mine.node, type_url=type_url),))
        before = mine.subscriptions.get(type_url) or Subscription(
            type_url=type_url, delta=self.delta, prefix=f"{self.id}-"
        )
        after, verdict = before.receive(request)
        events = _answer(mine.node, type_url, verdict) + _asked(mine.node, before, after, request)
        flushed = _flush(_with(mine, after), mine.world)
        refused = type_url != KEY_REQUEST and verdict is not None and verdict.error is not None
        return _judged(replace(flushed, events=(*events, *flushed.events)), refused=refused)

    def publish(self, world: World) -> Step:
        """Take in the newest world of a role. It replaces what of its last was not sent yet."""
        mine = replace(self, worlds={**self.worlds, world.role: world})
        if world.role != self.role:
            return Step(stream=mine, events=())
        leaving: dict[str, dict[str, Resource]] = {}
        for type_url in _TARGETS:
            subscription = self.subscriptions.get(type_url)
            if self.world is not None and subscription is not None:
                there = _offer(self, self.world, type_url).resources
                gone = there.keys() & subscription.sent - world.offers[type_url].resources.keys()
                leaving[type_url] = {name: there[name] for name in gone}
        return _judged(_flush(replace(mine, leaving=leaving), world), refused=False)

    @property
    def state(self) -> State:
        """How far the node is with its world."""
        policy = [s for t, s in self.subscriptions.items() if t != KEY_REQUEST]
        if self.world is None or any(s.pending for s in policy):
            return "waiting"
        if any(s.rejected for s in policy):
            return "rejected"
        missing = self.world.expected - self.subscriptions.keys()
        if any(self.leaving.values()) or not policy or missing:
            return "waiting"
        return "live"

    @property
    def busy(self) -> bool:
        """Whether clusters or endpoints are on their way: what names them has to wait."""
        targets = (self.subscriptions.get(t) for t in _TARGETS)
        return any(s is not None and s.pending for s in targets)


def _wrong(stream: Stream, request: Request) -> str:
    if not request.type_url:
        return "type_url is required on an aggregated stream"
    return "" if stream.node else unfit(request)


def _introduced(stream: Stream, request: Request) -> Stream:
    return replace(
        stream,
        node=request.node,
        role=request.service or ENVOY,
        address=request.address,
        software=request.software,
    )


def _answer(node: str, type_url: str, verdict: Verdict | None) -> tuple[Event, ...]:
    if verdict is None:
        return ()
    version, error = verdict.version, verdict.error
    if error is None:
        return (Acked(node=node, type_url=type_url, version=version),)
    return (Nacked(node=node, type_url=type_url, version=version, message=error),)


def _asked(
    node: str, before: Subscription, after: Subscription, request: Request
) -> tuple[Event, ...]:
    """Say which names were asked for. In delta, to subscribe to one again is to ask again."""
    if request.type_url != KEY_REQUEST:
        return ()
    new = frozenset(request.names) if before.delta else after.names - before.names
    type_url = request.type_url
    return tuple(Wanted(node=node, type_url=type_url, name=n) for n in sorted(new - {WILDCARD}))


def _judged(step: Step, *, refused: bool) -> Step:
    stream = step.stream
    ready = stream.state == "live" or (stream.ready and not refused)
    return replace(step, stream=replace(stream, ready=ready))


def _flush(stream: Stream, world: World) -> Step:
    """Send all that may go now."""
    after, sends = _sends(stream, world)
    users = [after.subscriptions[t] for t in _USERS if t in after.subscriptions]
    if not (after.busy or any(s.pending or s.rejected for s in users)):
        after, more = _sends(replace(after, leaving={}), world)
        sends += more
    return Step(stream=after, events=sends)


def _sends(stream: Stream, world: World) -> tuple[Stream, tuple[Event, ...]]:
    sends: list[Event] = []
    for type_url in world.offers:
        if type_url not in stream.subscriptions or (type_url in _USERS and stream.busy):
            continue
        offer = _offer(stream, world, type_url)
        subscription, push = stream.subscriptions[type_url].push(offer)
        stream = _with(stream, subscription)
        if push is not None:
            sends.append(Send(push=push))
    return stream, tuple(sends)


def _offer(stream: Stream, world: World, type_url: str) -> Offer:
    return world.offers[type_url].with_more(stream.leaving.get(type_url, {}))


def _with(stream: Stream, subscription: Subscription) -> Stream:
    known = {**stream.subscriptions, subscription.type_url: subscription}
    return replace(stream, subscriptions=known)
