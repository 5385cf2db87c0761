"""The copy of a snapshot that the prover is fed: made in parts, each part once.

Copies name no needs: the prover itself says what goes first, and takes away at once.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BoolValue

from controlplane.prover.cut import WHOLE, Cut, Host, cut
from controlplane.prover.readers import readers, scoped, tables_of
from controlplane.prover.strip import strip
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SCOPE,
    Reference,
    Resource,
    Snapshot,
    Subject,
    resource,
)

_READ: Mapping[str, type[Message]] = MappingProxyType(
    {
        CLUSTER: Cluster,
        ENDPOINTS: ClusterLoadAssignment,
        LISTENER: Listener,
        EXTENSION: TypedExtensionConfig,
        SCOPE: ScopedRouteConfiguration,
    }
)
"""What is looked into. Tables are large, and nothing in them calls somebody without a request."""

_ANY_ADDRESS = Listener(freebind=BoolValue(value=True)).SerializeToString()
_KNOWN_CLUSTERS = RouteConfiguration(validate_clusters=BoolValue(value=True)).SerializeToString()
"""Appended to a message, a field counts as if it had been written in it: nothing has to be read.

A node has addresses that this machine has not, and a table without the second one may name
clusters that do not exist.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A resource as the prover gets it, one or more (a table is cut, its frame is the first).

    `replaced` is in words; `names` are what it reads: tables of a listener or a scope, endpoints of
    a cluster. `hosts` are those of a table that was cut. `scoped` listeners read what scopes do.
    """

    of: Resource
    made: tuple[Resource, ...]
    replaced: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    hosts: Mapping[bytes, Host] = field(default_factory=dict)
    scoped: bool = False


Resources = Mapping[str, Mapping[str, Resource]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A whole snapshot as the prover gets it; `known` makes the next one cheap."""

    resources: Resources
    replaced: tuple[str, ...] = ()
    known: Mapping[Reference, Copied]

    def subjects(self, blamed: Reference) -> Iterator[Subject]:
        """Say what in the snapshot a resource of the copy stands for.

        Endpoints are their cluster's, and a part of a table is the hosts and routes in it.
        """
        type_url, name = blamed
        if type_url == ENDPOINTS:
            clusters = (c for ref, c in self.known.items() if ref.type_url == CLUSTER)
            yield from (Subject(CLUSTER, c.of.name) for c in clusters if name in c.names)
            return
        if type_url != ROUTES:
            yield Subject(type_url, name)
            return
        table = self.resources[ROUTES][name]
        whole = name if Reference(ROUTES, name) in self.known else name.rpartition("/")[0]
        yield Subject(ROUTES, whole)
        for host in RouteConfiguration.FromString(table.body).virtual_hosts:
            yield Subject(ROUTES, whole, host.name)
            for route in host.routes:
                yield Subject(ROUTES, whole, f"{host.name}/{route.name}")


EMPTY = Copy(resources={}, known={})


def copy(snapshot: Snapshot, before: Copy = EMPTY, *, walled: bool) -> Copy:
    """Copy a snapshot; what is the same as in the copy before is taken from it."""
    known: dict[Reference, Copied] = {}
    for type_url, group in snapshot.resources.items():
        for name, one in group.items():
            last = before.known.get(Reference(type_url, name))
            same = last is not None and last.of.version == one.version and last.of.body == one.body
            known[Reference(type_url, name)] = (
                last if last is not None and same else _copied(one, last, walled=walled)
            )
    made: dict[str, dict[str, Resource]] = {}
    for copied in known.values():
        for one in copied.made:
            made.setdefault(one.type_url, {})[one.name] = one
    for reader in _readers(known, made.get(ROUTES, {})):
        for one in _copied(reader, None, walled=walled).made:
            made.setdefault(LISTENER, {})[one.name] = one
    if ENDPOINTS in made:
        made[ENDPOINTS] = _following(made[ENDPOINTS], known)
    replaced = frozenset().union(*(copied.replaced for copied in known.values()))
    return Copy(resources=made, replaced=tuple(sorted(replaced)), known=known)


def _copied(one: Resource, before: Copied | None, *, walled: bool) -> Copied:
    bare = replace(one, needs=frozenset())
    if one.type_url == ROUTES:
        found = cut(one.name, one.body, before.hosts if before else WHOLE)
        return Copied(of=one, made=tuple(_tables(bare, found)), hosts=found.hosts)
    kind = _READ.get(one.type_url)
    if kind is None:
        return Copied(of=one, made=(bare,))
    message = kind.FromString(one.body)
    names: tuple[str, ...] = ()
    if isinstance(message, Listener):
        names = tables_of(message)
    if isinstance(message, ScopedRouteConfiguration):
        names = (message.route_configuration_name,)
    if isinstance(message, Cluster) and message.type == Cluster.EDS:
        names = (message.eds_cluster_config.service_name or message.name,)
    replaced = strip(message, walled=walled)
    body = message.SerializeToString(deterministic=True) if replaced else one.body
    if walled and isinstance(message, Listener) and not message.address.HasField("pipe"):
        body += _ANY_ADDRESS
    return Copied(
        of=one,
        made=(replace(bare, body=body),),
        replaced=replaced,
        names=names,
        scoped=isinstance(message, Listener) and scoped(message),
    )


def _tables(table: Resource, found: Cut) -> Iterator[Resource]:
    """Give the frame of a table and its parts, each with a version of its own."""
    for name, body in ((table.name, found.frame), *found.parts.items()):
        whole = body + _KNOWN_CLUSTERS
        if found.parts:
            yield replace(table, name=name, body=whole, version=_version(whole))
        else:
            yield replace(table, body=whole)


def _readers(
    known: Mapping[Reference, Copied], tables: Mapping[str, Resource]
) -> Iterator[Resource]:
    """Have every table read by something; those of scopes are, where a listener asks for scopes."""
    scoped = any(c.scoped for c in known.values())
    by = {LISTENER, SCOPE} if scoped else {LISTENER}
    read = {name for ref, copied in known.items() if ref.type_url in by for name in copied.names}
    for one in readers(tables, read):
        yield resource(LISTENER, one.name, one)


def _following(
    endpoints: Mapping[str, Resource], known: Mapping[Reference, Copied]
) -> dict[str, Resource]:
    """Let endpoints have another version whenever their cluster has: Envoy waits for them then."""
    clusters = {
        name: copied.of.version
        for ref, copied in known.items()
        if ref.type_url == CLUSTER
        for name in copied.names
    }
    return {
        name: replace(one, version=f"{one.version}.{clusters.get(name, '')}")
        for name, one in endpoints.items()
    }


def _version(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
