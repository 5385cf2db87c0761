"""The facts of any resource, read once: most of a snapshot is that of the one before."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from google.protobuf.message import DecodeError

from controlplane import layout
from controlplane.gate.facts.cluster import cluster_facts, endpoints_facts
from controlplane.gate.facts.facts import Facts
from controlplane.gate.facts.listener import listener_facts
from controlplane.gate.facts.table import scope_facts, table_facts
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SCOPE,
    SECRET,
    Resource,
)

KEPT = 16_384
"""How many resources are remembered, of those that are small."""

TABLES = 4
"""How many plain tables are: they may be large, and of each its routes are remembered."""

PAGES = 256
"""How many pages are."""


def facts_of(one: Resource) -> Facts | None:
    """What a resource says, None where nobody can read it as its type."""
    read = _small
    if one.type_url == ROUTES:
        read = _page if layout.page(one.name) else _table
    return read(one.type_url, one.body)


def _read(type_url: str, body: bytes) -> Facts | None:
    try:
        return _READERS[type_url](body)
    except DecodeError:
        return None


_small = lru_cache(maxsize=KEPT)(_read)
_table = lru_cache(maxsize=TABLES)(_read)
_page = lru_cache(maxsize=PAGES)(_read)


def _secret(body: bytes) -> Facts:
    return Facts(name=Secret.FromString(body).name)


def _extension(body: bytes) -> Facts:
    return Facts(name=TypedExtensionConfig.FromString(body).name)


_READERS: Mapping[str, Callable[[bytes], Facts]] = {
    CLUSTER: cluster_facts,
    ENDPOINTS: endpoints_facts,
    SECRET: _secret,
    LISTENER: listener_facts,
    EXTENSION: _extension,
    SCOPE: scope_facts,
    ROUTES: table_facts,
}
