"""Programs that tests start: their lines as they come, and an end that leaves nothing."""

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def foregate(*words: str) -> list[str]:
    """The command as this tree has it, whatever is installed."""
    return [sys.executable, "-c", "from foregate.main import main; main()", *words]


class Process:
    """A child whose output is read line by line."""

    def __init__(
        self,
        words: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        told: str = "",
    ) -> None:
        """Start it; a child that is told something keeps its stdin until it ends."""
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self.child = subprocess.Popen(  # our own argument lists
            words,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
            stdin=subprocess.PIPE if told else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if self.child.stdin is not None:
            self.child.stdin.write(told + "\n")
            self.child.stdin.flush()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, text: str, seconds: float = 40) -> str:
        """The next line that holds a text; fails with all that was said where none comes."""
        until = time.monotonic() + seconds
        while True:
            try:
                line = self._queue.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                said = "\n".join(self.lines)
                raise AssertionError(f"{text!r} did not come:\n{said}")
            self.lines.append(line)
            if text in line:
                return line

    def _drain(self, seconds: float = 5) -> None:
        """Have every line among `lines`, also those that nobody waited for."""
        with contextlib.suppress(queue.Empty):
            while (line := self._queue.get(timeout=seconds)) is not None:
                self.lines.append(line)
            self._queue.put(None)  # for a wait that comes later

    def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        """Ask it to end, and give its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise
        finally:
            self._drain()
            for stream in (self.child.stdin, self.child.stdout):
                if stream is not None:
                    stream.close()
