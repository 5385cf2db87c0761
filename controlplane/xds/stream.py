"""One ADS stream: all types of one node, each sent when what it names is there (see `phases`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from controlplane.seen.fleet import Phase
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, Reference, Resource
from controlplane.xds import progress
from controlplane.xds.discovery import Push, Request
from controlplane.xds.due import push
from controlplane.xds.events import Close, Event, Ignored, Send, answer, asked
from controlplane.xds.memory import Memory, by_name
from controlplane.xds.node import unfit
from controlplane.xds.phases import (
    DRAIN_SECONDS,
    FOLLOWING,
    NodeGate,
    drained,
    expected,
    leftover,
)
from controlplane.xds.progress import State
from controlplane.xds.subscription import Subscription
from controlplane.xds.world import ENVOY, World
from protos import KEY_REQUEST

NAMES = 250_000
"""How many names of one type a client may ask for."""

ENVOY_SOFTWARE = "envoy/"
"""How what an Envoy says that it runs begins."""

CLUSTERS_SECONDS = 20.0
"""How long an Envoy may take to ask for clusters: in SotW it does not while one gets warm."""

ARRIVAL_SECONDS = 1.0
"""How long an Envoy that comes back may take to say all that it holds."""

Held = Literal["", "older", "all"]
"""Whether a node is kept from the newest world: it has an older one, or is sent nothing at all."""

Quarantine = Mapping[Reference, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What comes of one input: the stream afterwards, and what to do, in this order."""

    stream: "Stream"
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The state of one stream. `id` is unique among all streams that a client may remember.

    `worlds` is what is published, by role. The first request says which role the node has, and
    where a service is reached. `arrives`, `clusters_by`, `drains` and `asking` say until when
    (monotonic seconds) an Envoy may say what it holds and ask for clusters, what lost a user stays,
    and a name is expected to be asked for. `singly` are the types that are sent one at a time.
    `brought` is what it may hold from before, by type, `followers` are endpoints to be sent
    whatever it holds of them, once it asks. `ready`: it was live on this stream and has refused
    nothing since; what is on its way does not count. `held`: it is kept from the newest world.
    `strange`: what it drained before is not known here.
    """

    id: str
    delta: bool
    worlds: Mapping[str, World] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    drain_seconds: float = DRAIN_SECONDS
    singly: frozenset[str] = frozenset()
    node: str = ""
    group: str = ""
    role: str = ENVOY
    address: str = ""
    software: str = ""
    arrives: float = 0.0
    clusters_by: float = 0.0
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    brought: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    drains: Mapping[Reference, float] = field(default_factory=dict)
    strange: bool = False
    asking: Mapping[Reference, float] = field(default_factory=dict)
    followers: frozenset[str] = frozenset()
    quarantine: Quarantine = field(default_factory=dict)
    held: Held = ""
    ready: bool = False

    @property
    def world(self) -> World | None:
        """What the node shall have; None until there is a first snapshot for its role."""
        return self.worlds.get(self.role)

    def receive(self, request: Request, now: float = 0.0) -> Step:
        """Take in a request."""
        mine = self if self.node else _introduced(self, request, now)
        wrong = _wrong(self, request)
        if wrong is not None:
            return Step(stream=self, events=(wrong,))
        if mine.world is None:  # an empty answer would delete all that the node has
            close = Close(status="UNAVAILABLE", message="no configuration yet")
            return Step(stream=self, events=(close,))
        type_url = request.type_url
        if type_url not in mine.world.offers:
            return Step(stream=mine, events=(Ignored(node=mine.node, type_url=type_url),))
        before = mine.subscriptions.get(type_url) or Subscription(
            type_url=type_url, delta=self.delta, prefix=f"{self.id}-"
        )
        found = partial(mine.memory.found, mine.world.offers[type_url])
        after, verdict = before.receive(request, found, by_name(mine.brought.get(type_url, ())))
        if self.strange and not before.began:
            until = now + mine.drain_seconds
            mine = replace(mine, drains={**leftover(after, mine.world, until), **mine.drains})
        if type_url == ENDPOINTS and not before.began:
            after = after.doubt(mine.followers)
            mine = replace(mine, followers=frozenset())
        if len(after.names) > NAMES:
            close = Close(status="RESOURCE_EXHAUSTED", message=f"over {NAMES} names of a type")
            return Step(stream=self, events=(close,))
        events = answer(mine.node, type_url, verdict) + asked(mine.node, before, after, request)
        then = mine.subscriptions.get(FOLLOWING.get(type_url, ""))
        mine = replace(
            mine,
            subscriptions={**mine.subscriptions, type_url: after},
            drains=drained(mine.drains, before, after, now, mine.drain_seconds),
            asking={**mine.asking, **expected(before, after, then, now)},
        )
        flushed = _flush(mine, now)
        refused = type_url != KEY_REQUEST and verdict is not None and verdict.error is not None
        return _judged(replace(flushed, events=(*events, *flushed.events)), refused=refused)

    def publish(
        self,
        world: World,
        now: float = 0.0,
        quarantine: Quarantine | None = None,
        held: Held = "",
    ) -> Step:
        """Take in the world of a role. It replaces what of its last was not sent yet.

        `quarantine` is what then stands of what nodes like this one refused, if that changes too.
        """
        mine = replace(
            self,
            worlds={**self.worlds, world.role: world},
            held=held if world.role == self.role else self.held,
            quarantine=self.quarantine if quarantine is None else quarantine,
        )
        return _flush(mine, now) if world.role == self.role else Step(stream=mine)

    def bar(self, quarantine: Quarantine, now: float = 0.0) -> Step:
        """Take in what nodes like this one refused."""
        if quarantine == self.quarantine:
            return Step(stream=self)
        mine = replace(self, quarantine=quarantine)
        return _flush(mine, now)

    def tick(self, now: float) -> Step:
        """Go on at the time that `wake` said."""
        return _flush(self, now)

    @property
    def wake(self) -> float | None:
        """When it is to be ticked, None as long as only the node can move it."""
        if self.held == "all":
            return None
        known = self.subscriptions.values()
        times: list[float] = []
        if any(s.leaving for s in known):
            times += [*self.drains.values(), *filter(None, [self.arrives])]
        if any(s.waiting for s in known):
            times += [*self.asking.values(), *filter(None, [self.clusters_by])]
        return min(times, default=None)

    def drains_at_end(self, now: float) -> Mapping[Reference, float]:
        """Say until when what lost a user stays, now that the stream ends.

        A listener that is under way may be there already: what the last one named is drained.
        """
        listeners = self.subscriptions.get(LISTENER)
        if listeners is None or not (listeners.pending or listeners.doubted):
            return self.drains
        needs = {need for one in listeners.live() for need in one.needs}
        return {**self.drains, **dict.fromkeys(needs, now + self.drain_seconds)}

    @property
    def state(self) -> State:
        """How far the node is with the newest world."""
        return "waiting" if self.held else self.answered

    @property
    def answered(self) -> State:
        """How far the node is with the world that it was given."""
        return progress.answered(self.world, self.subscriptions)

    @property
    def phase(self) -> Phase:
        """Which step of its world the node is in."""
        return "held" if self.held else progress.phase(self.subscriptions)


def _wrong(stream: Stream, request: Request) -> Close | None:
    why = ""
    if not request.type_url:
        why = "type_url is required on an aggregated stream"
    elif not stream.node:
        why = unfit(request)
    elif request.node and request.node != stream.node:
        why = "node.id is another than in the first request"
    return Close(status="INVALID_ARGUMENT", message=why) if why else None


def _introduced(stream: Stream, request: Request, now: float) -> Stream:
    envoy = request.software.startswith(ENVOY_SOFTWARE)
    return replace(
        stream,
        node=request.node,
        group=request.group,
        role=request.service or ENVOY,
        address=request.address,
        software=request.software,
        arrives=now + ARRIVAL_SECONDS if envoy else 0.0,
        clusters_by=now + CLUSTERS_SECONDS if envoy else 0.0,
    )


def _judged(step: Step, *, refused: bool) -> Step:
    stream = step.stream
    ready = stream.state == "live" or (stream.ready and not refused)
    return step if ready is stream.ready else replace(step, stream=replace(stream, ready=ready))


def _flush(stream: Stream, now: float) -> Step:
    """Send all that may go now."""
    world = stream.world
    if world is None or stream.held == "all":
        return Step(stream=stream)
    if stream.arrives and stream.arrives <= now:
        stream = replace(stream, arrives=0.0)
    if stream.clusters_by and (stream.clusters_by <= now or CLUSTER in stream.subscriptions):
        stream = replace(stream, clusters_by=0.0)
    if stream.drains or stream.asking:
        stream = replace(
            stream,
            drains={ref: until for ref, until in stream.drains.items() if until > now},
            asking={ref: until for ref, until in stream.asking.items() if until > now},
        )
    sends: list[Event] = []
    for type_url, offer in world.offers.items():
        subscription = stream.subscriptions.get(type_url)
        if subscription is None:
            continue
        gate = _gate(stream, world, type_url, now)
        after, reply = push(subscription, offer, gate, singly=type_url in stream.singly)
        if after is not subscription:
            stream = _with(stream, after)
        if reply is not None:
            stream = _followed(stream, subscription, reply)
            sends.append(Send(push=reply))
    return _judged(Step(stream=stream, events=tuple(sends)), refused=False)


def _gate(stream: Stream, world: World, type_url: str, now: float) -> NodeGate:
    return NodeGate(
        type_url=type_url,
        world=world,
        subscriptions=stream.subscriptions,
        memory=stream.brought,
        drains=stream.drains,
        asking=stream.asking,
        arriving=bool(stream.arrives) and progress.arriving(stream.subscriptions),
        envoy=bool(stream.clusters_by),
        quarantine=stream.quarantine,
        now=now,
    )


def _followed(stream: Stream, before: Subscription, push: Push) -> Stream:
    """Have the endpoints of clusters that are sent follow: Envoy waits for them each time."""
    endpoints = stream.subscriptions.get(ENDPOINTS)
    if push.type_url != CLUSTER:
        return stream
    new = [one for one in push.resources if not before.has(one)]
    names = {n.name for one in new for n in one.needs if n.type_url == ENDPOINTS}
    if endpoints is None:
        return replace(stream, followers=stream.followers | names)
    return _with(stream, endpoints.doubt(names))


def _with(stream: Stream, subscription: Subscription) -> Stream:
    known = {**stream.subscriptions, subscription.type_url: subscription}
    return replace(stream, subscriptions=known)
