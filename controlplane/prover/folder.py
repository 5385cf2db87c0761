"""The folder of a prover's sockets; what a killed owner left of its own is removed.

An owner holds a lock on the folder itself, which the kernel gives back whatever ends the owner: a
number of a process says nothing to who runs in another container with the same /tmp.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "foregate-prover-"

YOUNG_SECONDS = 60.0
"""How old a folder has to be that nobody holds: its owner may be about to."""

SOCKET_LENGTH = 100
"""Characters of a Unix socket's path; Linux allows 107, others less."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Have a folder, for its owner alone, while inside. Raises OSError."""
    short = len(tempfile.gettempdir()) < SOCKET_LENGTH - len(f"/{PREFIX}12345678/admin.sock")
    place = None if short else "/tmp"  # noqa: S108 # mkdtemp makes it private
    _remove_left(Path(place or tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True) as name:
        held = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # a file system without locks refuses everybody's
                fcntl.flock(held, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(held)


def _remove_left(place: Path) -> None:
    """Remove the folders of ours whose owners are dead. What cannot be removed stays."""
    with contextlib.suppress(OSError):
        for one in place.iterdir():
            if one.name.startswith(PREFIX):
                with contextlib.suppress(OSError):
                    _remove_where_left(one)


def _remove_where_left(one: Path) -> None:
    handle = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(handle)
        private = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700
        if private and found.st_mtime < time.time() - YOUNG_SECONDS:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its owner lives
            shutil.rmtree(one)
    finally:
        os.close(handle)
