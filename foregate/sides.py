"""What `foregate diff` compares: a file or folder, a version of the history, or what is live.

`live` is the newest version, a number is that one; a path with a slash (`./3`) is always a path.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controlplane.build import Build, Options, build
from controlplane.files import MAIN, read_sources
from controlplane.history.version import KeptFile, Version
from controlplane.sources import SourceFile
from foregate.building import secrets
from foregate.trust import trust_store
from language.mistakes import Mistake

LIVE = "live"


class Kept(Protocol):
    """The versions of a state folder."""

    def newest(self) -> Version | None:
        """The newest version; None where none was published."""

    def files(self, number: int) -> tuple[KeptFile, ...]:
        """The files of a version, empty where there is no such version."""


class NoVersions:
    """A state folder without a history."""

    def newest(self) -> Version | None:
        """There is none."""
        return None

    def files(self, _number: int) -> tuple[KeptFile, ...]:
        """There are none."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: `name` is how it was asked for."""

    name: str
    build: Build
    mistakes: tuple[Mistake, ...]


class UnknownVersionError(Exception):
    """There is no such version; the message says what there is."""


def side(asked: str, history: Kept) -> Side:
    """Read and build what is asked for. Raises UnknownVersionError."""
    if asked == LIVE or asked.isdecimal():
        return _built(asked, _of_version(asked, history), ())
    read = read_sources(Path(asked))
    return _built(asked, read.files, read.mistakes)


def kept(_state_dir: Path) -> Kept:
    """Open the versions of a state folder."""
    return NoVersions()


def _of_version(asked: str, history: Kept) -> tuple[SourceFile, ...]:
    newest = history.newest()
    if newest is None:
        raise UnknownVersionError(f"'{asked}': no version was published yet from this state folder")
    files = history.files(newest.number if asked == LIVE else int(asked))
    served = tuple(SourceFile(name=one.name, data=one.data) for one in files if one.data)
    if not served:
        raise UnknownVersionError(f"there is no version {asked}: the newest is {newest.number}")
    return served


def _built(name: str, sources: tuple[SourceFile, ...], mistakes: tuple[Mistake, ...]) -> Side:
    """Both sides are built with one name for the main file: a version replaces the other."""
    options = Options(trust_store=trust_store(), secrets=secrets(required=False), main=MAIN)
    built = build(sources, options)
    found = tuple(sorted((*mistakes, *built.mistakes), key=lambda m: m.place))
    return Side(name=name, build=built, mistakes=found)
