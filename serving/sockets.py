"""Unix sockets as servers make them: nobody else's is taken, and strangers do not reach them."""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 1.0
"""Seconds that one waits for whoever may listen."""


class BindError(Exception):
    """The address cannot be listened on; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@contextlib.contextmanager
def group_only() -> Iterator[None]:
    """Make the socket for its owner and group alone: Envoy runs as another user of the group."""
    before = os.umask(0o007)
    try:
        yield
    finally:
        os.umask(before)


def clear(path: Path) -> None:
    """Remove the socket of a process that is no more; leave whatever else is there."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise BindError(f"unix:{path} is there and no socket")
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise BindError(f"unix:{path}: there is no folder {path.parent}") from None
        return
    except OSError as error:
        raise BindError(f"unix:{path}: {error.strerror or error}") from None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PATIENCE)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise BindError(f"unix:{path}: {error.strerror or error}") from None
    raise BindError(f"unix:{path} is taken by another process")
