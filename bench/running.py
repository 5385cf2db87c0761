"""A `foregate dev` for a bench."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

WORDS = [sys.executable, "-c", "from foregate.main import main; main()", "dev"]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def dev(file: Path, url: str) -> Iterator[int]:
    """Run it on a file or folder until `url` answers; gives its process id."""
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [*WORDS, str(file)],
            cwd=file if file.is_dir() else file.parent,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        try:
            _answers(url)
            yield child.pid
        finally:
            child.terminate()
            child.wait(30)


def _answers(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)


def children(pid: int) -> dict[str, int]:
    """The processes that a process started, by name."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {Path(f"/proc/{c}/comm").read_text().strip(): int(c) for c in found}
