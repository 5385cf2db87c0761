"""A large route table cut into parts, so that a changed route has only its own part read again.

Envoy reads 1,000 routes of 1.3 MB in 60 ms. Nothing that it
checks of a route depends on other routes; what depends on other hosts, it checks in the frame.

The cuts are made in the serialized bytes (protobuf encoding guide): nothing is parsed.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controlplane.encoding import field, fields
from controlplane.tables import HOST, ROUTE

PARTS = 32
LARGE = 256 * 1024
"""Bytes below which a table stays whole: a page of a hundred routes is half of that."""

_NAME = 1  # RouteConfiguration.name; a host begins with its name and a Route with its match


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
    for number, whole, content in fields(body):
        if number != HOST:
            head.append(whole)
            continue
        host = hosts[content] = known.get(content) or _host(content)
        frame.append(host.bare)
        for part, some in host.parts.items():
            parts[part].append(some)
    return Cut(
        frame=b"".join((*head, *frame)),
        parts={
            one: b"".join((*head, field(_NAME, one.encode()), *some))
            for one, some in ((f"{name}/{number}", some) for number, some in enumerate(parts))
        },
        hosts=hosts,
    )


def _host(content: bytes) -> Host:
    bare: list[bytes] = []
    routes: dict[int, list[bytes]] = {}
    for number, whole, route in fields(content):
        if number == ROUTE:
            _, _, match = next(fields(route), (0, b"", b""))
            part = zlib.crc32(match, zlib.crc32(bare[0] if bare else b"")) % PARTS
            routes.setdefault(part, []).append(whole)
        else:
            bare.append(whole)
    return Host(
        bare=field(HOST, b"".join(bare)),
        parts={n: field(HOST, b"".join((*bare, *some))) for n, some in routes.items()},
    )
