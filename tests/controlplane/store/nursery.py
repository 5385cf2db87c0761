"""A program that has children which use a store until they are killed.

A line of standard input makes one: `folder first steps`. The child publishes `first`, `first` + 1
and so on, a day each, records and settles each in the history, holds each for some nodes, and says
before and after what it does, a line each. With
`steps` it kills itself before that call to the system, without it goes on until somebody else
does. `pid` and `gone` come from the nursery. Forks start at once; a new interpreter would not.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from controlplane.history.history import History
from controlplane.history.retention import DAY, Retention
from controlplane.history.version import NodeFate
from controlplane.store.bounds import Bounds
from controlplane.store.store import Store
from tests.controlplane.history.noted import note
from tests.controlplane.store.numbered import layers, numbered

BOUNDS = Bounds(journal=2_000, sets=7)
"""Small, so that removing and replacing come often."""

CALLS = ("write", "replace", "fsync", "unlink", "open")
NODES = 3
RETENTION = Retention(versions=5, least=2, young=0, every=3)


def child(folder: Path, first: int, steps: int) -> NoReturn:
    number = first
    store = Store(folder, bounds=BOUNDS)
    history = History(store, clock=lambda: number * DAY, retention=RETENTION)
    if steps:
        left = [steps]
        for name in CALLS:
            setattr(os, name, counted(getattr(os, name), left))
    while True:
        say("begin", "publish", number)
        store.publish(numbered(number))
        say("end", "publish", number)
        say("begin", "record", number)
        version = history.record(numbered(number), note(number))
        say("end", "record", number)
        say("begin", "settle", number)
        history.settle(version.number, "live", {"a": NodeFate(state="live", at=number)})
        say("end", "settle", number)
        for node in range(NODES):
            say("begin", node, number)
            store.hold(f"node-{node}", layers(number, number + 1))
            say("end", node, number)
        store.sync()
        number += 1


def say(*words: object) -> None:
    WRITE(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def counted(call: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    def instead(*args: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **named)

    return instead


WRITE = os.write


def main() -> None:
    for line in sys.stdin:
        folder, first, steps = line.split()
        pid = os.fork()
        if not pid:
            child(Path(folder), int(first), int(steps))
        say("pid", pid)
        os.waitpid(pid, 0)
        say("gone")


if __name__ == "__main__":
    main()
