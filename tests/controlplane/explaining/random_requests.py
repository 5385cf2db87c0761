"""Requests drawn at random near the routes of a gateway: most meet one, many miss it by little."""

import random
from collections.abc import Iterator

from controlplane.explaining.request import Request
from controlplane.plan.plan import Plan, PlannedRoute
from language.matches import How, TextMatch
from language.segments import Kind
from tests.controlplane.explaining.random_gateways import (
    HEADERS,
    HOSTS,
    METHODS,
    PARAMETERS,
    PROTOCOLS,
    VALUES,
    WORDS,
)

_ODD_HOSTS = (
    *("a..b.com", "u@x.com", ".example.com", "[::1", "x", "example.com", "a b", "x.com,y.com", ""),
    *("a.com:x", "api.example.com:80:80", "*.example.com", "*", "a/b", "a%2e.com"),
)
_ODD_METHODS = ("FOO", "get", "TRACE", "M-SEARCH", "MSEARCH", "PUT", "CONNECT")
_TUNNELS = ("a.test:80", "[::1]:443", "a.test", "a.test:", ":80", "a.test:65536", "a_b:80", "*")
_CALLS = (
    *("application/grpc", "application/grpc+proto", "application/grpc;a=b", "application/grpcs"),
    *("application/grpc-web", "application/grpc-web-text", "application/grpc-web+proto"),
    *("application/grpc-web-text+proto", "application/grpc-web;a=b", "Application/grpc"),
)
_ODD_NAMES = ("x_a", "x a", "X-A", "x-foregate-user", "x-envoy-a", "x-forwarded-for", "x-c")
_ODD_VALUES = ("é", "1é2", "\udcff", "1\udcff2", "1,\udcff", "12\udce9")
"""Bytes that are no UTF-8 are half pairs, as Python reads them from a command line."""
_TWISTS = (
    *("//", "/./", "/../", "/a/../", "/%2e/", "/.%2E/", "%2e", "\\", "%2f", "%5C", "%2F", "/."),
    *("/..", "%61", "%41", "%", "%2", "%%", "%4%31", "%2%35", "%7e", "%c3%a9", "%00", "%25"),
    *(";", "/..;", "%3b", "%3B", "\x01", "\x7f", "é", '"', "<", ">", "^", "`", "{", "|", "}"),
    *("[", "]", "'", "#", "*", "/", "a"),
)


def requests(seed: int, plan: Plan, count: int) -> Iterator[Request]:
    """So many requests of a gateway."""
    draw = random.Random(seed)  # noqa: S311 # drawn again from its seed
    routes = [e for h in plan.hosts for e in h.entries if isinstance(e, PlannedRoute)]
    for _ in range(count):
        yield _request(draw, draw.choice(routes))


def wire(request: Request) -> bytes:
    """The message of a request over HTTP/1.1."""
    lines = [f"{request.method} {request.target} HTTP/1.1", f"host: {request.host}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")


def _request(draw: random.Random, near: PlannedRoute) -> Request:
    match = near.route.match
    method = draw.choice(match.methods or METHODS)
    if draw.random() < 0.2:
        method = draw.choice((*METHODS, *METHODS, *_ODD_METHODS))
    query = list(_pairs(draw, match.query, PARAMETERS))
    target = _twisted(draw, _path(draw, near))
    if query or draw.random() < 0.1:
        texts = [n if not v and draw.random() < 0.5 else f"{n}={v}" for n, v in query]
        target += "?" + draw.choice(("&", "&", "&&")).join(texts) + draw.choice(("", "", "", "&"))
    headers = list(_pairs(draw, match.headers, HEADERS))
    if draw.random() < 0.05:
        headers.append((draw.choice(_ODD_NAMES), "1"))
    if draw.random() < 0.15:
        headers.append(("x-forwarded-proto", draw.choice(PROTOCOLS)))
    if draw.random() < 0.1:
        headers.append((draw.choice(HEADERS), draw.choice(_ODD_VALUES)))
    if draw.random() < 0.15:
        headers.append(("content-type", draw.choice(_CALLS)))
    if method == "CONNECT" and draw.random() < 0.8:
        target = draw.choice(_TUNNELS)
        # with an empty one Envoy looks for no route, and in pages waits for the tunnel to end
        headers = [one for one in headers if one != ("x-forwarded-proto", "")]
    host = _host(draw, draw.choice(near.route.hosts))
    return Request(method=method, host=host, target=target, headers=tuple(headers))


def _path(draw: random.Random, near: PlannedRoute) -> str:
    parts: list[str] = []
    for segment in near.route.path.segments:
        if segment.kind is Kind.LITERAL:
            parts.append(segment.text)
        elif segment.kind is Kind.VARIABLE:
            parts.append(draw.choice(WORDS))
        else:
            parts += draw.choices((*WORDS, ""), k=draw.randint(0, 3))
    if draw.random() < 0.15 and parts:
        parts[draw.randrange(len(parts))] = draw.choice(WORDS)
    return "/" + "/".join(parts)


def _twisted(draw: random.Random, path: str) -> str:
    while draw.random() < 0.25:
        at = draw.randint(1 if draw.random() < 0.95 else 0, len(path))
        path = path[:at] + draw.choice(_TWISTS) + path[at:]
    return path


def _pairs(
    draw: random.Random, wanted: dict[str, TextMatch], names: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for name, text in wanted.items():
        if text.how is How.ABSENT or draw.random() < 0.1:
            continue
        exact = text.text if text.how is How.EXACT else draw.choice(VALUES)
        value = text.text + draw.choice(VALUES) if text.how is How.PREFIX else exact
        pairs = [(name, value)]
        if draw.random() < 0.2:
            pairs.insert(draw.randint(0, 1), (name, draw.choice(VALUES)))
        yield from pairs
    while draw.random() < 0.3:
        yield draw.choice(names), draw.choice(VALUES)


def _host(draw: random.Random, pattern: str) -> str:
    if draw.random() < 0.06:
        return draw.choice(_ODD_HOSTS)
    if draw.random() < 0.2:
        pattern = draw.choice(HOSTS)
    first = draw.choice(("api", "eu", "a.eu", "x.y", "-", "_"))
    host = pattern.replace("*", first)
    host = host.upper() if draw.random() < 0.1 else host
    host += draw.choice(("", "", "", "", ".", "..")) if draw.random() < 0.15 else ""
    return host + (draw.choice((":80", ":8080", ":", ":443")) if draw.random() < 0.2 else "")
