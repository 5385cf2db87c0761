"""What became of each file."""

from dataclasses import dataclass
from typing import Literal

from controlplane.build import Build
from language.mistakes import Mistake

FileState = Literal["current", "last good", "not served"]
"""`current`: what is on disk is served. `last good`: an older content of it is, as what is on disk
has mistakes (or is gone though others need it). `not served`: it has some and never was good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """One file.

    `name` is how messages name it, `home` how every replica does (from the folder of gateway.yaml),
    `mistakes` why it is not current: empty where it is.
    """

    name: str
    home: str
    state: FileState
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Files that go together. `build.sources` are the contents that were chosen.

    `build.snapshot` is None where nothing can be served: the gateway file itself is not good and
    never was, or there are no routes. `mistakes` are all that are to be told, in file order: those
    of the files as they are on disk, and warnings.
    """

    build: Build
    files: tuple[FileView, ...]
    mistakes: tuple[Mistake, ...]
