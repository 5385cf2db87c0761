"""The last good policy of a service on disk, from which it starts when the control plane is away.

It holds hashes of API keys: only the owner may read it. Whatever is not exactly what was written
(cut, changed, of another service or version) is ignored with a warning, never an error.
"""

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import structlog

from serving.bundle import BundleError, Holding, from_bytes, to_bytes
from serving.metrics import Metrics

_MAGIC = b"foregate last good 1\n"
_log = structlog.get_logger(__name__)


class LastGood:
    """The file of one service below the state folder."""

    def __init__(self, state: Path, service: str, metrics: Metrics) -> None:
        self.path = state / service / "last-good"
        self._service = service
        self._metrics = metrics
        self._changed = asyncio.Event()
        self._written: bytes | None = None

    def read(self) -> Holding | None:
        """Read what was kept; None when there is nothing, or nothing that can be trusted."""
        try:
            return _content(self._service, self._data())
        except FileNotFoundError:
            return None
        except OSError as error:
            why = error.strerror or type(error).__name__
        except BundleError as error:
            why = error.message
        _log.warning("last good ignored", path=str(self.path), why=why)
        return None

    def changed(self) -> None:
        """Note that there is something new to keep."""
        self._changed.set()

    async def keep(self, holding: Callable[[], Holding]) -> None:
        """Write whenever there is something new, until cancelled; then once more if there is.

        Changes during a write become one next write.
        """
        try:
            while True:
                await self._changed.wait()
                await self._save(holding)
        finally:
            if self._changed.is_set():
                self._write(holding())

    async def _save(self, holding: Callable[[], Holding]) -> None:
        self._changed.clear()
        # Shielded, so that the last write of `keep` never runs beside this one.
        write = asyncio.create_task(asyncio.to_thread(self._write, holding()))
        try:
            await asyncio.shield(write)
        except asyncio.CancelledError:
            await write
            raise

    def _write(self, holding: Holding) -> None:
        """Replace the file as a whole; a failure is logged and the old one stays."""
        body = to_bytes(holding)
        digest = _digest(self._service, body)
        if digest == self._written:
            return
        try:
            self._replace(_MAGIC + digest + body)
        except OSError as error:
            _log.warning("last good not written", path=str(self.path), why=error.strerror)
            return
        self._written = digest
        self._metrics.saved.set_to_current_time()

    def _replace(self, data: bytes) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        new = folder / f"last-good.{os.getpid()}.new"
        new.unlink(missing_ok=True)
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)
        inside = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(inside)
        finally:
            os.close(inside)

    def _data(self) -> bytes:
        with self.path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(errno.EPERM, "others may write it")
            return file.read()


def _content(service: str, data: bytes) -> Holding:
    head, body = data[: len(_MAGIC) + 32], data[len(_MAGIC) + 32 :]
    if head != _MAGIC + _digest(service, body):
        raise BundleError("it is cut, changed or foreign")
    return from_bytes(body)


def _digest(service: str, body: bytes) -> bytes:
    return hashlib.sha256(service.encode() + b"\n" + body).digest()
