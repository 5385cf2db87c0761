"""The contents that a file may be served with, and which of them it is served with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.model.gateway import File
from controlplane.reading import ReadFile
from controlplane.selection.chosen import FileState
from controlplane.selection.match import matches
from language.mistakes import Mistake, errors

States = Mapping[str, FileState]
"""The state of each file, by its home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One file: what is on disk, and what is served of it now.

    `newest` is None where nothing is on disk, or what is cannot be read: `unread` says why. `last`
    is None where the file is not served now; what it is held with is then `before`.
    """

    name: str
    home: str
    newest: ReadFile | None
    last: ReadFile | None
    before: ReadFile | None = None
    unread: tuple[Mistake, ...] = ()

    @property
    def gone(self) -> bool:
        """Whether the file was removed."""
        return self.newest is None and not self.unread

    @property
    def own(self) -> tuple[Mistake, ...]:
        """What is wrong with what is on disk, whatever other files say."""
        return (*self.unread, *(self.newest.mistakes if self.newest else ()))

    @property
    def changed(self) -> bool:
        """Whether what is on disk is not what is served now."""
        if self.newest is None or self.last is None:
            return self.newest is not self.last
        return self.newest.source.data != self.last.source.data

    def first(self) -> FileState:
        """The best state that the file itself allows."""
        return self.worse("current") if errors(self.own) else "current"

    def worse(self, state: FileState) -> FileState:
        """The best state below one."""
        other = self.newest is not self.last
        if state == "current" and other and self.last is not None and self.last.sound:
            return "last good"
        return "not served"

    def content(self, state: FileState) -> ReadFile | None:
        """What is served in a state."""
        if state == "current":
            return self.newest
        return self.last if state == "last good" else None

    def holding(self, *, cold: bool) -> tuple[ReadFile, ...]:
        """What says which requests wait for the file while it is not served, newest first.

        Nothing for a file that came to a gateway that was served without it: another may have had
        its requests, and goes on.
        """
        known = self.last or self.before
        if not (cold or known):
            return ()
        said = (one for one in (self.newest, known) if one is not None)
        found = tuple(one for one in said if one.complete and one.file.routes)
        whole = len(found) > 1 and matches(found[1].file).keys() <= matches(found[0].file).keys()
        return found[:1] if whole else found


def files_of(contenders: Iterable[Contender], states: States) -> tuple[File, ...]:
    """The files that are served in these states."""
    found = (one.content(states[one.home]) for one in contenders)
    return tuple(one.file for one in found if one is not None)
