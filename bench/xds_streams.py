"""Many delta streams on one server: the memory that each takes, and how soon all have a change."""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.fleet import Publishing, publishing
from bench.gateways import folder
from bench.machine import cpu_seconds, resident_kib
from bench.streams import Streams, streams, wanted
from controlplane.build import Options, build
from controlplane.snapshot import ROUTES
from controlplane.sources import SourceFile

STREAMS, CHANGES = 1_000, 5
SIZES = ((10, 1), (1_000, 100))
"""Routes and files; a file has two backends."""


def lines() -> Iterator[str]:
    """The measurement in words. The routes are one resource, which a change sends as a whole."""
    for routes, files in SIZES:
        with tempfile.TemporaryDirectory() as name:
            socket = Path(name) / "xds.sock"
            with (
                publishing(socket) as publisher,
                streams(STREAMS, wanted(folder(routes, files))) as nodes,
            ):
                yield from _measured(publisher, nodes, socket, routes, files)


def _measured(
    publisher: Publishing, nodes: Streams, socket: Path, routes: int, files: int
) -> Iterator[str]:
    sources = folder(routes, files)
    publisher.publish(sources)
    before = resident_kib(publisher.pid)
    nodes.open(socket)
    nodes.until_whole(STREAMS)
    held = resident_kib(publisher.pid)
    took, server, clients = [], [], []
    for number in range(CHANGES):
        began = cpu_seconds(publisher.pid), nodes.cpu()
        said = publisher.publish(_changed(sources, number), within=60)
        if said["state"] != "live":
            raise RuntimeError(said)
        took.append(said["seconds"])
        server.append(cpu_seconds(publisher.pid) - began[0])
        clients.append(nodes.cpu() - began[1])
    after = resident_kib(publisher.pid)
    seen = nodes.seen()
    what = f"{routes:,} routes ({_kib(sources):,.0f} KiB), {2 * files} backends"
    yield (
        f"{STREAMS:,} delta streams, {what}, one route changed: all have it after "
        f"{statistics.median(took):.2f} s (median of {CHANGES}, slowest {max(took):.2f}), "
        f"goal 1.0; CPU of a change: server {statistics.median(server):.2f} s, "
        f"clients {statistics.median(clients):.2f} s"
    )
    yield (
        f"memory a stream: {(held - before) / STREAMS:.0f} KiB once they hold it, "
        f"{(after - before) / STREAMS:.0f} KiB after the changes, goal 100 "
        f"(server {before / 1024:.0f} MiB before, {held / 1024:.0f} and {after / 1024:.0f} MiB); "
        f"{seen.lost} streams broke and came back{''.join(f' ({why})' for why in seen.why)}"
    )


def _changed(sources: tuple[SourceFile, ...], number: int) -> tuple[SourceFile, ...]:
    """The same files with another path in the first route."""
    first, *others = sources
    data = first.data.replace(b"/v1/things-0/**", b"/v1/changed-%d/**" % number, 1)
    return (SourceFile(name=first.name, data=data), *others)


def _kib(sources: tuple[SourceFile, ...]) -> float:
    built = build(sources, Options())
    if built.snapshot is None:
        raise ValueError(built.mistakes[:3])
    return sum(len(one.body) for one in built.snapshot.of(ROUTES).values()) / 1024
