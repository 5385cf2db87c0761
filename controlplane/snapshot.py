"""The immutable set of Envoy resources that one state of the files compiles to.

A resource's version is the hash of its bytes, so replicas and restarts agree and a client that
reconnects is sent only what differs. Each resource is serialized once, for all streams.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from google.protobuf.message import Message

PREFIX = "type.googleapis.com/"
CLUSTER = PREFIX + "envoy.config.cluster.v3.Cluster"
ENDPOINTS = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
SECRET = PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"
LISTENER = PREFIX + "envoy.config.listener.v3.Listener"
EXTENSION = PREFIX + "envoy.config.core.v3.TypedExtensionConfig"
SCOPE = PREFIX + "envoy.config.route.v3.ScopedRouteConfiguration"
ROUTES = PREFIX + "envoy.config.route.v3.RouteConfiguration"

ORDER = (CLUSTER, ENDPOINTS, SECRET, LISTENER, EXTENSION, SCOPE, ROUTES)
"""The order in which types are sent on one stream: what is named goes before what names it."""


class Subject(NamedTuple):
    """What lines of a file can be the origin of: a resource, or a part of one.

    `part` is empty for the whole resource; in a RouteConfiguration it is a virtual host's name,
    or `virtual host/route name`.
    """

    type_url: str
    name: str
    part: str = ""


class Reference(NamedTuple):
    """A resource as others name it."""

    type_url: str
    name: str


NOTHING: frozenset[Reference] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One xDS resource: `body` is the serialized message, `version` the hash of it (and salt).

    `needs` are the resources that the message names: they are there before it and leave after it.
    """

    type_url: str
    name: str
    body: bytes
    version: str
    needs: frozenset[Reference] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All resources by type and name; `version` covers every one of them."""

    version: str
    resources: Mapping[str, Mapping[str, Resource]]

    def of(self, type_url: str) -> Mapping[str, Resource]:
        """The resources of one type by name, empty where there are none."""
        return self.resources.get(type_url, MappingProxyType({}))


def resource(
    type_url: str,
    name: str,
    message: Message,
    *,
    salt: str = "",
    needs: Iterable[Reference] = NOTHING,
) -> Resource:
    """Serialize a message into a resource.

    `salt` makes the version follow another resource: endpoints are salted with their cluster's
    version, because Envoy keeps a changed cluster warming until its endpoints come again.
    """
    body = message.SerializeToString(deterministic=True)
    return serialized(type_url, name, body, salt=salt, needs=needs)


def serialized(
    type_url: str,
    name: str,
    body: bytes,
    *,
    salt: str = "",
    needs: Iterable[Reference] = NOTHING,
) -> Resource:
    """Make a resource of what a message was serialized to."""
    return Resource(
        type_url=type_url,
        name=name,
        body=body,
        version=_hash(body, salt.encode()),
        needs=frozenset(needs),
    )


def snapshot(resources: Iterable[Resource]) -> Snapshot:
    """Group resources into a snapshot. Two of one type and name are a mistake of ours."""
    groups: dict[str, dict[str, Resource]] = {}
    for one in sorted(resources, key=lambda r: (r.type_url, r.name)):
        group = groups.setdefault(one.type_url, {})
        if one.name in group:
            raise DuplicateResourceError(one.type_url, one.name)
        group[one.name] = one
    parts = [f"{t} {r.name} {r.version}\n".encode() for t in groups for r in groups[t].values()]
    return Snapshot(
        version=_hash(*parts),
        resources=MappingProxyType({t: MappingProxyType(g) for t, g in groups.items()}),
    )


class DuplicateResourceError(Exception):
    """Two resources of one snapshot have the same type and name."""

    def __init__(self, type_url: str, name: str) -> None:
        super().__init__(type_url, name)
        self.type_url = type_url
        self.name = name


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:16]
