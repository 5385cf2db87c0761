"""A real Redis on a Unix socket: killed, stopped and started again by its own process id."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.e2e.process import Process
from tools import parts


class RedisServer:
    """One redis-server; it keeps nothing on disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        self._options = options
        self._process: Process | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        words = parts.command("redis-server")
        words += ["--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        self._process = Process([*words, *self._options], self._folder)
        self._process.wait_for("eady to accept connections")

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to it (`env` replaces itself by it, so the child is the server)."""
        assert self._process is not None
        os.kill(self._process.child.pid, which)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        assert self._process is not None
        self._process.end(signal.SIGKILL)
        self._process = None

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        """A client of its own, to look and to set."""
        return redis.Redis(unix_socket_path=str(self.socket))

    def say(self, *words: str) -> None:
        """One command, as it is written."""
        self.client().execute_command(*words)  # type: ignore[no-untyped-call] # as redis has it

    def end(self) -> None:
        """Leave nothing."""
        if self._process is not None:
            self.signal(signal.SIGCONT)
            self.kill()
