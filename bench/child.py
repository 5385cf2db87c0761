"""A process of a bench that is asked in lines of JSON and answers each with one: both its ends.

Clients, servers and what is measured each have a process of their own, so that none is measured
with another.
"""

import asyncio
import json
import logging
import select
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

Words = Mapping[str, Any]
"""A line of JSON as it was read."""

LINE_BYTES = 64 * 2**20
ROOT = Path(__file__).parents[1]


class Child:
    """Runs `python -m MODULE WORDS…` until the block ends. One question at a time."""

    def __init__(self, module: str, *words: str) -> None:
        """Start it; it answers once it is up."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it: it goes when its stdin does."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, **words: object) -> None:
        """Ask without waiting; `hear` has the answer."""
        if self._process.stdin is None:
            raise ChildError(self._process.args)
        self._process.stdin.write(json.dumps(words).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, *, within: float = 60.0) -> Words:
        """The next answer. Raises ChildError where none comes in so many seconds."""
        out = self._process.stdout
        if out is None or not select.select([out], [], [], within)[0]:
            raise ChildError(self._process.args)
        line = out.readline()
        if not line:
            raise ChildError(self._process.args)
        answer: Words = json.loads(line)
        return answer

    def ask(self, *, within: float = 60.0, **words: object) -> Words:
        """Ask, and give the answer."""
        self.tell(**words)
        return self.hear(within=within)


class ChildError(Exception):
    """A process of the bench ended, or did not answer in time; it has said why on stderr."""


def until(what: str, holds: Callable[[], object], *, within: float = 30.0) -> None:
    """Ask again and again until it holds. Raises TimeoutError after `within` seconds."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"in {within:.0f} s not: {what}")
        time.sleep(0.01)


def quiet() -> None:
    """Have what runs in this process log nothing below a failure."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def answering(answer: Callable[[Words], Awaitable[Words]]) -> None:
    """The other end: give each question to `answer` until stdin ends."""
    quiet()
    reader = asyncio.StreamReader(LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        said = await answer(json.loads(line))
        print(json.dumps(said), flush=True)
