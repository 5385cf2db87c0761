"""`make bench`: run every bench, or those that are named, and print what they measured."""

import sys
from collections.abc import Callable, Iterator
from types import MappingProxyType

from bench import compiling, cost, limiting, live, memory, services
from bench.machine import machine

BENCHES: MappingProxyType[str, Callable[[], Iterator[str]]] = MappingProxyType(
    {
        "compile": compiling.lines,
        "live": live.lines,
        "memory": memory.lines,
        "cost": cost.lines,
        "services": services.lines,
        "limiting": limiting.lines,
    }
)


def main(names: list[str]) -> int:
    """Run and print; an unknown name is told."""
    unknown = [n for n in names if n not in BENCHES]
    if unknown:
        print(f"there is no bench {unknown[0]!r}: there are {', '.join(BENCHES)}")
        return 1
    print(machine())
    for name in names or BENCHES:
        print(f"\n{name}", flush=True)
        for line in BENCHES[name]():
            print(f"  {line}", flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
