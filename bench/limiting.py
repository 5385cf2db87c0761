"""Redis decisions of the store: how many, what they cost, and whether one too many passes."""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench.limiting_client import BURST, CALLERS, PERIOD_US, RATE, connected, limits
from bench.machine import cpu_seconds
from decision.counters import Charge, Kind, Limit
from tools import parts

IN_FLIGHT, DECISIONS, ROUNDS = 32, 20_000, 5
GOALS = {Kind.FIXED_WINDOW: 100_000, Kind.GCRA: 60_000}
"""Decisions a second."""

PROCESSES, CLIENTS, SECONDS = 4, 64, 30


def lines() -> Iterator[str]:
    """The measurement in words."""
    with tempfile.TemporaryDirectory() as name, _redis(Path(name)) as (url, pid):
        for kind in (Kind.FIXED_WINDOW, Kind.GCRA):
            rounds = uvloop.run(_rounds(url, pid, kind))
            rate, client, redis = (statistics.median(r[n] for r in rounds) for n in range(3))
            yield (
                f"{kind.value}: {rate:,.0f} decisions/s (from {min(r[0] for r in rounds):,.0f} to "
                f"{max(r[0] for r in rounds):,.0f}), goal {GOALS[kind]:,}; CPU a decision: "
                f"client {client:.1f} µs, goal 10; redis {redis:.1f} µs "
                f"({IN_FLIGHT} in flight, one key each)"
            )
        yield _over_admission(url, Path(name))


async def _rounds(url: str, pid: int, kind: Kind) -> list[tuple[float, float, float]]:
    """Of each round: decisions a second, and µs of CPU a decision of this process and of Redis."""
    one = Limit(id=kind.value, name="a", kind=kind, amount=100, period_us=1_000_000, burst=20)
    charges = [(Charge(one, b"%s:%d" % (kind.name.encode(), n)),) for n in range(1000)]
    found = []
    async with connected(url) as store:

        async def client(numbers: Iterator[int]) -> None:
            for n in numbers:
                await store.decide(charges[n % 1000], 1)

        for _ in range(ROUNDS + 1):
            numbers = iter(range(DECISIONS))
            before = time.process_time(), cpu_seconds(pid), time.perf_counter()
            await asyncio.gather(*(client(numbers) for _ in range(IN_FLIGHT)))
            after = time.process_time(), cpu_seconds(pid), time.perf_counter()
            mine, redis, took = (b - a for a, b in zip(before, after, strict=True))
            found.append((DECISIONS / took, mine / DECISIONS * 1e6, redis / DECISIONS * 1e6))
    return found[1:]  # the first one warms


def _over_admission(url: str, folder: Path) -> str:
    """Replay what the clients were admitted, by the times that Redis gave, on plain buckets."""
    words = [sys.executable, "-m", "bench.limiting_client", url]
    words += [str(SECONDS), str(CLIENTS // PROCESSES)]
    files = [folder / f"client-{n}.json" for n in range(PROCESSES)]
    children = [subprocess.Popen([*words, str(file)]) for file in files]
    for child in children:
        child.wait(SECONDS + 60)
    said = [json.loads(file.read_text()) for file in files]
    too_many = 0
    admitted = 0
    for caller in map(str, range(CALLERS)):
        times = sorted(t for one in said for t in one["admitted"][caller])
        admitted += len(times)
        too_many += _beyond_bucket(times) + _beyond_windows(times)
    asked, failed = (sum(one[what] for one in said) for what in ("asked", "failed"))
    gcra, window = limits()
    return (
        f"over-admission: {too_many} of {admitted:,} admitted, goal 0 ({PROCESSES} processes, "
        f"{CLIENTS} clients, {SECONDS} s, {asked:,} asked, {failed} unanswered, each on "
        f"{gcra.amount}/s with burst {gcra.burst} and {window.amount} in a window of "
        f"{window.period_us // 1_000_000} s)"
    )


def _beyond_bucket(times: list[int]) -> int:
    """How many hits a bucket of BURST, refilled by RATE each second, had no room for."""
    spent, last, beyond = 0, 0, 0
    for now in times:
        spent = max(0, spent - (now - last) * RATE)
        last = now
        if spent + PERIOD_US > BURST * PERIOD_US:
            beyond += 1
        else:
            spent += PERIOD_US
    return beyond


def _beyond_windows(times: list[int]) -> int:
    """How many hits windows of the epoch had no room for."""
    _, window = limits()
    counts = Counter(now // window.period_us for now in times)
    return sum(max(0, n - window.amount) for n in counts.values())


@contextmanager
def _redis(folder: Path) -> Iterator[tuple[str, int]]:
    """A Redis that keeps nothing; its URL and its process id."""
    socket = folder / "redis.sock"
    words = [*parts.command("redis-server"), "--port", "0", "--unixsocket", str(socket)]
    words += ["--save", "", "--loglevel", "warning"]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield f"unix://{socket}", child.pid
    finally:
        child.kill()
        child.wait()
