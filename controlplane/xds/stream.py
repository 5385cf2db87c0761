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
    ORDER,
    ROUTES,
    SCOPE,
    Resource,
)
from controlplane.xds.subscription import Push, Request, Subscription, Verdict
from controlplane.xds.world import Offer, World

NODE_ID_LENGTH = 256
"""Characters; ids are kept, logged and shown, so their size is not the client's to choose."""

_TARGETS = (CLUSTER, ENDPOINTS)
# Secrets are in neither: Envoy ACKs clusters only when they are warm, which may need a secret.
_USERS = (LISTENER, EXTENSION, SCOPE, ROUTES)
_EXPECTED = (CLUSTER, LISTENER, ROUTES)


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
    """The node asked for a type that is not served; the stream goes on."""

    node: str
    type_url: str


Status = Literal["INVALID_ARGUMENT", "UNAVAILABLE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """End the stream with a gRPC status, named as gRPC names it."""

    status: Status
    message: str


State = Literal["waiting", "live", "rejected"]
"""`live`: the node ACKed all that it asked for, and asked for all that an Envoy needs (one that
just starts asks for clusters first). `rejected`: it is done, but refused a part."""

Event = Send | Acked | Nacked | Ignored | Close


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What comes of one input: the stream afterwards, and what to do, in this order."""

    stream: "Stream"
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The state of one stream. `id` is unique among all streams that a client may remember.

    `world` is None until the first snapshot. `leaving` are clusters and endpoints that it no
    longer has, by type and name, served until nothing names them.
    """

    id: str
    delta: bool
    world: World | None
    node: str = ""
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    leaving: Mapping[str, Mapping[str, Resource]] = field(default_factory=dict)

    def receive(self, request: Request) -> Step:
        """Take in a request."""
        refusal = _refusal(self, request)
        if refusal is not None or self.world is None:
            return Step(stream=self, events=(refusal,) if refusal else ())
        mine = self if self.node else replace(self, node=request.node)
        type_url = request.type_url
        if type_url not in self.world.offers:
            return Step(stream=mine, events=(Ignored(node=mine.node, type_url=type_url),))
        before = mine.subscriptions.get(type_url) or Subscription(
            type_url=type_url, delta=self.delta, prefix=f"{self.id}-"
        )
        after, verdict = before.receive(request)
        flushed = _flush(_with(mine, after), self.world)
        if verdict is None:
            return flushed
        return replace(flushed, events=(_answer(mine.node, type_url, verdict), *flushed.events))

    def publish(self, world: World) -> Step:
        """Take in the newest world. It replaces whatever of the last was not sent yet."""
        leaving: dict[str, dict[str, Resource]] = {}
        for type_url in _TARGETS:
            subscription = self.subscriptions.get(type_url)
            if self.world is not None and subscription is not None:
                there = _offer(self, self.world, type_url).resources
                gone = there.keys() & subscription.sent - world.offers[type_url].resources.keys()
                leaving[type_url] = {name: there[name] for name in gone}
        return _flush(replace(self, world=world, leaving=leaving), world)

    @property
    def state(self) -> State:
        """How far the node is with its world."""
        subscriptions = self.subscriptions.values()
        if self.world is None or any(s.pending for s in subscriptions):
            return "waiting"
        if any(s.rejected for s in subscriptions):
            return "rejected"
        offered = {t for t in _EXPECTED if self.world.offers[t].resources}
        if any(self.leaving.values()) or not subscriptions or offered - self.subscriptions.keys():
            return "waiting"
        return "live"

    @property
    def busy(self) -> bool:
        """Whether clusters or endpoints are on their way: what names them has to wait."""
        targets = (self.subscriptions.get(t) for t in _TARGETS)
        return any(s is not None and s.pending for s in targets)


def _refusal(stream: Stream, request: Request) -> Close | None:
    if stream.world is None:  # an empty answer would delete all that the node has
        return Close(status="UNAVAILABLE", message="no configuration yet")
    wrong = ""
    if not request.type_url:
        wrong = "type_url is required on an aggregated stream"
    elif not stream.node and not request.node:
        wrong = "the first request must carry node.id"
    elif not stream.node and len(request.node) > NODE_ID_LENGTH:
        wrong = f"node.id is over {NODE_ID_LENGTH} characters"
    return Close(status="INVALID_ARGUMENT", message=wrong) if wrong else None


def _answer(node: str, type_url: str, verdict: Verdict) -> Event:
    if verdict.error is None:
        return Acked(node=node, type_url=type_url, version=verdict.version)
    return Nacked(node=node, type_url=type_url, version=verdict.version, message=verdict.error)


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
    for type_url in sorted(stream.subscriptions, key=_rank):
        if type_url in _USERS and stream.busy:
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


def _rank(type_url: str) -> int:
    return ORDER.index(type_url) if type_url in ORDER else len(ORDER)
