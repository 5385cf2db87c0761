"""One type on one stream: what the client asked for, what it holds, what it is sent next.

The same object serves both variants of the protocol. In "state of the world" (SotW) each request
repeats all names, in delta it carries changes; both become names subscribed and unsubscribed.
What the client holds is believed only from its ACKs: a push counts for nothing until it is
answered, and nothing of a rejected push is taken to be there (Envoy applies some of it).

Source: the xDS protocol specification; section names are quoted where a rule comes from one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from controlplane.snapshot import CLUSTER, EXTENSION, LISTENER, SCOPE, Resource
from controlplane.xds.world import Offer

WILDCARD = "*"

WHOLE = frozenset({CLUSTER, LISTENER, SCOPE})
"""Types whose SotW reply is the full set: what is missing from it is deleted.

"Grouping resources into responses" says so of CDS and LDS; Envoy reads SRDS the same way.
"""

KEPT = frozenset({EXTENSION})
"""Types that are never taken from a delta client: a live listener may still use them, and
answers 500 without. The client unsubscribes by itself when its last user is gone."""

REPLY_BYTES = 3 * 2**20
"""Above this many bytes of bodies a reply is split (where the protocol lets it be): gRPC clients
other than Envoy refuse messages above 4 MiB."""

_ABSENT = ""  # the version of a resource that the client was told does not exist
_UNKNOWN = "?"  # the client may hold any version, or none


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a DiscoveryRequest or a DeltaDiscoveryRequest says of one type.

    `names` are all names in SotW, those to subscribe in delta; `unsubscribe` and `initial`
    (versions by name that a reconnecting client still holds) are delta's. `error` is the message
    of `error_detail`, None when that is not there: its presence alone makes a NACK.

    `node` and what follows it says who the client is, on the first request of a stream: `service`
    is empty for an Envoy, `software` is the version of a service.
    """

    type_url: str
    node: str = ""
    service: str = ""
    address: str = ""
    software: str = ""
    nonce: str = ""
    error: str | None = None
    names: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One reply to send. `removed` is delta's, empty in SotW."""

    type_url: str
    nonce: str
    version: str
    resources: tuple[Resource, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The client's answer to a push: an ACK, or a NACK with its `error`."""

    version: str
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A push without an answer. `content` is what its ACK will prove, versions by name.

    `alone`: it was sent for one resource only, so that a NACK is about that one.
    """

    nonce: str
    version: str
    content: Mapping[str, str]
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The state; every method returns the next one.

    `held`: versions by name that the client is known to hold. `owed`: a reply is due even if it
    is empty. What a NACK keeps back: `suspects` were rejected together and are tried again after
    the next ACK or when one of them changes, `culprits` were rejected alone and wait until they
    change themselves, `refused` is a full set, which waits until anything in it changes.
    """

    type_url: str
    delta: bool
    prefix: str  # of nonces; differs on every stream, so that an old one is never taken for new
    serial: int = 0
    began: bool = False
    named: bool = False
    owed: bool = False
    names: frozenset[str] = frozenset()
    held: Mapping[str, str] = field(default_factory=dict)
    pending: Pending | None = None
    suspects: Mapping[str, str] = field(default_factory=dict)
    culprits: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] | None = None

    @property
    def rejected(self) -> bool:
        """Whether something is kept back because the client refused it."""
        return bool(self.suspects or self.culprits or self.refused is not None)

    @property
    def sent(self) -> frozenset[str]:
        """The names that the client holds, or may hold once it reads what is under way."""
        return frozenset({*self.held, *(self.pending.content if self.pending else ())})

    def receive(self, request: Request) -> tuple["Subscription", Verdict | None]:
        """Take in a request. What it makes due is sent by `push`."""
        if _stale(self, request):
            return self, None
        answered, verdict = _answered(self, request)
        return _asked(answered, request), verdict

    def push(self, offer: Offer) -> tuple["Subscription", Push | None]:
        """Return the next push where one is due, and none as long as the last has no answer."""
        if self.pending is not None:
            return self, None
        due, mine = _due(self, offer)
        if due is None:
            return mine, None
        nonce = f"{self.prefix}{self.serial + 1}"
        gone = tuple(n for n in sorted(due) if due[n] == _ABSENT)
        there = sorted(due.keys() - gone)
        push = Push(
            type_url=self.type_url,
            nonce=nonce,
            version=offer.version,
            resources=tuple(r for r in map(offer.find, there) if r is not None),
            removed=gone if self.delta else (),
        )
        pending = Pending(nonce=nonce, version=offer.version, content=due, alone=len(due) == 1)
        return replace(mine, serial=self.serial + 1, owed=False, pending=pending), push

    @property
    def whole(self) -> bool:
        """Whether its replies must always hold everything that the client asked for."""
        return not self.delta and self.type_url in WHOLE


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
    verdict = Verdict(version=pending.version, error=request.error)
    content = pending.content
    mine = replace(sub, pending=None)
    if request.error is None:
        held = content if sub.whole else {**sub.held, **content}
        held = {n: v for n, v in held.items() if v != _ABSENT or n in sub.names}
        return replace(mine, held=held, suspects={}, refused=None), verdict
    doubted = {**sub.held, **content} if sub.whole else content
    mine = replace(mine, held={**sub.held, **dict.fromkeys(doubted, _UNKNOWN)})
    if sub.whole:
        return replace(mine, refused=content), verdict
    if pending.alone:
        return replace(mine, culprits={**sub.culprits, **content}), verdict
    return replace(mine, suspects={**sub.suspects, **content}), verdict


def _asked(sub: Subscription, request: Request) -> Subscription:
    """Take in the names ("How the client specifies what resources to return")."""
    subscribe, unsubscribe = _change(sub, request)
    names = (sub.names | subscribe) - unsubscribe
    changed = subscribe | unsubscribe
    if WILDCARD in unsubscribe:
        changed |= sub.sent - names
    held = _without(sub.held, changed)
    if WILDCARD in subscribe & sub.names:
        held = dict.fromkeys(sub.sent, _UNKNOWN)  # to subscribe again is to be sent it again
        changed |= sub.sent
    if WILDCARD in names:  # a name given up may still be in the wildcard: the reply tells
        held |= dict.fromkeys(unsubscribe, _UNKNOWN)
    if not sub.began:
        held = {n: v or _UNKNOWN for n, v in request.initial.items() if {n, WILDCARD} & names}
    pending = sub.pending
    if pending is not None:  # its ACK will say nothing about what was asked for since
        pending = replace(pending, content=_without(pending.content, changed))
    return replace(
        sub,
        began=True,
        named=sub.named or bool(request.names),
        owed=sub.owed or WILDCARD in subscribe,
        names=names,
        held=held,
        pending=pending,
        suspects=_without(sub.suspects, changed),
        culprits=_without(sub.culprits, changed),
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


def _due(sub: Subscription, offer: Offer) -> tuple[Mapping[str, str] | None, Subscription]:
    """Return what must be sent now (versions by name), None for nothing."""
    wanted = _wanted(sub, offer)
    if sub.whole:
        quiet = wanted in (sub.held, sub.refused)
        return (wanted if sub.owed or not quiet else None), sub
    differing = _differing(sub, wanted)
    culprits = {n: v for n, v in sub.culprits.items() if wanted.get(n) == v}
    suspects = sub.suspects
    due = _unlike(differing, culprits, suspects)
    if not due and any(wanted.get(n) != v for n, v in suspects.items()):
        suspects = {}
        due = _unlike(differing, culprits)
    mine = replace(sub, culprits=culprits, suspects=suspects)
    return (_fitting(due, offer) if due or sub.owed else None), mine


def _wanted(sub: Subscription, offer: Offer) -> dict[str, str]:
    """Return what the client shall hold in the end, versions by name."""
    names = sub.names - {WILDCARD}
    if WILDCARD in sub.names:
        names |= offer.resources.keys()
    if sub.delta:
        names |= sub.held.keys()  # what it holds and nothing offers any more
    return {n: _offered(sub, offer, n) for n in names}


def _offered(sub: Subscription, offer: Offer, name: str) -> str:
    """Return the version of a resource as this client is to have it: the archive only by name."""
    found = offer.find(name) if name in sub.names else offer.resources.get(name)
    return found.version if found else _ABSENT


def _differing(sub: Subscription, wanted: Mapping[str, str]) -> dict[str, str]:
    differing = {n: v for n, v in wanted.items() if v != sub.held.get(n)}
    if not sub.delta:  # a SotW reply that is no full set cannot say that something is gone
        return {n: v for n, v in differing.items() if v != _ABSENT}
    if sub.type_url in KEPT:
        return {n: v for n, v in differing.items() if v != _ABSENT or n not in sub.held}
    return differing


def _without(versions: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    dropped = frozenset(names)
    return {n: v for n, v in versions.items() if n not in dropped}


def _unlike(versions: Mapping[str, str], *refused: Mapping[str, str]) -> dict[str, str]:
    return {n: v for n, v in versions.items() if all(r.get(n) != v for r in refused)}


def _fitting(versions: Mapping[str, str], offer: Offer) -> dict[str, str]:
    """Return as many as one reply may hold, at least one; the rest is due after its ACK."""
    fitting: dict[str, str] = {}
    room = REPLY_BYTES
    for name in sorted(versions):
        found = offer.find(name) if versions[name] != _ABSENT else None
        size = len(found.body) if found else 0
        if fitting and size > room:
            break
        fitting[name] = versions[name]
        room -= size
    return fitting
