"""`make bench`: run every bench, or those that are named, and print what they measured."""

import sys
from collections.abc import Callable, Iterator
from types import MappingProxyType

from bench import (
    compiling,
    cost,
    explaining,
    limiting,
    live,
    memory,
    pages,
    proof,
    saves,
    services,
    weights,
    xds_absence,
    xds_failover,
    xds_publishes,
    xds_rejection,
    xds_streams,
    xds_switches,
    xds_warming,
)
from bench.machine import machine

BENCHES: MappingProxyType[str, Callable[[], Iterator[str]]] = MappingProxyType(
    {
        "compile": compiling.lines,
        "pages": pages.lines,
        "explain": explaining.lines,
        "live": live.lines,
        "proof": proof.lines,
        "saves": saves.lines,
        "memory": memory.lines,
        "cost": cost.lines,
        "services": services.lines,
        "limiting": limiting.lines,
        "weights": weights.lines,
        "xds_switches": xds_switches.lines,
        "xds_publishes": xds_publishes.lines,
        "xds_rejection": xds_rejection.lines,
        "xds_warming": xds_warming.lines,
        "xds_streams": xds_streams.lines,
        "xds_failover": xds_failover.lines,
        "xds_absence": xds_absence.lines,
    }
)


def main(names: list[str]) -> int:
    """Run and print; an unknown name is told. `xds` stands for all that begin with it."""
    chosen = {n: [b for b in BENCHES if b == n or b.startswith(f"{n}_")] for n in names}
    unknown = [n for n in names if not chosen[n]]
    if unknown:
        print(f"there is no bench {unknown[0]!r}: there are {', '.join(BENCHES)}")
        return 1
    print(machine())
    for name in [b for n in names for b in chosen[n]] or BENCHES:
        print(f"\n{name}", flush=True)
        for line in BENCHES[name]():
            print(f"  {line}", flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
