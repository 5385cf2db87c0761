"""A large route table cut into parts, so that a changed route has only its own part read again.

Envoy reads 1,000 routes of 1.3 MB in 60 ms. Nothing that it
checks of a route depends on other routes; what depends on other hosts, it checks in the frame.

The cuts are made in the serialized bytes (protobuf encoding guide): nothing is parsed.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

PARTS = 32
LARGE = 64 * 1024
"""Bytes below which a table stays whole."""

_NAME, _HOST = 1, 2  # RouteConfiguration.name, .virtual_hosts
_ROUTE = 3  # VirtualHost.routes; a host begins with its name and a Route with its match
_WIDTHS = {1: 8, 5: 4}  # bytes of fixed-width wire types


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A virtual host without its routes, and with those of each part."""

    bare: bytes
    parts: Mapping[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """`frame` has all but the routes; each of `parts`, by name, has hosts with some of theirs.

    `hosts` by their bytes make the next cut cheap.
    """

    frame: bytes
    parts: Mapping[str, bytes]
    hosts: Mapping[bytes, Host]


WHOLE: Mapping[bytes, Host] = MappingProxyType({})


def cut(name: str, body: bytes, known: Mapping[bytes, Host] = WHOLE) -> Cut:
    """Cut a serialized RouteConfiguration; one that is not large has no parts.

    A route goes where its host's name and its match say: it stays there whatever comes or goes
    beside it.
    """
    if len(body) < LARGE:
        return Cut(frame=body, parts={}, hosts=WHOLE)
    head: list[bytes] = []
    hosts: dict[bytes, Host] = {}
    frame: list[bytes] = []
    parts: list[list[bytes]] = [[] for _ in range(PARTS)]
    for number, field, content in _fields(body):
        if number != _HOST:
            head.append(field)
            continue
        host = hosts[content] = known.get(content) or _host(content)
        frame.append(host.bare)
        for part, some in host.parts.items():
            parts[part].append(some)
    return Cut(
        frame=b"".join((*head, *frame)),
        parts={
            one: b"".join((*head, _framed(_NAME, one.encode()), *some))
            for one, some in ((f"{name}/{number}", some) for number, some in enumerate(parts))
        },
        hosts=hosts,
    )


def _host(content: bytes) -> Host:
    bare: list[bytes] = []
    routes: dict[int, list[bytes]] = {}
    for number, field, route in _fields(content):
        if number == _ROUTE:
            _, _, match = next(_fields(route), (0, b"", b""))
            part = zlib.crc32(match, zlib.crc32(bare[0] if bare else b"")) % PARTS
            routes.setdefault(part, []).append(field)
        else:
            bare.append(field)
    return Host(
        bare=_framed(_HOST, b"".join(bare)),
        parts={n: _framed(_HOST, b"".join((*bare, *some))) for n, some in routes.items()},
    )


def _fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Give each field's number, all its bytes, and its content where that has a length."""
    at = 0
    while at < len(data):
        begin = at
        tag, at = _varint(data, at)
        kind = tag & 7
        content = at
        if kind == 2:
            length, content = _varint(data, at)
            at = content + length
        elif kind == 0:
            _, at = _varint(data, at)
        else:
            at += _WIDTHS[kind]
        yield tag >> 3, data[begin:at], data[content:at]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _framed(number: int, content: bytes) -> bytes:
    head = bytearray([number << 3 | 2])
    length = len(content)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + content
