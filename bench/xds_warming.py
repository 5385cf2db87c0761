"""A cluster changes and its endpoints do not: how long until it is active again."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.child import until
from bench.envoys import Follower, following
from bench.fleet import Publishing, Stage, publishing, stage
from controlplane.sources import SourceFile

CHANGES = 40
WARMING = "cluster_manager.warming_clusters"


def lines() -> Iterator[str]:
    """The measurement in words; the build and the look at Envoy's admin port are in the time."""
    for sotw in (True, False):
        with tempfile.TemporaryDirectory() as name, stage(Path(name)) as on:
            socket = on.folder / "xds.sock"
            with publishing(socket) as publisher, following(on.folder, socket, sotw=sotw) as envoy:
                publisher.publish(_build(on, 0))
                until("a port", lambda: envoy.stat("listener_manager.listener_create_success"))
                took = [_change(publisher, envoy, on, n) for n in range(1, CHANGES + 1)]
        yield (
            f"{'SotW' if sotw else 'delta'}, {CHANGES} changes of a cluster: active after p50 "
            f"{statistics.median(took) * 1000:.0f} ms, slowest {max(took) * 1000:.0f} ms; goal 200"
        )


def _change(publisher: Publishing, envoy: Follower, on: Stage, number: int) -> float:
    """Seconds from the publish to the ACK and to no cluster that warms."""
    had = envoy.stat("cluster_manager.cluster_modified")
    began = time.perf_counter()
    state = publisher.publish(_build(on, number))["state"]
    until("none is warming", lambda: envoy.stat(WARMING) == 0)
    took = time.perf_counter() - began
    if state != "live" or envoy.stat("cluster_manager.cluster_modified") == had:
        raise RuntimeError(f"change {number} is {state}")
    return took


def _build(on: Stage, number: int) -> tuple[SourceFile, ...]:
    balance = ("roundRobin", "leastRequest")[number % 2]
    text = on.gateway(
        backends=f'  one: {{endpoints: ["127.0.0.1:@one@"], balance: {balance}}}\n',
        routes="  - {path: /**, to: one}\n",
    )
    return (SourceFile(name="gateway.yaml", data=text.encode()),)
