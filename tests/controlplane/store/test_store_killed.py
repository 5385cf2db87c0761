"""A process is killed while it publishes, records and holds: the store says what it was told.

FOREGATE_PROVE=1 kills more often.
"""

import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from controlplane.history.history import History
from controlplane.snapshot import CLUSTER
from controlplane.store.store import Store
from tests.controlplane.history.noted import contents, number_of
from tests.controlplane.store.numbered import cluster, numbered
from tests.controlplane.store.nursery import BOUNDS, NODES, RETENTION

ROOT = Path(__file__).parents[3]
PROVE = bool(os.environ.get("FOREGATE_PROVE"))
KILLS = 150 if PROVE else 20


class Nursery:
    """The nursery's two ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out = process.stdout.fileno()
        self._rest = ""

    def begin(self, folder: Path, first: int, steps: int = 0) -> None:
        self._in.write(f"{folder} {first} {steps}\n")
        self._in.flush()

    def line(self) -> str:
        while "\n" not in self._rest:
            data = os.read(self._out, 1 << 16)
            assert data, "the nursery is gone"
            self._rest += data.decode()
        line, _, self._rest = self._rest.partition("\n")
        return line

    def quiet(self, seconds: float) -> None:
        """Wait for more to be said, but not for long: the moment is anywhere in between."""
        if "\n" not in self._rest:
            select.select([self._out], [], [], seconds)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.controlplane.store.nursery"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


class Told:
    """What a child said that it began and ended, over all children of a folder."""

    def __init__(self) -> None:
        self.begun: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.pid = 0
        self.versions: dict[int, int] = {}
        self.torn: set[int] = set()  # recorded, and killed before that was settled

    def hear(self, line: str) -> bool:
        """Go on by a line; False when the child is gone."""
        match line.split():
            case ["pid", pid]:
                self.pid = int(pid)
            case ["begin", what, number]:
                if what == "record":
                    self.torn.add(int(number))
                self.begun[what] = int(number)
            case ["end", what, number]:
                if what == "settle":
                    self.torn.discard(int(number))
                self.ended[what] = int(number)
            case _:
                return False
        return True

    def first(self) -> int:
        return max(self.begun.values(), default=0) + 1


def judge(folder: Path, told: Told) -> None:
    """Everything that ended is there, or something later that was begun."""
    store = Store(folder, bounds=BOUNDS)
    try:
        judge_history(store, told)
        number = 0
        build = store.published()
        if build is not None:
            number = build.keys_use_for_ms
            assert build == numbered(number)
        assert told.ended.get("publish", 0) <= number <= told.begun.get("publish", 0)
        for node in range(NODES):
            held = store.holding(f"node-{node}").get(CLUSTER, ())
            numbers = sorted(int(one.version.removeprefix("a")) for one in held)
            number = numbers[0] if numbers else 0
            assert set(held) == {cluster(n) for n in numbers}
            assert not numbers or numbers == [number, number + 1]
            begun, ended = told.begun.get(str(node), 0), told.ended.get(str(node), 0)
            assert ended <= number <= begun
    finally:
        store.close()


def judge_history(store: Store, told: Told) -> None:
    """What was recorded is there, whole, and no number ever stands for something else."""
    history = History(store)
    found = history.versions()
    assert [one.number for one in found] == sorted({one.number for one in found}, reverse=True)
    newest = number_of(found[0]) if found else 0
    assert told.ended.get("record", 0) <= newest <= told.begun.get("record", 0)
    assert len(found) >= min(RETENTION.least, len(told.versions))
    if found:
        assert found[0].number >= max(told.versions, default=0)
    for one in found:
        at = number_of(one)
        assert told.versions.setdefault(one.number, at) == at
        build = history.build(one.number)
        assert build is not None
        assert replace(build, sources=()) == numbered(at)
        assert build.sources[0].data == contents(at)
        assert one.fate == "live" or at in told.torn


@pytest.mark.timeout(900)
def test_killed_at_any_moment(nursery: Nursery, tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 # the moments of a test
    told = Told()
    for _ in range(KILLS):
        nursery.begin(tmp_path / "store", told.first())
        for _ in range(chance.randrange(2, 60)):
            told.hear(nursery.line())
        nursery.quiet(chance.uniform(0, 0.002))
        os.kill(told.pid, signal.SIGKILL)
        while told.hear(nursery.line()):
            pass
        judge(tmp_path / "store", told)
    assert told.ended["publish"] > KILLS // 2


@pytest.mark.timeout(900)
def test_killed_before_each_call_to_the_system(nursery: Nursery, tmp_path: Path) -> None:
    """From the first publish to beyond the first time that something is removed."""
    for step in range(1, 481, 1 if PROVE else 13):
        folder = tmp_path / str(step)
        told = Told()
        nursery.begin(folder, told.first(), step)
        while told.hear(nursery.line()):
            pass
        judge(folder, told)
        nursery.begin(folder, told.first(), 90)  # goes on over what is left
        while told.hear(nursery.line()):
            pass
        judge(folder, told)
