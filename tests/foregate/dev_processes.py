"""`foregate dev` as a user starts it, and what a test needs to look at it from outside."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 20.0
SERVICES = ("extauthz", "ratelimit")
STAND_INS = ("upstream.py", "issuer.py")
COMMAND = (sys.executable, "-c", "from foregate.main import main; main()", "dev")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        assert isinstance(port, int)
        return port


@dataclass(slots=True, kw_only=True)
class Dev:
    """A running `foregate dev`; `lines` is what it has said so far."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def says(self, *words: str) -> str:
        """Read on until a line holds all of these words."""
        assert self.process.stdout is not None
        why = "it ended"
        try:
            async with asyncio.timeout(DEADLINE):
                while line := (await self.process.stdout.readline()).decode():
                    self.lines.append(line)
                    if all(word in line for word in words):
                        return line
        except TimeoutError:
            why = "the time is over"
        raise AssertionError(f"{why} without a line with {words}:\n{self.text}")

    async def ends(self) -> int:
        """Read what is left, and give the exit code."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            self.lines.append((await self.process.stdout.read()).decode())
            return await self.process.wait()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def children(self) -> dict[str, int]:
        """The ids of its children by the name of their program."""
        pid = self.process.pid
        found = {}
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            ours = [Path(w).stem for w in words if w in SERVICES or w.endswith(STAND_INS)]
            found[ours[0] if ours else Path(words[0]).name] = int(child)
        return found


@asynccontextmanager
async def dev(
    folder: Path, *arguments: str, environ: dict[str, str] | None = None
) -> AsyncIterator[Dev]:
    """Start it in a folder; whatever the test did, it has ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield Dev(process=process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(15):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.communicate()


async def get(
    port: int, path: str = "/", headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        asked = f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n"
        writer.write(asked.encode())
        answer = await reader.read()
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def status(port: int, path: str, headers: Mapping[str, str] | None = None) -> int:
    """The status of one request."""
    return (await get(port, path, headers))[0]


async def backend_of(port: int, path: str) -> str:
    """The backend that the demo upstream says it is."""
    status, body = await get(port, path)
    assert status == 200, body
    name = json.loads(body)["backend"]
    assert isinstance(name, str)
    return name


async def gone(pid: int) -> None:
    """Wait until a process is no more."""
    async with asyncio.timeout(DEADLINE):
        while alive(pid):  # noqa: ASYNC110 - a process that is not our child has no event
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def gateway(port: int, upstream: int, path: str = "/a", name: str = "first") -> str:
    return f"""\
version: 1
listen: {{http: {port}}}
backends:
  {name}: http://127.0.0.1:{upstream}
routes:
  - path: {path}
    auth: none
    to: {name}
"""
