"""One type on one stream: what the client asked for, what it holds, what it is sent next.

The same object serves both variants of the protocol. In "state of the world" (SotW) each request
repeats all names, in delta it carries changes; both become names subscribed and unsubscribed.
What the client holds is believed only from its ACKs: a push counts for nothing until it is
answered, and after a NACK anything of it may be there or not (Envoy applies some of it).

Source: the xDS protocol specification; section names are quoted where a rule comes from one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from controlplane.snapshot import Resource
from controlplane.xds.discovery import Pending, Request, Verdict, same, version_of
from controlplane.xds.kinds import WHOLE, WILDCARD
from controlplane.xds.refusal import blamed
from controlplane.xds.world import Offer

_NOTHING: Mapping[str, tuple[Resource, ...]] = {}

T = TypeVar("T")

Found = Callable[[str, str], Resource]
"""A resource by its name and the version that the client says it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The state; every method returns the next one.

    `held`: what the client is known to hold by name, None where it was told that there is nothing.
    `doubted`: what it may hold instead, since a NACK or from before this stream, the last ACKed
    first. `owed`: a reply is due even if it is empty, `acked`: one was taken,
    `returned`: it had this type before. What a NACK keeps
    back: `suspects` were rejected together and are tried again after the next ACK or when one of
    them changes, `culprits` are to blame by name and wait until they change themselves, `refused`
    is a full set, which waits until anything in it changes. Of what the client shall have,
    `waiting` names are not sent yet, `barred` ones not at all, and `leaving` ones are not taken
    away yet.
    """

    type_url: str
    delta: bool
    prefix: str  # of nonces; differs on every stream, so that an old one is never taken for new
    serial: int = 0
    began: bool = False
    named: bool = False
    owed: bool = False
    acked: bool = False
    returned: bool = False
    names: frozenset[str] = frozenset()
    held: Mapping[str, Resource | None] = field(default_factory=dict)
    doubted: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    pending: Pending | None = None
    suspects: Mapping[str, str] = field(default_factory=dict)
    culprits: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] | None = None
    waiting: int = 0
    barred: int = 0
    leaving: int = 0

    @property
    def refusing(self) -> bool:
        """Whether something is kept back because the client refused it."""
        return bool(self.suspects or self.culprits or self.refused is not None)

    @property
    def rejected(self) -> bool:
        """Whether something is kept back because the client, or one like it, refused it."""
        return self.refusing or self.barred > 0

    @property
    def whole(self) -> bool:
        """Whether its replies must always hold everything that the client asked for."""
        return not self.delta and self.type_url in WHOLE

    @property
    def adding(self) -> bool:
        """Whether something is under way that the client does not hold yet."""
        content = self.pending.content if self.pending is not None else {}
        return any(one is not None and self.held.get(n) is not one for n, one in content.items())

    def covers(self, name: str) -> bool:
        """Whether the client asked for this name."""
        return name in self.names or WILDCARD in self.names

    def has(self, one: Resource) -> bool:
        """Whether the client holds exactly this, and nothing else of its name is on the way."""
        held = self.held.get(one.name)
        if held is None or held.version != one.version or one.name in self.doubted:
            return False
        if self.pending is None:
            return True
        if one.name not in self.pending.content:
            return not self.whole  # what a full set leaves out is on its way out
        return same(self.pending.content[one.name], one)

    def refuses(self, one: Resource) -> bool:
        """Whether this content was refused on this stream."""
        memories = (self.culprits, self.suspects, self.refused or {})
        return any(m.get(one.name) == one.version for m in memories)

    def candidates(self, name: str) -> tuple[Resource, ...]:
        """All that the client may hold of a name, or will."""
        known = (self.held.get(name), *self.doubted.get(name, ()))
        if self.pending is not None:
            known = (*known, self.pending.content.get(name))
        return tuple(one for one in known if one is not None)

    def may_hold(self, one: Resource) -> bool:
        """Whether the client may hold this, or will."""
        return any(other.version == one.version for other in self.candidates(one.name))

    def live(self) -> Iterator[Resource]:
        """All that the client may hold now."""
        yield from (one for one in self.held.values() if one is not None)
        for several in self.doubted.values():
            yield from several
        if self.pending is not None:
            yield from (one for one in self.pending.content.values() if one is not None)

    def receive(
        self,
        request: Request,
        found: Found | None = None,
        memory: Mapping[str, tuple[Resource, ...]] = _NOTHING,
    ) -> tuple["Subscription", Verdict | None]:
        """Take in a request. What it makes due is sent by `push`.

        At the first one, `found` tells what a delta client still holds, and `memory` what a SotW
        client that comes back may hold.
        """
        if _stale(self, request):
            return self, None
        answered, verdict = _answered(self, request)
        mine = _asked(answered, request)
        return mine if self.began else _resumed(mine, request, found, memory), verdict

    def rests(self, offer: Offer) -> bool:
        """Whether the client has just what is offered. False where that is not known at once."""
        if self.held is not offer.resources or self.pending is not None:
            return False
        kept = self.waiting or self.barred or self.leaving
        return not (self.doubted or self.owed or self.rejected or kept)

    def doubt(self, names: Iterable[str]) -> "Subscription":
        """Have these sent again whatever the client holds of them."""
        mine = self
        for name in names:
            held = mine.held.get(name)
            known = mine.doubted.get(name, ())
            pending = mine.pending
            if pending is not None and name in pending.content:
                known = (*known, *filter(None, [pending.content[name]]))
                pending = replace(pending, content=_without(pending.content, [name]))
            several = (*filter(None, [held]), *known)
            if several:
                mine = replace(
                    mine,
                    held=_without(mine.held, [name]),
                    doubted={**mine.doubted, name: several},
                    pending=pending,
                )
        return mine


def _stale(sub: Subscription, request: Request) -> bool:
    """Whether a SotW request crossed a newer push ("ACK and NACK"). Its ACK will follow.

    In delta the nonce may be stale and the change of names still counts.
    """
    last = f"{sub.prefix}{sub.serial}"
    return not sub.delta and sub.serial > 0 and request.nonce not in ("", last)


def _answered(sub: Subscription, request: Request) -> tuple[Subscription, Verdict | None]:
    pending = sub.pending
    if pending is None or request.nonce != pending.nonce:
        return sub, None
    content = pending.content
    mine = replace(sub, pending=None)
    if request.error is None:
        held = dict(content) if sub.whole else {**sub.held, **content}
        gone = [n for n, one in held.items() if one is None and n not in sub.names]
        doubted = {} if sub.whole else _without(sub.doubted, content)
        mine = replace(
            mine, acked=True, held=_without(held, gone), doubted=doubted, suspects={}, refused=None
        )
        return mine, Verdict(version=pending.version, error=None)
    for name, one in content.items():
        new = () if one is None else (one,)
        several = (*filter(None, [sub.held.get(name)]), *sub.doubted.get(name, ()), *new)
        mine = replace(mine, doubted={**mine.doubted, name: several})
    mine = replace(mine, held=_without(mine.held, content))
    if sub.whole:  # what it left out may be gone or not
        left = {n: (one,) for n, one in mine.held.items() if one is not None}
        mine = replace(mine, held={}, doubted={**left, **mine.doubted})
    versions = {n: version_of(one) for n, one in content.items()}
    named = blamed(sub.type_url, request.error, versions)
    verdict = Verdict(
        version=pending.version,
        error=request.error,
        content=tuple((n, versions[n]) for n in sorted(named or versions)),
    )
    if sub.whole:
        return replace(mine, refused=versions), verdict
    culprits = {n: v for n, v in versions.items() if n in named or pending.alone}
    suspects = _without(versions, culprits)
    return (
        replace(
            mine,
            culprits={**sub.culprits, **culprits},
            suspects={**sub.suspects, **suspects},
        ),
        verdict,
    )


def _asked(sub: Subscription, request: Request) -> Subscription:
    """Take in the names ("How the client specifies what resources to return")."""
    subscribe, unsubscribe = _change(sub, request)
    if not subscribe and not unsubscribe and sub.began:
        named = sub.named or bool(request.names)
        return sub if named is sub.named else replace(sub, named=named)
    names = (sub.names | subscribe) - unsubscribe
    changed = subscribe | unsubscribe
    known = frozenset({*sub.held, *sub.doubted, *(sub.pending.content if sub.pending else ())})
    if WILDCARD in unsubscribe:
        changed |= known - names
    again = subscribe & known  # to subscribe again is to be sent it again
    if WILDCARD in subscribe & sub.names:
        again = known
    if WILDCARD in names:  # a name given up may still be in the wildcard: the reply tells
        again |= unsubscribe
    mine = sub.doubt((changed | again) & known)
    doubted = _without(mine.doubted, changed - again)
    doubted |= {n: () for n in unsubscribe & again if n not in doubted}
    pending = mine.pending
    if pending is not None:  # its ACK will say nothing about what was asked for since
        pending = replace(pending, content=_without(pending.content, changed | again))
    return replace(
        mine,
        began=True,
        named=sub.named or bool(request.names),
        owed=sub.owed or WILDCARD in subscribe or (sub.whole and bool(subscribe)),
        names=names,
        held=_without(mine.held, changed),
        doubted=doubted,
        pending=pending,
        suspects=_without(sub.suspects, changed | again),
        culprits=_without(sub.culprits, changed | again),
    )


def _change(sub: Subscription, request: Request) -> tuple[frozenset[str], frozenset[str]]:
    asked = frozenset(request.names)
    if sub.delta:
        if not asked and not sub.began:
            return frozenset({WILDCARD}), frozenset()
        return asked, frozenset(request.unsubscribe) & sub.names - asked
    if not asked and not sub.named:
        asked = frozenset({WILDCARD})  # the legacy form, until a name was ever sent
    return asked - sub.names, sub.names - asked


def _resumed(
    sub: Subscription,
    request: Request,
    found: Found | None,
    memory: Mapping[str, tuple[Resource, ...]],
) -> Subscription:
    """Take in what a client brings from an earlier stream."""
    if not sub.delta:
        mine = {n: several for n, several in memory.items() if sub.covers(n)}
        return replace(sub, doubted=mine, returned=True) if request.version else sub
    held: dict[str, Resource | None] = {}
    doubted: dict[str, tuple[Resource, ...]] = {}
    for name, version in request.initial.items():
        if found is None or not sub.covers(name):
            continue
        if version:
            held[name] = found(name, version)
        else:
            doubted[name] = (found(name, version),)
    return replace(sub, held=held, doubted=doubted)


def _without(those: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    dropped = frozenset(names)
    return {n: one for n, one in those.items() if n not in dropped}
