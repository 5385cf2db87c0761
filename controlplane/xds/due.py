"""What is sent next of one type: what differs from what the client holds, as far as it may go."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from controlplane.snapshot import Resource
from controlplane.xds.discovery import Pending, Push, same, version_of
from controlplane.xds.kinds import KEPT, WILDCARD
from controlplane.xds.subscription import Subscription
from controlplane.xds.world import Offer

REPLY_BYTES = 3 * 2**20
"""Above this many bytes a reply is split (where the protocol lets it be): gRPC clients other than
Envoy refuse messages above 4 MiB."""

_NAME_BYTES = 64  # what a name costs in a reply besides itself, at most

Content = dict[str, Resource | None]


class Gate(Protocol):
    """What may be sent now, of what differs from what the client holds."""

    def hopeless(self, one: Resource) -> bool:
        """Whether a resource waits for what was refused."""

    def admits(self, one: Resource) -> bool:
        """Whether all is there that the resource names."""

    def releases(self, name: str) -> bool:
        """Whether nothing names a resource any more that is to be taken away."""

    def barred(self, one: Resource) -> bool:
        """Whether this content was refused by a node like this one."""


def push(
    sub: Subscription, offer: Offer, gate: Gate, *, singly: bool = False
) -> tuple[Subscription, Push | None]:
    """Return the next push where one is due, and none as long as the last has no answer.

    `singly`: it holds one resource, so that a NACK is about that one.
    """
    if sub.pending is not None or sub.rests(offer):
        return sub, None
    due, mine = _due(sub, offer, gate)
    if due and singly and not sub.whole:
        due = dict([min(due.items())])
    if due is None:
        return _shared(mine, offer), None
    nonce = f"{sub.prefix}{sub.serial + 1}"
    there = (due[name] for name in sorted(due))
    push = Push(
        type_url=sub.type_url,
        nonce=nonce,
        version=offer.version,
        resources=tuple(one for one in there if one is not None),
        removed=tuple(n for n in sorted(due) if due[n] is None) if sub.delta else (),
    )
    pending = Pending(nonce=nonce, version=offer.version, content=due, alone=len(due) == 1)
    return replace(mine, serial=sub.serial + 1, owed=False, pending=pending), push


def _due(sub: Subscription, offer: Offer, gate: Gate) -> tuple[Content | None, Subscription]:
    """Return what must be sent now, None for nothing."""
    if sub.whole:
        return _due_whole(sub, offer, gate)
    counts = _Counts()
    wanted = {name: _wanted(sub, offer, gate, name) for name in _names(sub, offer)}
    differing = _differing(sub, wanted, gate, counts)
    culprits = {n: v for n, v in sub.culprits.items() if version_of(wanted.get(n)) == v}
    suspects = sub.suspects
    due = _unlike(differing, culprits, suspects)
    changed = any(version_of(wanted.get(n)) != v for n, v in suspects.items())
    if changed and not due:
        suspects = {}
        due = _unlike(differing, culprits)
    mine = counts.noted(sub)
    if mine.culprits or mine.suspects:
        mine = replace(mine, culprits=culprits, suspects=suspects)
    # an empty reply would say that there is nothing
    owed = sub.owed and not (counts.waiting or counts.barred)
    return (_fitting(due) if due or owed else None), mine


def _wanted(sub: Subscription, offer: Offer, gate: Gate, name: str) -> Resource | None:
    """Return what the client shall have of a name, None for nothing.

    What it asks for that is not offered any more it gets as long as users of before name it.
    """
    one = _offered(sub, offer, name)
    if one is None and sub.returned and name in sub.names and sub.doubted.get(name):
        return sub.doubted[name][0]  # in SotW it waits for an answer, and has a user for it
    if one is not None or name not in sub.names or name not in offer.past:
        return one
    held = sub.held.get(name)
    if gate.releases(name) or (held is not None and name not in sub.doubted):
        return None
    return offer.past[name]


def _differing(sub: Subscription, wanted: Content, gate: Gate, counts: "_Counts") -> Content:
    """Return what the client shall have instead of what it holds, as far as that may go."""
    differing: Content = {}
    for name, one in wanted.items():
        known = name not in sub.doubted and name in sub.held
        if known and same(sub.held[name], one):
            continue
        if one is not None:
            if counts.admit(gate, one):
                differing[name] = one
        elif _gone(sub, gate, name, counts, known=known):
            differing[name] = None
    return differing


def _gone(sub: Subscription, gate: Gate, name: str, counts: "_Counts", *, known: bool) -> bool:
    """Whether a client is to be told that there is nothing of a name (any more)."""
    if not sub.delta:  # a SotW reply that is no full set cannot say so
        return False
    if not known and not sub.doubted.get(name):
        return True
    return sub.type_url not in KEPT and counts.release(gate, name)


def _due_whole(sub: Subscription, offer: Offer, gate: Gate) -> tuple[Content | None, Subscription]:
    counts = _Counts()
    whole: Content = {}
    for name in _names(sub, offer):
        one = _offered(sub, offer, name)
        last = sub.held.get(name) or _last(sub, name)
        if one is not None and (last is not one or name in sub.doubted):
            one = one if same(last, one) or counts.admit(gate, one) else last
        elif one is None and last is not None and not counts.release(gate, name):
            one = last
        if one is not None:
            whole[name] = one
    versions = {n: version_of(one) for n, one in whole.items()}
    held = {n: version_of(one) for n, one in sub.held.items()}
    quiet = (versions == held and not sub.doubted) or versions == sub.refused
    mine = counts.noted(sub)
    # the first says what else there is not, and the node may hold it from before
    missing = any(name not in whole for name in _names(sub, offer) & offer.names)
    partly = missing and (counts.waiting or sub.returned) and not sub.acked
    return (whole if (sub.owed or not quiet) and not partly else None), mine


def _last(sub: Subscription, name: str) -> Resource | None:
    """Return what the client had before it refused something, if anything."""
    refused = (sub.refused or {}).get(name)
    return next((one for one in sub.doubted.get(name, ()) if one.version != refused), None)


class _Counts:
    """What a look at all names leaves open."""

    def __init__(self) -> None:
        self.waiting = self.barred = self.leaving = 0

    def admit(self, gate: Gate, one: Resource) -> bool:
        if gate.barred(one):
            self.barred += 1
            return False
        if gate.admits(one):
            return True
        if gate.hopeless(one):
            self.barred += 1
        else:
            self.waiting += 1
        return False

    def release(self, gate: Gate, name: str) -> bool:
        released = gate.releases(name)
        self.leaving += not released
        return released

    def noted(self, sub: Subscription) -> Subscription:
        if (sub.waiting, sub.barred, sub.leaving) == (self.waiting, self.barred, self.leaving):
            return sub
        return replace(sub, waiting=self.waiting, barred=self.barred, leaving=self.leaving)


def _names(sub: Subscription, offer: Offer) -> set[str]:
    """Return all names of which the client shall have, or may have, something."""
    names = set(sub.names - {WILDCARD})
    if WILDCARD in sub.names:
        names |= offer.resources.keys()
    if sub.delta or sub.whole:
        names |= sub.held.keys()
        names |= sub.doubted.keys()
    return names


def _offered(sub: Subscription, offer: Offer, name: str) -> Resource | None:
    """Return a resource as this client is to have it: of the archive only by name."""
    if not sub.covers(name):
        return None
    return offer.find(name) if name in sub.names else offer.resources.get(name)


def _shared(sub: Subscription, offer: Offer) -> Subscription:
    """Let equal states of many streams be the same objects: most clients hold what is offered."""
    mine = sub
    if mine.held is not offer.resources and mine.held == offer.resources:
        mine = replace(mine, held=offer.resources)
    if mine.names is not offer.names and mine.names == offer.names:
        mine = replace(mine, names=offer.names)
    return mine


def _unlike(differing: Content, *refused: Mapping[str, str]) -> Content:
    return {
        n: one
        for n, one in differing.items()
        if not any(n in r and r[n] == version_of(one) for r in refused)
    }


def _fitting(due: Content) -> Content:
    """Return as many as one reply may hold, at least one; the rest is due after its ACK."""
    fitting: Content = {}
    room = REPLY_BYTES
    for name in sorted(due):
        one = due[name]
        size = _NAME_BYTES + len(name) + (len(one.body) if one else 0)
        if fitting and size > room:
            break
        fitting[name] = one
        room -= size
    return fitting
