"""The process of the prover: how it is started, what it takes, how it ends."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from controlplane.prover import launch

LAUNCH = Path(launch.__file__)
PAGE = os.sysconf("SC_PAGE_SIZE")
END_SECONDS = 5.0

_STOPPED = {"T", "t", "Z", "X"}
"""States of proc(5) in which a process answers nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a process is: its state as proc(5) has it, and its resident bytes."""

    state: str
    resident: int

    @property
    def works(self) -> bool:
        """Whether it can answer."""
        return self.state not in _STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is started: Envoy's file, whether in a namespace, and the most bytes of data it gets."""

    envoy: Path
    walled: bool
    memory: int


@contextlib.asynccontextmanager
async def running(program: Program, config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run Envoy while inside; it ends with us, whatever ends us. Raises OSError."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LAUNCH), str(program.memory)),
        *("walled" if program.walled else "open", str(os.getpid()), str(program.envoy)),
        *("-c", str(config), "--log-level", "off", "--concurrency", "1"),
        *("--disable-hot-restart", "--drain-time-s", "1", "--parent-shutdown-time-s", "2"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await asyncio.shield(child.wait())


def standing(pid: int) -> Standing | None:
    """Look at a process, None where it is gone, or the system does not say."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = said.rpartition(")")[2].split()
    return Standing(state=fields[0], resident=int(fields[21]) * PAGE)
