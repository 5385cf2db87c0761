"""What `foregate diff` compares: a file or folder, a version of the history, or what is live.

`live` is the newest version, a number is that one; a path with a slash (`./3`) is always a path.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from controlplane.build import Build, Options, build
from controlplane.difference.served import OtherKeysError, as_served
from controlplane.difference.signers import KeyFiles
from controlplane.files import MAIN, read_sources
from controlplane.history.version import KeptFile, KeptPart, Version
from controlplane.history.versions import sources
from foregate.building import secrets
from foregate.commands.show import history
from foregate.keyfiles import key_files
from foregate.layout import layout
from foregate.resolvers import resolvers
from foregate.trust import trust_store
from language.mistakes import Mistake
from language.secrets import Secrets

LIVE = "live"

_DIGITS = 20
"""How many of a number are shown."""


class Kept(Protocol):
    """The versions of a state folder."""

    def versions(self) -> Iterable[Version]:
        """All, the newest first."""

    def version(self, number: int) -> Version | None:
        """One of them, None where there is no such version."""

    def files(self, number: int) -> tuple[KeptFile, ...]:
        """The files of a version, empty where there is no such version."""

    def build(self, number: int) -> Build | None:
        """A version as it was published, None where anything of it is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: `name` is how it was asked for.

    `parts` are those of a version that are not as its files say, as Envoy refused them. `keys` are
    the key files beside files; a version keeps none.
    """

    name: str
    build: Build
    mistakes: tuple[Mistake, ...]
    parts: tuple[KeptPart, ...] = ()
    keys: KeyFiles = field(default_factory=dict)


class UnknownVersionError(Exception):
    """There is no such version; the message says what there is."""


def side(asked: str, opened: Callable[[], Kept]) -> Side:
    """Read and build what is asked for; versions are `opened` for those who ask for one.

    Raises UnknownVersionError.
    """
    if asked == LIVE or asked.isdecimal():
        return _of_version(asked, opened())
    path = Path(asked)
    read = read_sources(path)
    built = build(read.files, _options(secrets(required=False)))
    return Side(
        name=asked,
        build=built,
        mistakes=_in_order((*read.mistakes, *built.mistakes)),
        keys=key_files(built, path if path.is_dir() else path.parent),
    )


def kept(state_dir: Path) -> Kept:
    """The versions of a state folder; none where it holds none."""
    return history(state_dir)


def _of_version(asked: str, kept: Kept) -> Side:
    """What was served of each file, and what waited with 503s; `live` was refused by nobody.

    Its keys are those that were served, as a secret may hold another one today.
    """
    number = _number(asked, kept)
    version = kept.version(number)
    files = tuple(sources(kept.files(number)))
    published = kept.build(number)
    if version is None or published is None:
        raise UnknownVersionError(f"version {number} cannot be compared: a part of it is lost")
    options = _options(Secrets())
    read = build(files, options)
    try:
        built = as_served(read, published, options)
    except OtherKeysError:
        what = "its keys are not those that its files name"
        raise UnknownVersionError(f"version {number} cannot be compared: {what}") from None
    return Side(
        name=asked, build=built, mistakes=_in_order(built.mistakes), parts=version.note.parts
    )


def _number(asked: str, kept: Kept) -> int:
    there = {
        str(one.number): one.number
        for one in kept.versions()
        if asked != LIVE or one.fate != "rejected"
    }
    if not there:
        raise UnknownVersionError(f"'{asked}': no version was published yet from this state folder")
    newest = next(iter(there))
    found = there.get(newest if asked == LIVE else asked.lstrip("0"))
    if found is None:
        named = asked if len(asked) <= _DIGITS else f"{asked[:_DIGITS]}…"
        raise UnknownVersionError(f"there is no version {named}: the newest is {newest}")
    return found


def _options(known: Secrets) -> Options:
    """Both sides are built with one name for the main file: a version replaces the other."""
    return Options(
        trust_store=trust_store(),
        resolvers=resolvers(),
        secrets=known,
        main=MAIN,
        layout=layout(),
    )


def _in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    return tuple(sorted(mistakes, key=lambda m: m.place))
