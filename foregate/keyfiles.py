"""The key files that identities name, read from beside the files of a gateway."""

import os
import stat
from pathlib import Path

from controlplane.build import Build
from controlplane.difference.signers import KeyFile, KeyFiles
from controlplane.keyring.jwks import NoKeysError, public_keys
from policies.auth.sources import Origin

_BYTES = 1 << 20


def key_files(build: Build, root: Path) -> KeyFiles:
    """The files of all sources that some route trusts; `root` is where gateway.yaml stands."""
    paths = {one.at for one in build.key_sources if one.origin is Origin.FILE}
    return {path: _read(root / path) for path in sorted(paths)}


def _read(path: Path) -> KeyFile:
    """A small regular file's keys: opening a FIFO must not hang."""
    at = os.path.realpath(path)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return KeyFile(at=at)
            body = file.read(_BYTES + 1)
        return KeyFile(at=at, jwks=public_keys(body) if len(body) <= _BYTES else None)
    except (OSError, ValueError, NoKeysError):
        return KeyFile(at=at)
