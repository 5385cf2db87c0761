"""The prover kept ready: asked by the gate, watched, and replaced in the background."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from controlplane.prover.answer import Answer, NoAnswer, Taken
from controlplane.prover.child import Program
from controlplane.prover.copies import EMPTY, Copy, copy
from controlplane.prover.prover import NoNamespaceError, NotStartedError, Prover, prover
from controlplane.snapshot import Snapshot

DELAY_SECONDS = 0.2
MOST_DELAY_SECONDS = 30.0
"""How long after its end the next is started: twice as long each time that one ends soon."""

SOON_SECONDS = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is for a prover.

    `namespace`: it may run in one, where the system allows that. `memory` is the most bytes of data
    that the kernel gives it, `resident` how many bytes it may hold before it is replaced.
    """

    envoy: Path
    namespace: bool = True
    memory: int = 4 << 30
    resident: int = 1 << 30


class Standby:
    """One prover, or none for the moment. Whoever asks gets an answer, or at once none."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._walled = means.namespace
        self._prover: Prover | None = None
        self._copy: Copy = EMPTY
        self._tried = asyncio.Event()
        self._lock = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to start one; it is not waited for."""
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it: no process is left."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping

    @property
    def resident(self) -> int | None:
        """The bytes that the prover holds, None where there is none."""
        standing = self._prover.standing if self._prover else None
        return standing.resident if standing else None

    @property
    def walled(self) -> bool:
        """Whether what answers has a network of its own: as wished, until the system refuses."""
        return self._walled

    async def ask(self, snapshot: Snapshot, seconds: float) -> Answer:
        """Ask what Envoy says to a snapshot, for at most so many seconds.

        The first that is started is waited for within them; one that is being replaced is not.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(seconds):
                    await self._tried.wait()
                    return await self._asked(snapshot)
            except TimeoutError:
                words = f"the proving Envoy gave no answer within {seconds:g} s"
                return self._lost(self._prover, words)

    async def restore(self, seconds: float) -> None:
        """Bring the prover back to what it accepted last, or have it replaced."""
        async with self._lock:
            asked = self._prover
            if asked is None:
                return
            try:
                async with asyncio.timeout(seconds):
                    restored = await asked.back()
            except TimeoutError:
                restored = False
            if not restored:
                self._lost(asked, "the proving Envoy does not take what it took before")

    async def _asked(self, snapshot: Snapshot) -> Answer:
        asked = self._prover
        if asked is None:
            return NoAnswer(reason="there is no proving Envoy for the moment")
        standing = asked.standing
        if standing is not None and not standing.works:
            return self._lost(asked, "the proving Envoy is stopped")
        made = await asyncio.to_thread(copy, snapshot, self._copy, walled=self._walled)
        answer = await asked.feed(made)
        if isinstance(answer, NoAnswer):
            return self._lost(asked, answer.reason)
        if isinstance(answer, Taken):
            self._copy = made
        standing = asked.standing
        if standing is not None and standing.resident > self._means.resident:
            self._lost(asked, f"the proving Envoy holds {standing.resident} bytes")
        return answer

    def _lost(self, asked: Prover | None, reason: str) -> NoAnswer:
        """Have a prover replaced."""
        if asked is not None and not asked.retired.is_set():
            _log.warning("prover replaced", why=reason)
            asked.retired.set()
            if self._prover is asked:
                self._prover = None
        return NoAnswer(reason=reason)

    async def _keep(self) -> None:
        """Have one run as long as this does."""
        loop = asyncio.get_running_loop()
        delay = DELAY_SECONDS
        while True:
            began = loop.time()
            try:
                await self._live()
            except NoNamespaceError:
                _log.info("prover without namespace")
                self._walled = False
                continue
            except NotStartedError as error:
                _log.warning("prover not started", why=error.why)
            self._tried.set()
            soon = loop.time() - began < SOON_SECONDS
            delay = min(delay * 2, MOST_DELAY_SECONDS) if soon else DELAY_SECONDS
            await asyncio.sleep(delay)

    async def _live(self) -> None:
        """Run one until it ends or is retired."""
        means = self._means
        program = Program(envoy=means.envoy, walled=self._walled, memory=means.memory)
        async with prover(program) as started:
            self._copy = EMPTY
            self._prover = started
            self._tried.set()
            _log.debug("prover up", pid=started.pid, namespace=self._walled)
            retiring = asyncio.create_task(started.retired.wait())
            try:
                await asyncio.wait({started.ended, retiring}, return_when=asyncio.FIRST_COMPLETED)
                if started.ended.done():
                    self._lost(started, f"the proving Envoy ended with {started.ended.result()}")
            finally:
                self._prover = None
                retiring.cancel()
