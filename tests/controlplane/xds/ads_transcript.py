"""Plays a transcript against a pure ADS stream and checks every line of it.

    == CDS a=1 b=1      a snapshot is published: resources with their versions
    == extauthz KEYS a=1    the same for another role than Envoy's
    >> CDS +a           a request comes in; in SotW the names stand alone: `>> CDS a b`
    << CDS a=1 -c       a reply goes out; `-c` is removed (delta)
    << nacked CDS why   what else the stream says: nacked, ignored, wanted, close

Words of a request: `ack` and `nack` answer the last reply of the type, `#1` an older one;
`#x` is a nonce from elsewhere; `node=x`; `held:a=1` is an initial resource version; `service=x`
and `address=x` say that the node is a service. The node's name goes with the first request unless
the line says `node=`. Nothing may go out that is not written, at its place; ACKs are not shown.
"""

from collections.abc import Mapping
from typing import Final

from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SCOPE,
    SECRET,
    Resource,
    Snapshot,
    snapshot,
)
from controlplane.xds.discovery import Request
from controlplane.xds.events import Acked, Close, Event, Ignored, Nacked, Send, Wanted
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
    return _play(text, delta=False)


def delta(text: str) -> Stream:
    """Play a transcript of the incremental variant."""
    return _play(text, delta=True)


def published(text: str) -> Snapshot:
    """Read a snapshot from words: `CDS a=1 b=1 RDS r=1`."""
    found: list[Resource] = []
    type_url = ""
    for word in text.split():
        name, equals, version = word.partition("=")
        if not equals:
            type_url = ALL[name]
            continue
        body = f"{name} {version}".encode()
        found.append(Resource(type_url=type_url, name=name, body=body, version=version))
    return snapshot(found)


def _play(text: str, *, delta: bool) -> Stream:
    stream = Stream(id="s", delta=delta)
    said: list[str] = []
    expected = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    for line in expected:
        if line.startswith("=="):
            step = stream.publish(_world(line[2:].split(), stream))
        elif line.startswith(">>"):
            step = stream.receive(_request(line[2:].split(), stream))
        else:
            continue
        stream = step.stream
        said += [line, *_shown(step)]
    assert said == expected
    return stream


def _world(words: list[str], stream: Stream) -> World:
    role = words.pop(0) if words and words[0] in SERVICE_TYPES else ENVOY
    return world(published(" ".join(words)), role, before=stream.worlds.get(role))


def _request(words: list[str], stream: Stream) -> Request:
    type_url = ALL.get(words[0], words[0]) if words[0] != "-" else ""
    subscription = stream.subscriptions.get(type_url)
    nonce, error = "", None
    names: list[str] = []
    gone: list[str] = []
    held: dict[str, str] = {}
    said = {"node": "" if stream.node else "n", "service": "", "address": "unix:/a"}
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


def _shown(step: Step) -> list[str]:
    return [f"<< {_words(event)}" for event in step.events if not isinstance(event, Acked)]


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
