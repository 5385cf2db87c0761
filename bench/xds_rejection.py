"""A cluster that Envoy refuses: how often it says so, and what CPU both spend after it."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment

from bench.child import quiet
from bench.envoys import Follower, following
from bench.fleet import Stage, stage
from bench.machine import cpu_seconds
from controlplane.build import Options, build
from controlplane.snapshot import CLUSTER, Resource, Snapshot, resource, snapshot
from controlplane.sources import SourceFile
from controlplane.xds.events import Nacked
from controlplane.xds.news import Heard
from controlplane.xds.server import Server

SECONDS = 5.0
REJECTED = "cluster_manager.cds.update_rejected"


def lines() -> Iterator[str]:
    """The measurement in words. The gate would stop such a cluster: it is published past it."""
    quiet()
    for sotw in (True, False):
        with tempfile.TemporaryDirectory() as name, stage(Path(name)) as on:
            socket = on.folder / "xds.sock"
            yield asyncio.run(_measured(on, socket, sotw=sotw))


async def _measured(on: Stage, socket: Path, *, sotw: bool) -> str:
    nacks: list[Nacked] = []

    def heard(event: Heard) -> None:
        if isinstance(event, Nacked):
            nacks.append(event)

    good = _built(on)
    async with Server(f"unix:{socket}", heard=heard) as server:
        server.publish(good)
        with following(on.folder, socket, sotw=sotw) as envoy:
            outcome = await server.settled(good.version, within=20)
            before = await _spent(envoy)
            bad = snapshot([*_all(good), _refused()])
            server.publish(bad)
            rejected = await server.settled(bad.version, within=20)
            after = await _spent(envoy)
            counted = envoy.stat(REJECTED)
    if (outcome.state, rejected.state) != ("live", "rejected"):
        raise RuntimeError((outcome, rejected))
    return (
        f"{'SotW' if sotw else 'delta'}, one bad cluster: {len(nacks)} rejections in "
        f"{SECONDS:.0f} s (Envoy counts {counted}), goal 1; CPU of {SECONDS:.0f} s after it: "
        f"server {after[0] * 1000:.0f} ms, Envoy {after[1] * 1000:.0f} ms (before it "
        f"{before[0] * 1000:.0f} ms, {before[1] * 1000:.0f} ms)"
    )


async def _spent(envoy: Follower) -> tuple[float, float]:
    """Seconds of CPU of this process, which holds the server, and of Envoy, while none is asked."""
    pids = os.getpid(), envoy.pid
    began = [cpu_seconds(pid) for pid in pids]
    await asyncio.sleep(SECONDS)
    mine, its = (cpu_seconds(pid) - was for pid, was in zip(pids, began, strict=True))
    return mine, its


def _built(on: Stage) -> Snapshot:
    text = on.gateway(
        backends="  one: http://127.0.0.1:@one@\n", routes="  - {path: /**, to: one}\n"
    )
    built = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())
    if built.snapshot is None:
        raise ValueError(built.mistakes[:3])
    return built.snapshot


def _all(one: Snapshot) -> Iterator[Resource]:
    return (r for group in one.resources.values() for r in group.values())


def _refused() -> Resource:
    """A static cluster whose address is none; it needs nothing, and nothing needs it."""
    members = ClusterLoadAssignment(cluster_name="bad")
    place = members.endpoints.add().lb_endpoints.add().endpoint.address.socket_address
    place.address, place.port_value = "not-an-address", 1
    return resource(CLUSTER, "bad", Cluster(name="bad", load_assignment=members))
