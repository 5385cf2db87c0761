"""A gate with a warm Envoy, whose process tests may take by the throat."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from controlplane.gate.gate import Gate
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed, Verdict
from foregate.parts import envoy
from tests.controlplane.gate.gate_snapshots import built, good

WAIT = 60.0


def pids(owner: int) -> list[int]:
    """The processes that a process has started and that are still there."""
    found = []
    for task in Path(f"/proc/{owner}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(one) for one in (task / "children").read_text().split()]
    return found


def prover_pid(owner: int) -> int:
    """The one proving Envoy of a process."""
    (found,) = [pid for pid in pids(owner) if "foregate-prover-" in command(pid)]
    return found


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return said.rpartition(")")[2].split()[0] not in {"Z", "X"}


@contextlib.asynccontextmanager
async def warm(bounds: Bounds, *, namespace: bool = True) -> AsyncIterator[Gate]:
    """A gate whose prover has proved something."""
    async with Gate(envoy=envoy().path, bounds=bounds, namespace=namespace) as gate:
        verdict = await gate.prove(good(built(1)))
        assert isinstance(verdict, Passed)
        assert verdict.how == "prover"
        yield gate


async def until_proved_by(gate: Gate, how: str, first: int = 100) -> Verdict:
    """Prove one snapshot after the other until a verdict comes from there."""
    async with asyncio.timeout(WAIT):
        number = first
        while True:
            verdict = await gate.prove(good(built(number)))
            if isinstance(verdict, Passed) and verdict.how == how:
                return verdict
            number += 1
            await asyncio.sleep(0.05)
