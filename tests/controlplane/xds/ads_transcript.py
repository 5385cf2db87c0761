"""Plays a transcript against a pure ADS stream and checks every line of it.

    == CDS a=1 b=1      a snapshot is published: resources with their versions
    == RDS r=1>CDS/a,CDS/b  what a resource needs is behind its version;
                        clusters need the endpoints of their name as well
    == extauthz KEYS a=1    the same for another role than Envoy's
    >> CDS +a           a request comes in; in SotW the names stand alone: `>> CDS a b`
    << CDS a=1 -c       a reply goes out; `-c` is removed (delta)
    << nacked CDS why   what else the stream says: nacked, ignored, wanted, close
    .. 1.5s             so much time goes by

Words of a request: `ack` and `nack` answer the last reply of the type, `#1` an older one;
`#x` is a nonce from elsewhere; `node=x`; `software=x` is what it runs; `held:a=1` is an initial
resource version; `service=x` and `address=x` say that the node is a service. The node's name goes
with the first request unless the line says `node=`. Nothing may go out that is not written, at its
place; ACKs are not shown.

`both` plays one transcript in both variants. It is written as for delta: in SotW a request then
repeats all names, and of a full set only what differs from the last one is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

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
    Snapshot,
    snapshot,
)
from controlplane.xds.discovery import Push, Request
from controlplane.xds.events import Acked, Close, Event, Ignored, Nacked, Send, Wanted
from controlplane.xds.kinds import WHOLE, WILDCARD
from controlplane.xds.stream import Step, Stream
from controlplane.xds.world import ENVOY, World, world
from protos import (
    CONSUMERS,
    FLEET,
    KEY_REQUEST,
    KEYS,
    LIMITS,
    PIPELINE,
    SERVICE_TYPES,
)

TYPES: Final[Mapping[str, str]] = {
    "CDS": CLUSTER,
    "EDS": ENDPOINTS,
    "SDS": SECRET,
    "LDS": LISTENER,
    "ECDS": EXTENSION,
    "SRDS": SCOPE,
    "RDS": ROUTES,
}
OWN: Final[Mapping[str, str]] = {
    "CONSUMERS": CONSUMERS,
    "KEYS": KEYS,
    "PIPELINE": PIPELINE,
    "ASK": KEY_REQUEST,
    "FLEET": FLEET,
    "LIMITS": LIMITS,
}
ALL: Final[Mapping[str, str]] = {**TYPES, **OWN}
SHORT = {url: short for short, url in ALL.items()}


def sotw(text: str) -> Stream:
    """Play a transcript of the state-of-the-world variant."""
    return _Play(delta=False).all(text)


def delta(text: str) -> Stream:
    """Play a transcript of the incremental variant."""
    return _Play(delta=True).all(text)


def both(text: str) -> tuple[Stream, Stream]:
    """Play a transcript of the incremental variant in that one and in SotW."""
    return delta(text), _Play(delta=False, translated=True).all(text)


def published(text: str) -> Snapshot:
    """Read a snapshot from words: `CDS a=1 b=1 RDS r=1>CDS/a,CDS/b`.

    A cluster needs the endpoints of its name where there are any.
    """
    found: list[Resource] = []
    type_url = ""
    for word in text.split():
        name, equals, rest = word.partition("=")
        if not equals:
            type_url = ALL[name]
            continue
        version, _, needs = rest.partition(">")
        body = f"{name} {version}".encode()
        one = Resource(
            type_url=type_url,
            name=name,
            body=body,
            version=version,
            needs=frozenset(_reference(need) for need in needs.split(",") if need),
        )
        found.append(one)
    members = {one.name for one in found if one.type_url == ENDPOINTS}
    return snapshot(_with_members(one) if one.name in members else one for one in found)


def _with_members(one: Resource) -> Resource:
    mine = {Reference(ENDPOINTS, one.name)} if one.type_url == CLUSTER else frozenset()
    return replace(one, needs=one.needs | mine)


def _reference(text: str) -> Reference:
    kind, _, name = text.partition("/")
    return Reference(ALL[kind], name)


@dataclass
class _Play:
    """A stream under way; `shown` is, by type, the last full set that went out."""

    delta: bool
    translated: bool = False
    now: float = 0.0
    shown: dict[str, dict[str, str]] = field(default_factory=dict)

    def all(self, text: str) -> Stream:
        stream = Stream(id="s", delta=self.delta)
        said: list[str] = []
        expected = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        for line in expected:
            if not line.startswith("<<"):
                step = self.step(stream, line[:2], line[2:].split())
                stream = step.stream
                events = (e for e in step.events if not isinstance(e, Acked))
                said += [line, *(f"<< {self.words(event)}" for event in events)]
        assert said == expected
        return stream

    def step(self, stream: Stream, sign: str, words: list[str]) -> Step:
        if sign == "..":
            self.now += float(words[0].removesuffix("s"))
            return stream.tick(self.now)
        at = {"now": self.now} if self.now else {}
        if sign == "==":
            return stream.publish(_world(words, stream), self.now)
        assert sign == ">>"
        request = _request(words, stream)
        return stream.receive(_repeated(request, stream) if self.translated else request, **at)

    def words(self, event: Event) -> str:
        if self.translated and isinstance(event, Send) and event.push.type_url in WHOLE:
            return self.difference(event.push)
        return _words(event)

    def difference(self, push: Push) -> str:
        before = self.shown.get(push.type_url, {})
        now = {r.name: r.version for r in push.resources}
        self.shown[push.type_url] = now
        differing = [f"{n}={v}" for n, v in now.items() if before.get(n) != v]
        gone = [f"-{n}" for n in sorted(before.keys() - now)]
        return " ".join([SHORT[push.type_url], *differing, *gone])


def _world(words: list[str], stream: Stream) -> World:
    role = words.pop(0) if words and words[0] in SERVICE_TYPES else ENVOY
    return world(published(" ".join(words)), role, before=stream.worlds.get(role))


def _repeated(request: Request, stream: Stream) -> Request:
    """Say in SotW what a request says in delta; the wildcard is the legacy one."""
    subscription = stream.subscriptions.get(request.type_url)
    before = subscription.names - {WILDCARD} if subscription else frozenset[str]()
    names = (before | frozenset(request.names)) - frozenset(request.unsubscribe)
    nonce = request.nonce
    if subscription and subscription.serial and not (nonce or subscription.pending):
        nonce = f"s-{subscription.serial}"  # every request carries the last one that was read
    return replace(request, names=tuple(sorted(names)), unsubscribe=(), nonce=nonce)


def _request(words: list[str], stream: Stream) -> Request:
    type_url = ALL.get(words[0], words[0]) if words[0] != "-" else ""
    subscription = stream.subscriptions.get(type_url)
    nonce, error = "", None
    names: list[str] = []
    gone: list[str] = []
    held: dict[str, str] = {}
    node = "" if stream.node else "n"
    said = {"node": node, "service": "", "address": "unix:/a", "software": ""}
    for word in words[1:]:
        if word in {"ack", "nack"}:
            assert subscription is not None
            nonce = nonce or f"s-{subscription.serial}"
            error = "why" if word == "nack" else None
        elif word.startswith("#"):
            nonce = f"s-{word[1:]}" if word[1:].isdigit() else word[1:]
        elif word.partition("=")[0] in said:
            said |= dict([word.split("=")])
        elif word.startswith("held:"):
            held |= dict([word[5:].split("=")])
        elif word.startswith("-"):
            gone.append(word[1:])
        else:
            names.append(word.removeprefix("+"))
    return Request(
        type_url=type_url,
        **said,
        nonce=nonce,
        error=error,
        names=tuple(names),
        unsubscribe=tuple(gone),
        initial=held,
    )


def _words(event: Event) -> str:
    match event:
        case Send(push=push):
            there = [f"{r.name}={r.version}" for r in push.resources]
            return " ".join([SHORT[push.type_url], *there, *(f"-{n}" for n in push.removed)])
        case Nacked(type_url=type_url, message=message):
            return f"nacked {SHORT[type_url]} {message}"
        case Ignored(type_url=type_url):
            return f"ignored {type_url}"
        case Wanted(type_url=type_url, name=name):
            return f"wanted {SHORT[type_url]} {name}"
        case Close(status=status):
            return f"close {status}"
        case Acked():
            return "acked"
