"""Clusters of before beside those of now: who goes to which, and how it is called.

A kept route goes to what its backend was. Where the backend is another by now, the old one stays
beside it as `users@1a2b3c4d`: no backend's name holds an `@`, and the sign is a hash of what it
is, so the same is called the same in every build.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from google.protobuf.message import DecodeError

from controlplane.snapshot import CLUSTER, ENDPOINTS, Reference, Resource, Snapshot, resource

SIGN = "@"


def base(name: str) -> str:
    """The backend that a cluster is, or once was."""
    return name.partition(SIGN)[0]


@dataclass(frozen=True, kw_only=True)
class Backends:
    """The clusters of a build, those of it that are `refused`, and those of before."""

    now: Snapshot
    before: Snapshot | None
    refused: Collection[str]

    def kept(self, name: str) -> str | None:
        """How a cluster of before is called beside those of now; None where it cannot be kept."""
        content = self.content(name, before=True)
        if content is None or content in self._bad:
            return None
        assert self.before is not None  # noqa: S101 - it has the cluster
        others = (n for n in self.before.of(CLUSTER)[name].needs if n.type_url != ENDPOINTS)
        if any(need.name not in self.now.of(need.type_url) for need in others):
            return None
        bare = base(name)
        hashed = f"{bare}{SIGN}{content[:8]}"
        stays = self.stays(bare)
        chosen = bare if name == bare else hashed  # so that what goes on is called as before
        if stays:
            chosen = bare if self.content(bare) == content else hashed
        taken = self.content(chosen) if self.stays(chosen) else None
        return chosen if taken in {None, content} else None

    def stays(self, name: str) -> bool:
        """Whether the build has a cluster, and it is not refused."""
        return name in self.now.of(CLUSTER) and name not in self.refused

    def content(self, name: str, *, before: bool = False) -> str | None:
        """What a cluster and its endpoints are, and how they are sent; None without them.

        What was kept of a backend is the same as the backend was.
        """
        found = self._before if before else self._now
        if name not in found:
            found[name] = _content(self.before if before else self.now, name)
        return found[name]

    def resources(self, name: str) -> Iterator[Resource]:
        """The cluster that `kept` gave this name, and its endpoints."""
        for old in (name, base(name)):
            if self.before is not None and self.kept(old) == name:
                yield from _renamed(self.before, old, name)
                return

    @cached_property
    def _now(self) -> dict[str, str | None]:
        return {}

    @cached_property
    def _before(self) -> dict[str, str | None]:
        return {}

    @cached_property
    def _bad(self) -> frozenset[str | None]:
        return frozenset(self.content(name) for name in self.refused)


def members_of(one: Resource) -> str | None:
    """The name of the endpoints that a cluster has by EDS; asked of the message itself.

    One that nobody can read has none.
    """
    try:
        cluster = Cluster.FromString(one.body)
    except DecodeError:
        return None
    if cluster.type != Cluster.EDS:
        return None
    return cluster.eds_cluster_config.service_name or cluster.name


def _content(held: Snapshot | None, name: str) -> str | None:
    if held is None or name not in held.of(CLUSTER):
        return None
    members = members_of(held.of(CLUSTER)[name])
    if members is not None and members not in held.of(ENDPOINTS):
        return None
    digest = hashlib.sha256(base(name).encode())
    for one in _renamed(held, name, base(name)):
        # a message may be as before, and refused for what it is said to need
        sent = f"{bool(one.version)} {sorted(one.needs)}".encode()
        for part in (sent, one.body):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _renamed(held: Snapshot, old: str, name: str) -> Iterator[Resource]:
    """A cluster and its endpoints by another name, in every place that names them."""
    one = held.of(CLUSTER)[old]
    members = members_of(one)
    if old == name:
        yield one
        if members is not None:
            yield held.of(ENDPOINTS)[members]
        return
    cluster = Cluster.FromString(one.body)
    cluster.name = name
    if cluster.eds_cluster_config.service_name:
        cluster.eds_cluster_config.service_name = name
    if cluster.HasField("load_assignment"):
        cluster.load_assignment.cluster_name = name
    others = {need for need in one.needs if need.type_url != ENDPOINTS}
    needs = others if members is None else {*others, Reference(ENDPOINTS, name)}
    made = resource(CLUSTER, name, cluster, needs=needs)
    yield made
    if members is not None:
        endpoints = ClusterLoadAssignment.FromString(held.of(ENDPOINTS)[members].body)
        endpoints.cluster_name = name
        yield resource(ENDPOINTS, name, endpoints, salt=made.version)
