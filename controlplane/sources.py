"""The files of a gateway: read once, then values."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

_MAIN = frozenset({"gateway.yaml", "gateway.yml"})

_NAMES = 4096
"""Names whose `home` is known: of 100 files it is asked 400 times a save, 2 ms of path objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as it was read: `name` is how messages name it, `data` its bytes.

    One that is `held` is not served: it never was good, and its routes answer 503, so that no
    other route takes their requests meanwhile. `beside` is then what is on disk of it, where that
    has not all of these routes: its own answer 503 too. It is not kept: it is on disk.
    """

    name: str
    data: bytes
    held: bool = False
    beside: bytes | None = None

    @property
    def contents(self) -> tuple["SourceFile", ...]:
        """What its routes stand in."""
        whole = replace(self, beside=None)
        return (whole,) if self.beside is None else (replace(whole, data=self.beside), whole)


def gateway_of(names: Collection[str]) -> str | None:
    """The file that holds version and listen: one alone, or the topmost gateway.yaml."""
    if len(names) == 1:
        return next(iter(names))
    named = (name for name in names if PurePosixPath(name).name in _MAIN)
    return min(named, key=lambda name: (len(PurePosixPath(name).parts), name), default=None)


@lru_cache(_NAMES)
def home(name: str, gateway: str | None) -> str:
    """A file's name from the folder of gateway.yaml: the same on every replica."""
    folder = PurePosixPath("" if gateway is None else gateway).parent
    path = PurePosixPath(name)
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
