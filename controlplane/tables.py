"""A serialized route table taken apart into its hosts and routes, without being parsed.

So what was said of a route before holds as long as its bytes are the same, whatever is around it.
"""

from dataclasses import dataclass
from functools import lru_cache

from controlplane.encoding import fields

HOST, ROUTE = 2, 3  # RouteConfiguration.virtual_hosts, VirtualHost.routes

KEPT = 4
"""How many tables are remembered in parts: the one before, and the one that is asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A virtual host: `bare` is all but its routes, and each route is a field of it."""

    bare: bytes
    routes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A RouteConfiguration: `bare` is all but its hosts."""

    bare: bytes
    hosts: tuple[Host, ...]


@lru_cache(maxsize=KEPT)
def apart(body: bytes) -> Table:
    """Take a table apart. Raises EncodingError for what is no message."""
    bare: list[bytes] = []
    hosts: list[Host] = []
    for number, whole, content in fields(body):
        if number == HOST:
            hosts.append(_host(content))
        else:
            bare.append(whole)
    return Table(bare=b"".join(bare), hosts=tuple(hosts))


def _host(content: bytes) -> Host:
    bare: list[bytes] = []
    routes: list[bytes] = []
    for number, whole, _ in fields(content):
        (routes if number == ROUTE else bare).append(whole)
    return Host(bare=b"".join(bare), routes=tuple(routes))
