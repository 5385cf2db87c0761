"""What becomes of a request at the edge, before any route sees it: refused, or made ready.

The rules are those of the listener that compile makes, and of Envoy's codec for HTTP/1.1.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from controlplane.explaining.grpc import is_call
from controlplane.explaining.normalise import normalised
from controlplane.explaining.request import Request
from language.fields import METHODS, OTHER_METHODS
from policies.edge import WRITTEN_AT_THE_EDGE, never_arrives

_TARGET = re.compile(r"[!-~]+")
_NAME = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+")
_AUTHORITY = re.compile(r"[A-Za-z0-9!$%&'()*+,;=:@\[\]._~-]*")
_TUNNEL = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_LAST_PORT = 65535

_TAKEN = frozenset({*METHODS, *OTHER_METHODS, "TRACE"})
"""What Envoy takes over HTTP/1.1 (balsa_parser.cc), besides CONNECT."""

JOINED = frozenset(
    {
        *("accept", "accept-encoding", "authorization", "cache-control", "cdn-loop"),
        *("access-control-request-headers", "access-control-request-method"),
        *("access-control-request-private-network", "content-encoding", "content-type", "expect"),
        *("grpc-accept-encoding", "grpc-timeout", "if-match", "if-modified-since"),
        *("if-none-match", "if-range", "if-unmodified-since", "origin", "pragma", "referer"),
        *("user-agent", "via", "x-client-trace-id", "x-forwarded-for", "x-forwarded-host"),
        *("x-forwarded-port", "x-forwarded-proto"),
    }
)
"""Headers that Envoy keeps once: a repeated one is one value, joined by commas (measured;
empty values leave nothing). docs/routing.md lists them."""

FORWARDED_FOR = "x-forwarded-for"
FORWARDED_PROTO = "x-forwarded-proto"

PEER = "192.0.2.1"
"""What Envoy adds to x-forwarded-for is the address of who connects, which is not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An answer before any route is asked; a redirect has a `location`.

    `content_type` is the request's, by which callers of gRPC are told, empty where Envoy answers
    before it knows; `filtered` is whether the filters of the listener see the answer.
    """

    status: int
    why: str
    location: str = ""
    content_type: str = ""
    filtered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A request as routes see it.

    `authority` is the Host without a dot at its end, `host` that in lower case without its port.
    Of a repeated parameter the first value counts, as it was sent; a repeated header has several.
    `scheme` is what a trusted proxy says that the client spoke, `upgrade` the protocol that it is
    to be switched to; `notes` say what the edge changed.
    """

    method: str
    scheme: str
    authority: str
    host: str
    path: str
    query: str | None
    parameters: dict[str, str]
    headers: dict[str, tuple[str, ...]]
    upgrade: str = ""
    notes: tuple[str, ...] = ()


def arrived(request: Request, trusted_hops: int = 0, *, paged: bool = False) -> Arrived | Refused:
    """Give what routes see of a request, or the answer that Envoy gives itself.

    `paged` is whether the routes stand in pages, where CONNECT is refused in other words.
    """
    for refused in _refusals(request, paged=paged):
        return refused
    values = dict(_values(request, trusted_hops))
    kind = values.get("content-type", ("",))[0]
    for refused in _unread(request):
        return replace(refused, content_type=kind)
    raw, mark, query = request.target.partition("?")
    path = normalised(raw)
    if path is None:
        return Refused(status=400, why="%00 is no part of a path", content_type=kind)
    target = path.path + mark + query
    if path.unescaped:
        return _escaped(kind, target)
    for refused in _unrouted(request, values):
        return replace(refused, content_type=kind)
    authority = _without_dot(request.host)
    return Arrived(
        method=request.method,
        scheme="https" if values[FORWARDED_PROTO][0].lower() == "https" else "http",
        authority=authority,
        host=without_port(authority).lower(),
        path=path.path,
        query=query if mark else None,
        parameters=_parameters(query),
        headers=values,
        upgrade=_upgrade(request),
        notes=tuple(_notes(request, path.path, authority, trusted_hops)),
    )


def without_port(authority: str) -> str:
    """A host without its port, as Envoy looks it up."""
    colon = authority.rfind(":")
    return authority if colon < 0 or authority.rfind("]") > colon else authority[:colon]


def _refusals(request: Request, *, paged: bool) -> Iterator[Refused]:
    """What the codec refuses."""
    if request.method == "CONNECT":
        yield from _tunnel_refusals(request)
    elif request.method not in _TAKEN:
        yield Refused(status=400, why=f"'{request.method}' is no method that Envoy takes")
    for name, value in request.headers:
        if "_" in name:
            yield Refused(status=400, why=f"the header '{name}' has an underscore")
        elif not _NAME.fullmatch(name) or _control(value):
            yield Refused(status=400, why=f"the header {name!r} is none")
    if request.method == "CONNECT":  # its target is the host
        yield Refused(status=403 if paged else 404, why="CONNECT is refused: no route takes it")
    if not _AUTHORITY.fullmatch(request.host):
        yield Refused(status=400, why=f"{request.host!r} is no host")
    yield from _target_refusals(request)


def _escaped(kind: str, target: str) -> Refused:
    """What a path with an escaped slash is answered; callers of gRPC follow no redirects."""
    if is_call(kind):
        why = "an escaped slash in the path of a gRPC call"
        return Refused(status=400, why=why, content_type=kind)
    why = "an escaped slash: the client is sent to the path that it means"
    return Refused(status=307, why=why, location=target)


def _tunnel_refusals(request: Request) -> Iterator[Refused]:
    """CONNECT has no path, but where the tunnel is to end (RFC 9110 section 9.3.6)."""
    tunnel = _TUNNEL.fullmatch(request.target)
    if tunnel is None or int(tunnel[1]) > _LAST_PORT:
        yield Refused(status=400, why=f"CONNECT wants HOST:PORT, and {request.target!r} is none")


def _unread(request: Request) -> Iterator[Refused]:
    """What is refused before the path is looked at."""
    if request.target.startswith("*"):
        yield Refused(status=404, why="'*' is no path of a route")
    elif "#" in request.target:
        yield Refused(status=400, why="a request has no fragment ('#')")


def _unrouted(request: Request, values: Mapping[str, tuple[str, ...]]) -> Iterator[Refused]:
    """What is answered before a route is looked for."""
    if request.method == "TRACE":
        yield Refused(status=403, why="TRACE is refused")
    elif not values[FORWARDED_PROTO][0]:
        why = f"{FORWARDED_PROTO} is empty: Envoy looks for no route"
        yield Refused(status=404, why=why, filtered=request.method != "HEAD")


def _target_refusals(request: Request) -> Iterator[Refused]:
    target = request.target
    legal = _TARGET.fullmatch(target) is not None
    for_all = target.startswith("*") and request.method == "OPTIONS"
    if not legal or not (for_all or target.startswith("/")):
        yield Refused(status=400, why=f"{target!r} is no path")


def _upgrade(request: Request) -> str:
    """The protocol that is asked for, empty for none; Envoy takes no notice of h2c."""
    said = {name.lower(): value.lower() for name, value in request.headers}
    protocol = said.get("upgrade", "")
    return protocol if protocol != "h2c" and "upgrade" in said.get("connection", "") else ""


def _control(value: str) -> bool:
    return any((ord(c) < 32 and c != "\t") or ord(c) == 127 for c in value)


def _without_dot(host: str) -> str:
    dot = host.rfind(".")
    if dot < 0 or host[dot + 1 : dot + 2] not in {"", ":"}:
        return host
    return host[:dot] + host[dot + 1 :]


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        found.setdefault(name, value)
    if query.endswith("&") or not query:  # what is behind the last & is nothing, not a name
        ended = query.split("&")
        if "" not in ended[:-1]:
            found.pop("", None)
    return found


def _values(request: Request, trusted_hops: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each header that arrives, with its values."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers:
        found.setdefault(name.lower(), []).append(value.strip(" \t"))
    for name, values in found.items():
        if not stripped(name, trusted_hops):
            joined = ",".join(value for value in values if value)
            if name != FORWARDED_FOR:
                yield name, (joined,) if name in JOINED else tuple(values)
    if trusted_hops:
        yield FORWARDED_FOR, (",".join((*found.get(FORWARDED_FOR, ()), PEER)),)
    if not trusted_hops or FORWARDED_PROTO not in found:
        yield FORWARDED_PROTO, ("http",)


def stripped(name: str, trusted_hops: int) -> bool:
    """Whether a header that a client sends never counts."""
    return never_arrives(name) or (not trusted_hops and name in WRITTEN_AT_THE_EDGE)


def _notes(request: Request, path: str, authority: str, trusted_hops: int) -> Iterator[str]:
    raw = request.target.partition("?")[0]
    if path != raw:
        yield f"the path {raw} is normalised to {path}"
    if authority != request.host:
        yield "the dot at the end of the host is taken off"
    names = dict.fromkeys(name.lower() for name, _ in request.headers)
    if trusted_hops and FORWARDED_FOR in names:
        yield f"{FORWARDED_FOR} ends in who connects, taken to be {PEER}"
    gone = [name for name in names if stripped(name, trusted_hops)]
    if gone:
        yield f"never counts, as the gateway removes or writes it: {', '.join(gone)}"
