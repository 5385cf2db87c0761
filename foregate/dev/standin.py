"""A stand-in as seen from the session: a supervised child that is told what to serve.

The demo upstream and the demo issuer are such: a JSON list on a line goes in, and a JSON list of
those that could not be served, each with its name first, comes back.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from foregate.dev.supervise import Process, Program

ANSWER_SECONDS = 5.0

Wanted: TypeAlias = Sequence[Sequence[str | int]]
"""What to serve, each with its name first."""


class StandIn:
    """Holds what the child should serve, also over its restarts."""

    def __init__(self, name: str, script: str, folder: Path) -> None:
        self.program = Program(
            name=f"demo {name}",
            # As a file and isolated: what the user's folder or PYTHONPATH holds is not imported.
            command=(sys.executable, "-I", str(Path(__file__).with_name(script))),
            log=folder / f"{name}.log",
            piped=True,
        )
        self.needed = asyncio.Event()
        self._wanted: Wanted = ()
        self._process: Process | None = None
        self._line = asyncio.Lock()
        self._ready = asyncio.Event()

    async def ready(self, process: Process) -> None:
        """Tell a new child what to serve; it answers, so it is ready."""
        self._process = process
        await self._tell(process)
        self._ready.set()

    async def serve(self, wanted: Wanted) -> frozenset[str]:
        """Serve these from now on; give the names of those whose address another program has.

        The child is started by the first that are wanted. One that is just being restarted is told
        when it is back.
        """
        self._wanted = wanted
        if wanted:
            self.needed.set()
        if not self.needed.is_set():
            return frozenset()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._ready.wait()
                if self._process is None or self._process.returncode is not None:
                    return frozenset()
                return await self._tell(self._process)
        except (ConnectionError, TimeoutError):
            return frozenset()

    async def _tell(self, process: Process) -> frozenset[str]:
        assert process.stdin is not None  # noqa: S101 - the program is piped
        assert process.stdout is not None  # noqa: S101 - as above
        async with self._line:
            process.stdin.write(json.dumps([list(one) for one in self._wanted]).encode() + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        if not answer:
            raise ConnectionResetError(f"the {self.program.name} has ended")
        return frozenset(name for name, _ in json.loads(answer))
