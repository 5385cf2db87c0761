"""What may go to a node now, so that it never names what is not there: add, move, drain, remove.

Each resource says what it needs. One is sent once all that it needs is ACKed, and taken away once
nothing that the node may hold needs it, and some time after. The phases are what comes of that:
clusters with their endpoints, then new scopes with their tables, then routes, then listeners, then
what has no user any more. Nothing remembers a phase, so a newer version merges into what is under
way, and a restart goes on from what the node holds.

A node asks by name for endpoints, tables, secrets and extensions once something names them: what
it does not ask for is not waited for, it travels with its user.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SCOPE,
    SECRET,
    Reference,
    Resource,
)
from controlplane.xds.subscription import Subscription
from controlplane.xds.world import World

GRACE_SECONDS = 1.0
"""How long a resource stays after its last user has left."""

DRAIN_SECONDS = 600.5
"""How long what a listener names stays after it: Envoy's default drain time, and a little."""

ASKING_SECONDS = 0.5
"""How long after a cluster a node is expected to ask for its endpoints, after a scope its table."""

FOLLOWING: Mapping[str, str] = {CLUSTER: ENDPOINTS, SCOPE: ROUTES}
"""What a node asks for once it has taken what names it: the two are of use only together."""

_BY_LISTENERS = frozenset({SCOPE, ROUTES})
"""What a listener alone names, and a new one may name by other names."""

ANY = "*"

_MAY_NEED: Mapping[str, tuple[str, ...]] = {
    CLUSTER: (ENDPOINTS, SECRET),
    LISTENER: (CLUSTER, SECRET, EXTENSION, SCOPE, ROUTES),
    EXTENSION: (CLUSTER, SECRET),
    SCOPE: (ROUTES,),
    ROUTES: (CLUSTER, SCOPE),
}


def unknown(type_url: str, name: str, version: str) -> Resource:
    """Stand for a resource that a node holds and nobody knows: it may need anything."""
    needs = frozenset(Reference(t, ANY) for t in _MAY_NEED.get(type_url, ()))
    return Resource(type_url=type_url, name=name, body=b"", version=version, needs=needs)


@dataclass(frozen=True, kw_only=True)
class NodeGate:
    """What may be sent of one type to one node at a moment (monotonic seconds).

    `memory` is what it may hold of types that it has not asked for on this stream, `drains` until
    when what has lost a user stays, `asking` until when a node is expected to ask for a name,
    `arriving` whether it is about to say what it holds, `envoy` whether it will ask for clusters,
    `quarantine` the versions that a node like it refused.
    """

    type_url: str
    world: World
    subscriptions: Mapping[str, Subscription]
    memory: Mapping[str, tuple[Resource, ...]]
    drains: Mapping[Reference, float]
    asking: Mapping[Reference, float]
    arriving: bool
    envoy: bool = False
    quarantine: Mapping[Reference, frozenset[str]] = field(default_factory=dict)
    now: float

    def admits(self, one: Resource) -> bool:
        """Whether all that a resource needs and the node asks for is ACKed.

        A cluster does not wait for its endpoints: they follow it.
        """
        unlike = {ENDPOINTS} if one.type_url == CLUSTER else self._rested
        return all(self._there(need) for need in one.needs if need.type_url not in unlike)

    def releases(self, name: str) -> bool:
        """Whether nothing that the node may hold needs what is to be taken away."""
        if self.arriving:
            return False
        one, every = Reference(self.type_url, name), Reference(self.type_url, ANY)
        if one in self._needed or every in self._needed:
            return False
        return all(self.drains.get(ref, 0.0) <= self.now for ref in (one, every))

    def barred(self, one: Resource) -> bool:
        """Whether a node like this one refused this content."""
        if not self.quarantine:
            return False
        return one.version in self.quarantine.get(Reference(one.type_url, one.name), ())

    def hopeless(self, one: Resource) -> bool:
        """Whether a resource waits for what was refused: only another version can help."""
        return any(map(self._refused, one.needs))

    def _refused(self, need: Reference) -> bool:
        subscription = self.subscriptions.get(need.type_url)
        target = self.world.offers[need.type_url].resources.get(need.name)
        if subscription is None or target is None or subscription.has(target):
            return False
        return self.barred(target) or subscription.refuses(target)

    @cached_property
    def _needed(self) -> frozenset[Reference]:
        return frozenset().union(*(one.needs for one in self._live()))

    def _live(self) -> Iterator[Resource]:
        for subscription in self.subscriptions.values():
            yield from subscription.live()
        for type_url, several in self.memory.items():
            if type_url not in self.subscriptions:
                yield from several

    @cached_property
    def _rested(self) -> frozenset[str]:
        """The types of which the node has all, so that thousands of needs are no thousand looks."""
        mine = {t for t, s in self.subscriptions.items() if s.rests(self.world.offers[t])}
        for first, then in FOLLOWING.items():
            if then not in mine and then in self.subscriptions:
                mine.discard(first)
        return frozenset(mine)

    def _there(self, need: Reference) -> bool:
        subscription = self.subscriptions.get(need.type_url)
        if subscription is None and need.type_url == CLUSTER and self.envoy:
            return False  # in SotW an Envoy does not while one gets warm
        if subscription is None or not subscription.covers(need.name):
            return self.asking.get(need, 0.0) <= self.now
        one = self.world.offers[need.type_url].resources.get(need.name)
        if one is None:  # it would never come
            return True
        if not subscription.has(one):
            return False
        then = FOLLOWING.get(need.type_url)
        return all(self._there(more) for more in one.needs if more.type_url == then)


def drained(
    known: Mapping[Reference, float],
    before: Subscription,
    after: Subscription,
    now: float,
    drain_seconds: float,
) -> dict[Reference, float]:
    """Say until when what has lost a user stays, now that a node has let go of some of them."""
    until = dict(known)
    for one in _lost(before, after):
        seconds = drain_seconds if one.type_url == LISTENER else GRACE_SECONDS
        still = frozenset().union(*(other.needs for other in after.candidates(one.name)))
        until |= {need: max(now + seconds, until.get(need, 0.0)) for need in one.needs - still}
    return until


def leftover(brought: Subscription, world: World, until: float) -> dict[Reference, float]:
    """Say until when what a node brings stays that only a listener names, and is not offered.

    Nothing says whether a listener drains that names it; a control plane that is gone knew.
    """
    type_url = brought.type_url
    if type_url not in _BY_LISTENERS:
        return {}
    names = {*brought.held, *brought.doubted} - world.offers[type_url].resources.keys()
    return dict.fromkeys((Reference(type_url, name) for name in names), until)


def expected(
    before: Subscription, after: Subscription, then: Subscription | None, now: float
) -> dict[Reference, float]:
    """Say until when a node is expected to ask for what follows, now that it has taken some."""
    following = FOLLOWING.get(after.type_url)
    if following is None or before.pending is None or then is None:
        return {}
    sent = (one for one in before.pending.content.values() if one is not None)
    new = (one for one in sent if after.has(one) and not before.has(one))
    needs = (n for one in new for n in one.needs if n.type_url == following)
    return {need: now + ASKING_SECONDS for need in needs if not then.covers(need.name)}


def _lost(before: Subscription, after: Subscription) -> Iterator[Resource]:
    """Give what the node held and does not hold any more."""
    if before.held is not after.held:
        for name, one in before.held.items():
            if one is not None and after.held.get(name) is not one and not after.may_hold(one):
                yield one
    if before.doubted is not after.doubted:
        several = (one for known in before.doubted.values() for one in known)
        yield from (one for one in several if not after.may_hold(one))
