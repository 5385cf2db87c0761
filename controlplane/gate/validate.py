"""One run of `envoy --mode validate`: a child process bounded in time and memory.

It opens no port, resolves no name and contacts nobody; what it prints names no resource.
"""

import asyncio
import contextlib
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from controlplane.gate.verdicts import Unproved
from controlplane.snapshot import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run may take: `seconds`, and `seconds_per_unit` more for each unit; `memory` in bytes.

    Envoy needs 0.1 s for 100 routes and 3.6 s for 10,000 with as many clusters on a slow machine.
    The warm one has `seconds` for each question, and is replaced when it holds over `resident`
    bytes.
    """

    seconds: float = 2.0
    seconds_per_unit: float = 0.001
    memory: int = 4 << 30
    resident: int = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What Envoy said: `words` is empty where it accepts, else what it says against it.

    `blamed` is what that is about, or a part of it; empty where it may be anything.
    """

    words: str
    crashed: bool = False
    blamed: tuple[Subject, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether Envoy takes the file as it is."""
        return not self.words


WORDS = 600
"""How many characters of Envoy's words are kept: it may print a whole message."""

MARK = "error initializing configuration "
CAUGHT = "Caught "
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)


async def validate(envoy: Path, bootstrap: bytes, seconds: float, memory: int) -> Run | Unproved:
    """Ask Envoy for its opinion of a serialized bootstrap. Cancelled, it leaves no process."""
    with tempfile.TemporaryDirectory(prefix="foregate-gate-") as folder:
        file = Path(folder) / "proof.pb"
        file.write_bytes(bootstrap)
        try:
            child = await asyncio.create_subprocess_exec(
                *(str(envoy), "--mode", "validate", "-c", str(file)),
                *("--log-level", "critical", "--log-format", "%v"),
                *("--disable-hot-restart", "--concurrency", "1"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            return Unproved(reason=f"{envoy} cannot be run: {error.strerror}")
        try:
            _bound(child.pid, seconds, memory)
            async with asyncio.timeout(seconds):
                said, _ = await child.communicate()
        except TimeoutError:
            return Unproved(reason=f"Envoy gave no answer within {seconds:.1f} s")
        finally:
            await end(child)
    status = child.returncode
    assert status is not None  # noqa: S101 - communicate has returned, so it has ended
    return reading(status, said.decode(errors="replace"), str(file))


def reading(status: int, said: str, file: str) -> Run | Unproved:
    """Say what an exit status and an output mean.

    An Envoy that crashes on a file would crash on it in the fleet too: that is a *no*, and Envoy's
    own handler says so. One that died before it came to that (in the loader, short of memory), or
    could not work at all (a flag it does not know), says nothing about the file.
    """
    if status == 0:
        return Run(words="")
    words = " ".join(said.split())
    if status < 0:
        name = signal.Signals(-status).name
        if -status not in CRASHES or CAUGHT not in words or "alloc" in words:
            return Unproved(reason=f"Envoy was ended by {name}")
        return Run(words=f"it crashes ({name})", crashed=True)
    if MARK not in said:
        return Unproved(reason=f"Envoy ended with {status}: {words[:WORDS] or 'no words'}")
    words = words.partition(MARK)[2].removeprefix(f"'{file}': ")
    return Run(words=words if len(words) <= WORDS else words[:WORDS] + "…")


def _bound(pid: int, seconds: float, memory: int) -> None:
    """Let the kernel end a run that outlives us or eats the machine (Linux only)."""
    if sys.platform == "linux":
        cpu = int(seconds) + 2
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))
            resource.prlimit(pid, resource.RLIMIT_CPU, (cpu, cpu))
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


async def end(child: asyncio.subprocess.Process) -> None:
    """Kill a child that still runs, and reap it."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await asyncio.shield(child.wait())
