"""What `foregate diff` compares: a file or folder, a version of the history, or what is live.

`live` is the newest version, a number is that one; a path with a slash (`./3`) is always a path.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controlplane.build import Build, Options, build
from controlplane.files import MAIN, read_sources
from controlplane.history.version import KeptFile, Version
from controlplane.history.versions import sources
from controlplane.sources import SourceFile
from foregate.building import secrets
from foregate.commands.show import history
from foregate.trust import trust_store
from language.mistakes import Mistake

LIVE = "live"


class Kept(Protocol):
    """The versions of a state folder."""

    def versions(self) -> Iterable[Version]:
        """All, the newest first."""

    def files(self, number: int) -> tuple[KeptFile, ...]:
        """The files of a version, empty where there is no such version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: `name` is how it was asked for."""

    name: str
    build: Build
    mistakes: tuple[Mistake, ...]


class UnknownVersionError(Exception):
    """There is no such version; the message says what there is."""


def side(asked: str, opened: Callable[[], Kept]) -> Side:
    """Read and build what is asked for; versions are `opened` for those who ask for one.

    Raises UnknownVersionError.
    """
    if asked == LIVE or asked.isdecimal():
        return _built(asked, _of_version(asked, opened()), ())
    read = read_sources(Path(asked))
    return _built(asked, read.files, read.mistakes)


def kept(state_dir: Path) -> Kept:
    """The versions of a state folder; none where it holds none."""
    return history(state_dir)


def _of_version(asked: str, kept: Kept) -> tuple[SourceFile, ...]:
    """What was served of each file, and what waited with 503s; `live` was refused by nobody."""
    versions = [one for one in kept.versions() if asked != LIVE or one.fate != "rejected"]
    if not versions:
        raise UnknownVersionError(f"'{asked}': no version was published yet from this state folder")
    newest = versions[0].number
    found = tuple(sources(kept.files(newest if asked == LIVE else int(asked))))
    if not found:
        raise UnknownVersionError(f"there is no version {asked}: the newest is {newest}")
    return found


def _built(name: str, sources: tuple[SourceFile, ...], mistakes: tuple[Mistake, ...]) -> Side:
    """Both sides are built with one name for the main file: a version replaces the other."""
    options = Options(trust_store=trust_store(), secrets=secrets(required=False), main=MAIN)
    built = build(sources, options)
    found = tuple(sorted((*mistakes, *built.mistakes), key=lambda m: m.place))
    return Side(name=name, build=built, mistakes=found)
