"""Where versions go live, and who is told: what `foregate dev` and `controlplane` differ in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controlplane.build import Build
from controlplane.snapshot import Snapshot
from language.mistakes import Mistake
from language.places import Place

Texts = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What Envoys serve, and since when.

    `took` seconds after it was read all of them had it, and after `written` it was also on the
    disk. `number` is the version's in the history, None where none is written. `restored`: it is
    the last good of an earlier run.
    """

    build: Build
    since: datetime
    took: float
    written: float
    number: int | None = None
    restored: bool = False


class Stage(Protocol):
    """Where versions go live, and who is told."""

    async def fitting(self, build: Build, snapshot: Snapshot, origin: Place) -> tuple[Mistake, ...]:
        """Say what in the surroundings stands against a build, before anything is done with it."""

    async def made_ready(self, build: Build) -> None:
        """Bring up what a proved build needs, before it is published."""

    async def went_live(self, live: Live, *, first: bool) -> None:
        """Hear that a version is live everywhere."""

    def mistakes(self, found: Sequence[Mistake], texts: Texts) -> None:
        """Hear of mistakes."""

    def stays(self, since: datetime | None) -> None:
        """Hear that what is live stays so, None where nothing is."""

    def unchanged(self) -> None:
        """Hear that a new state of the files is the same gateway."""

    def warn(self, *lines: str) -> None:
        """Hear of what needs a look."""
