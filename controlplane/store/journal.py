"""A file to which several processes append, and which any of them may replace.

Who appends or writes objects holds the lock together with others, who replaces and removes holds it
alone. The system gives it back when a process is killed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.store.lines import whole
from controlplane.store.objects import LARGEST, sync_folder, write, write_all

_MODE = 0o600


class Journal:
    """The journal of a folder. Raises OSError. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal"
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, _MODE)
        self._file = -1
        self._read = 0
        self.generation = 0
        """Changes whenever somebody may have removed something."""
        try:
            self._open()
        except OSError:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Give the files back."""
        os.close(self._file)
        os.close(self._lock)

    @contextmanager
    def locked(self, *, alone: bool = False) -> Iterator[None]:
        """Hold the lock; whoever holds it alone waits for all others."""
        fcntl.flock(self._lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    @property
    def size(self) -> int:
        """Bytes that were read or written so far."""
        return self._read

    def news(self) -> bytes:
        """Whole lines that others have appended; from the start where the file is another one.

        In that case `generation` changes.
        """
        found = os.fstat(self._file)
        if found.st_nlink == 0 or found.st_size < self._read:
            os.close(self._file)
            self._open()
            found = os.fstat(self._file)
        if found.st_size == self._read:
            return b""
        data = os.pread(self._file, min(found.st_size - self._read, LARGEST), self._read)
        if len(data) < LARGEST:  # else what is no line is passed over
            data = data[: whole(data)]
        self._read += len(data)
        return data

    def append(self, data: bytes) -> None:
        """Add lines after `news` was read: safe from the end of this process."""
        write_all(self._file, data)
        if os.lseek(self._file, 0, os.SEEK_CUR) == self._read + len(data):
            self._read += len(data)  # else others wrote too, and `news` gives it all

    def sync(self) -> None:
        """Have the lines on the disk."""
        os.fsync(self._file)

    def replace(self, data: bytes) -> None:
        """Put other lines in the place of all: the lock is held alone."""
        write(self._path, data, durable=True)
        sync_folder(self._path.parent)
        os.close(self._file)
        self._open()
        self._read = len(data)

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
        self._file = os.open(self._path, flags, _MODE)
        self._read = 0
        self.generation += 1
