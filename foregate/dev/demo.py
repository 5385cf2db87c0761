"""The demo upstream as seen from the session: a supervised child that is told what to serve."""

import asyncio
import json
import sys
from pathlib import Path

from foregate.dev.supervise import Process, Program
from foregate.dev.upstream import Backend

ANSWER_SECONDS = 5.0


class Demo:
    """Holds what the child should serve, also over its restarts."""

    def __init__(self, log: Path) -> None:
        self.program = Program(
            name="demo upstream",
            # As a file and isolated: what the user's folder or PYTHONPATH holds is not imported.
            command=(sys.executable, "-I", str(Path(__file__).with_name("upstream.py"))),
            log=log,
            piped=True,
        )
        self._wanted: tuple[Backend, ...] = ()
        self._process: Process | None = None
        self._line = asyncio.Lock()

    async def ready(self, process: Process) -> None:
        """Tell a new child what to serve; it answers, so it is ready."""
        self._process = process
        await self._tell(process)

    async def serve(self, backends: tuple[Backend, ...]) -> frozenset[str]:
        """Serve these from now on; give the names of those whose address another program has.

        A child that is just being restarted is told when it is back.
        """
        self._wanted = backends
        if self._process is None or self._process.returncode is not None:
            return frozenset()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._tell(self._process)
        except (ConnectionError, TimeoutError):
            return frozenset()

    async def _tell(self, process: Process) -> frozenset[str]:
        assert process.stdin is not None  # noqa: S101 - the program is piped
        assert process.stdout is not None  # noqa: S101 - as above
        wanted = [[one.name, one.host, one.port] for one in self._wanted]
        async with self._line:
            process.stdin.write(json.dumps(wanted).encode() + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        if not answer:
            raise ConnectionResetError("the demo upstream has ended")
        return frozenset(name for name, _ in json.loads(answer))
