"""Child processes that are kept running, and of which nothing is left at the end."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is run. `log` gets what it prints; with `piped`, its stdin and stdout are ours.

    `environ` is beside what we have ourselves.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    piped: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A child answers; `again` when it was started anew after a crash."""

    name: str
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashed:
    """A child ended by itself and is started again after `delay` seconds."""

    name: str
    how: str
    words: tuple[str, ...]
    delay: float


Event: TypeAlias = Ready | Crashed
Process: TypeAlias = asyncio.subprocess.Process


class ChildFailedError(Exception):
    """A child cannot be kept running: it never became ready, or crashed again and again."""

    def __init__(self, name: str, how: str, words: tuple[str, ...]) -> None:
        super().__init__(name, how, words)
        self.name = name
        self.how = how
        self.words = words


DELAYS = (0.1, 0.5, 1.0, 2.0, 4.0)
FORGET = 60.0
READY_SECONDS = 15.0
END_SECONDS = 3.0


def delay_after(crashes: tuple[float, ...], now: float) -> float | None:
    """How long to wait after the last of these crashes, None to give up. All in seconds."""
    recent = sum(now - crash < FORGET for crash in crashes)
    return DELAYS[recent - 1] if 0 < recent <= len(DELAYS) else None


async def supervise(
    program: Program,
    ready: Callable[[Process], Awaitable[None]],
    report: Callable[[Event], None],
) -> None:
    """Keep a program running until this is cancelled; then end it.

    `ready` returns when the child answers. Raises ChildFailedError when it cannot be kept up.
    """
    crashes: tuple[float, ...] = ()
    was_ready = False
    while True:
        async with _running(program) as process:
            how = await _until_ready(process, ready)
            if not how:
                report(Ready(name=program.name, again=was_ready))
                was_ready = True
                how = how_ended(await process.wait())
        now = time.monotonic()
        crashes = (*crashes, now)
        delay = delay_after(crashes, now) if was_ready else None
        words = last_words(program.log)
        if delay is None:
            raise ChildFailedError(program.name, how, words)
        report(Crashed(name=program.name, how=how, words=words, delay=delay))
        await asyncio.sleep(delay)


async def _until_ready(process: Process, ready: Callable[[Process], Awaitable[None]]) -> str:
    """Wait until the child answers; give how it failed to, or an empty text."""
    answering = asyncio.ensure_future(ready(process))
    ended = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait(
            {answering, ended}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if ended.done():
            return how_ended(ended.result())
        if not answering.done():
            return f"did not answer within {READY_SECONDS:.0f} s"
        try:
            answering.result()
        except ConnectionError as error:
            return f"did not answer ({error})"
        return ""
    finally:
        for task in (answering, ended):
            task.cancel()
        await asyncio.gather(answering, ended, return_exceptions=True)


@contextlib.asynccontextmanager
async def _running(program: Program) -> AsyncIterator[Process]:
    """Start a child, and end it with this block: it is asked, then killed.

    It gets a session of its own, so that a terminal's Ctrl-C reaches only us, who end it in order.
    """
    with program.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *program.command),
            stdin=asyncio.subprocess.PIPE if program.piped else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if program.piped else log,
            stderr=log,
            env={**os.environ, **program.environ},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await asyncio.shield(_end(process))


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def how_ended(status: int) -> str:
    """Put an exit status into words."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


WORDS = 8
LOUD = ("[warning]", "[error]", "[critical]")
ADDRESSES = re.compile(r"\] (#\d+: |Address mapping)")
"""The lines of a backtrace without symbols, which tell a reader nothing."""


def last_words(log: Path) -> tuple[str, ...]:
    """Give the last lines of a log: Envoy's warnings and errors if it holds any."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace")[-64_000:].splitlines()
    except OSError:
        return ()
    loud = [
        line for line in lines if any(mark in line for mark in LOUD) and not ADDRESSES.search(line)
    ]
    return tuple(line[:300] for line in (loud or lines)[-WORDS:])
