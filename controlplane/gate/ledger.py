"""Verdicts that were given before: a set of resources is proved once for each version of Envoy.

Kept in memory and, where there is a state folder, in one small file that survives restarts.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from controlplane.gate.verdicts import Passed, Refused

Entry = tuple[str, Passed | None, Refused | None]
"""A key with its verdict, one of the two."""

ENTRIES = TypeAdapter(list[tuple[str, Passed | None, Refused | None]])
KEPT = 64
NAME = "gate.json"


class Ledger:
    """The last verdicts by key. A file that is broken or of another form is started anew."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / NAME if folder else None
        self._entries = {k: p or r for k, p, r in _read(self._file)} if self._file else {}

    def get(self, key: str) -> Passed | Refused | None:
        """Give the verdict on a key, or None if there is none."""
        return self._entries.get(key)

    def put(self, key: str, verdict: Passed | Refused) -> None:
        """Keep a verdict; the oldest goes. A state folder that cannot be written costs a proof."""
        self._entries.pop(key, None)
        self._entries[key] = verdict
        for old in list(self._entries)[:-KEPT]:
            del self._entries[old]
        if self._file:
            with contextlib.suppress(OSError):
                _write(self._file, [_entry(*one) for one in self._entries.items()])


def _entry(key: str, verdict: Passed | Refused | None) -> Entry:
    return (key, verdict, None) if isinstance(verdict, Passed) else (key, None, verdict)


def _read(file: Path) -> list[Entry]:
    try:
        return ENTRIES.validate_json(file.read_bytes())[-KEPT:]
    except (OSError, ValidationError):
        return []


def _write(file: Path, entries: list[Entry]) -> None:
    """Replace the file in one step: a crash leaves the old one or the new one, never a half."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=NAME, delete=False) as new:
        try:
            new.write(ENTRIES.dump_json(entries))
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).replace(file)
        except OSError:
            Path(new.name).unlink(missing_ok=True)
            raise
