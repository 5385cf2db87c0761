"""Snapshots of real files, and damage to them that Foregate's own checks would never let pass."""

from collections.abc import Callable

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf.message import Message

from controlplane.build import Build, Options, build
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Resource,
    Snapshot,
    resource,
    snapshot,
)
from controlplane.sources import SourceFile

TYPES: dict[str, type[Message]] = {
    CLUSTER: Cluster,
    ENDPOINTS: ClusterLoadAssignment,
    LISTENER: Listener,
    ROUTES: RouteConfiguration,
}


def built(routes: int) -> Build:
    """A gateway of `/p0`, `/p1`, … with a backend of its own each, one line each."""
    lines = ["version: 1", "defaults: {auth: none}", "backends:"]
    lines += [f"  b{i}: http://127.0.0.1:{10_000 + i}" for i in range(routes)]
    lines += ["routes:", *(f"  - {{path: /p{i}, to: b{i}}}" for i in range(routes))]
    file = SourceFile(name="gateway.yaml", data="\n".join(lines).encode())
    return build((file,), Options(loopback=True))


def damaged(
    whole: Snapshot, type_url: str, change: Callable[..., None], name: str | None = None
) -> Snapshot:
    """The snapshot with one resource of a type changed."""
    chosen = name or next(iter(whole.of(type_url)))

    def again(one: Resource) -> Resource:
        if (one.type_url, one.name) != (type_url, chosen):
            return one
        message = TYPES[type_url]()
        message.ParseFromString(one.body)
        change(message)
        return resource(type_url, chosen, message)

    return snapshot(again(one) for group in whole.resources.values() for one in group.values())


def good(whole: Build) -> Snapshot:
    """The snapshot of a build without mistakes."""
    assert whole.snapshot is not None, whole.mistakes
    return whole.snapshot
