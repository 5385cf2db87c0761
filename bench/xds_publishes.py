"""Publishes of every kind under load: what fails, and what p99 they cost."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.child import until
from bench.envoys import following
from bench.fleet import NAMES, Stage, publishing, stage
from bench.load import loaded
from controlplane.sources import SourceFile

PUBLISHES, REQUESTS, WITHOUT = 1_000, 400_000, 100_000
"""`WITHOUT` is how many requests are sent before without a publish, to compare with."""

EACH_SECONDS = 0.04
"""At least so long from one publish to the next."""

KINDS = ("routes", "weights", "clusters", "endpoints", "listener")


def lines() -> Iterator[str]:
    """The measurement in words. Builds are published in a process, past the watch and the gate."""
    with tempfile.TemporaryDirectory() as name, stage(Path(name)) as on:
        socket = on.folder / "xds.sock"
        with publishing(socket) as publisher, following(on.folder, socket, sotw=False) as envoy:
            publisher.publish(_build(on, {}))
            until("there is a port", lambda: envoy.stat("listener_manager.listener_create_success"))
            with loaded(on.port, *NAMES) as load:
                load.until("requests", lambda book: book.asked >= WITHOUT, within=300)
                calm = load.end()
            with loaded(on.port, *NAMES) as load:
                load.until("answers", lambda book: book.bodies)
                states: dict[str, int] = {}
                turns: dict[str, int] = {}
                for number in range(PUBLISHES):
                    next_at = time.monotonic() + EACH_SECONDS
                    kind = KINDS[number % len(KINDS)]
                    turns[kind] = turns.get(kind, 0) + 1
                    state = publisher.publish(_build(on, turns))["state"]
                    states[state] = states.get(state, 0) + 1
                    time.sleep(max(0.0, next_at - time.monotonic()))
                load.until("requests", lambda book: book.asked >= REQUESTS, within=300)
                book = load.end()
    yield (
        f"{PUBLISHES:,} publishes through the publisher in a process ({', '.join(KINDS)} in turn; "
        f"{', '.join(f'{n:,} {state}' for state, n in states.items())}): {book.told}, goal 0 of "
        f"{REQUESTS:,}"
    )
    yield (
        f"p50 {book.p50_ms:.1f} ms, p99 {book.p99_ms:.1f} ms, slowest {book.slowest_ms:.0f} ms; "
        f"without publishes p50 {calm.p50_ms:.1f} ms, p99 {calm.p99_ms:.1f} ms, slowest "
        f"{calm.slowest_ms:.0f} ms ({calm.told})"
    )


def _build(on: Stage, turns: dict[str, int]) -> tuple[SourceFile, ...]:
    """The gateway after so many changes of each kind; each change differs from the one before."""
    routes, weights, clusters, endpoints, listener = (turns.get(kind, 0) for kind in KINDS)
    balance = ("roundRobin", "leastRequest")[clusters % 2]
    places = ", ".join(f"127.0.0.1:@{n}@" for n in (NAMES, NAMES[:1])[endpoints % 2])
    share = 10 + 80 * (weights % 2)
    text = on.gateway(
        backends=f"  one: {{endpoints: [{places}], balance: {balance}}}\n"
        "  two: http://127.0.0.1:@two@\n",
        routes=f"  - {{path: /changes-{routes}, to: two}}\n"
        f"  - {{path: /**, to: {{one: {share}, two: {100 - share}}}}}\n",
        trusted_hops=listener % 2,
    )
    return (SourceFile(name="gateway.yaml", data=text.encode()),)
