"""The last good keys on disk: a restart while an issuer is down goes on with them.

One file a source, named by its id. They are public keys; who can write them can make tokens, so
the folder is the owner's alone.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from controlplane.keyring.jwks import NoKeysError, json_object, public_keys

_FILE_BYTES = 2**22  # the largest that is written: 1 MiB of JSON, escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A JWK Set, and when it was fetched, in milliseconds since the epoch. Empty: never."""

    jwks: bytes = b""
    fetched_at_ms: int = 0


def load(folder: Path, source_id: str, now_ms: int) -> Keys:
    """Read what was saved; nothing where it is missing or broken. Nothing is from the future."""
    try:
        with (folder / source_id).open("rb") as file:
            saved = json_object(file.read(_FILE_BYTES))
        fetched, jwks = saved.get("fetched_at_ms"), saved.get("jwks")
        if not isinstance(fetched, int) or not isinstance(jwks, dict):
            return Keys()
        return Keys(
            jwks=public_keys(json.dumps(jwks).encode()), fetched_at_ms=max(0, min(fetched, now_ms))
        )
    except (OSError, NoKeysError):
        return Keys()


def save(folder: Path, source_id: str, keys: Keys) -> None:
    """Write keys, whole or not at all. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    saved = {"fetched_at_ms": keys.fetched_at_ms, "jwks": json.loads(keys.jwks)}
    handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(saved, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(folder / source_id)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
