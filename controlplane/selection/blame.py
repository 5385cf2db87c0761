"""Who is to blame for an error that files only make together, and stays behind.

Asked is what the error would be without a change: it is the fault of the change that it comes and
goes with. So in a conflict the file that changed nothing wins, and who removes what another file
uses is at fault, not that other file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from controlplane.selection.chosen import FileState
from controlplane.selection.contender import Contender, States
from language.mistakes import Mistake, errors
from language.places import Place

Resolved = Callable[[States], tuple[Mistake, ...]]
"""The mistakes that files make together in these states."""

ASKED = 16
"""How often it is asked in a round. Who changed is blamed for what is left then: with so many files
at fault at once, one that is not stays behind until others are mended."""

Key = tuple[str, frozenset[str]]
"""An error wherever it stands: its words, and the files it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blamed:
    """An error, the homes of the files that stay behind for it, and how it is told."""

    error: Mistake
    homes: tuple[str, ...]
    told: tuple[Mistake, ...]


@dataclass(slots=True, kw_only=True)
class Court:
    """One round: the files in the states that made errors together."""

    contenders: tuple[Contender, ...]
    states: States
    resolved: Resolved
    _without: dict[str, frozenset[Key]] = field(default_factory=dict)
    _changed: list[Contender] = field(init=False)
    _old: frozenset[str] = field(init=False)
    _asked: int = 0

    def __post_init__(self) -> None:
        """Look once at who changed, and which files are not as they are on disk."""
        current = [c for c in self.contenders if self.states[c.home] == "current"]
        self._changed = [c for c in current if c.changed]
        self._old = frozenset(c.name for c in self.contenders) - {c.name for c in current}

    @property
    def all_current(self) -> bool:
        """Whether the errors are those of the files as they are on disk."""
        return all(state == "current" for state in self.states.values())

    def blamed(self, error: Mistake) -> Blamed:
        """Find who stays behind for an error: always somebody."""
        changed, names = self._changed, key_of(error)[1]
        inside = [c for c in changed if c.name in names]
        guilty = [c for c in inside if self._goes_with(error, c)]
        if guilty:
            return self._at_its_lines(error, guilty)
        outside = [c for c in changed if c not in inside and self._goes_with(error, c)]
        removers = outside or ([] if inside else list(self._needed(error, changed)))
        if removers:
            told = tuple(self._remover(error, c) for c in removers)
            return Blamed(error=error, homes=tuple(c.home for c in removers), told=told)
        served = [c for c in self.contenders if c.content(self.states[c.home]) is not None]
        named = [c for c in served if c.name in names]
        return self._at_its_lines(error, inside or named or served)

    def _at_its_lines(self, error: Mistake, found: list[Contender]) -> Blamed:
        told = self._on_disk(_told_at(error, {c.name for c in found}))
        return Blamed(error=error, homes=tuple(c.home for c in found), told=(told,))

    def _goes_with(self, error: Mistake, one: Contender) -> bool:
        """Whether an error is not there without a file's change, or nothing is asked any more."""
        worse = one.worse("current")
        if one.name in key_of(error)[1] and one.content(worse) is None:
            return True  # without the file nothing is told of it
        if one.home not in self._without:
            if self._asked >= ASKED:
                return True
            self._without[one.home] = self._keys({one.home: worse})
        return key_of(error) not in self._without[one.home]

    def _needed(self, error: Mistake, changed: list[Contender]) -> Iterator[Contender]:
        """Of changes that make an error only together, those that it needs, in order of homes."""
        back: dict[str, FileState] = {c.home: c.worse("current") for c in changed}
        if self._asked >= ASKED:
            yield from changed
            return
        if key_of(error) in self._keys(back):
            return
        for one in changed:
            others = {home: state for home, state in back.items() if home != one.home}
            if self._asked >= ASKED or key_of(error) in self._keys(others):
                yield one
            else:
                back = others

    def _keys(self, other: States) -> frozenset[Key]:
        self._asked += 1
        return frozenset(key_of(m) for m in errors(self.resolved({**self.states, **other})))

    def _remover(self, error: Mistake, one: Contender) -> Mistake:
        """An error that shows in another file than the one whose change made it."""
        users = tuple(self._place_on_disk(p) for p in (error.place, *error.also))
        hint = "bring back what was removed, or first change who needs it"
        if one.gone:
            message = f"{one.home} was removed, and is needed here: {error.message}"
            return replace(error, place=users[0], message=message, hint=hint, also=users[1:])
        message = f"this file's change makes an error in another: {error.message}"
        return Mistake(place=Place(one.name, 1, 1), message=message, hint=hint, also=users)

    def _on_disk(self, error: Mistake) -> Mistake:
        place = self._place_on_disk(error.place)
        also = tuple(self._place_on_disk(p) for p in error.also)
        return error if place == error.place else replace(error, place=place, width=1, also=also)

    def _place_on_disk(self, place: Place) -> Place:
        """A place as it is on disk: of another content than that, the file is all that is known."""
        return Place(place.file, 1, 1) if place.file in self._old else place


def _told_at(error: Mistake, files: set[str]) -> Mistake:
    """An error at a line of the files that stay behind, where it has one."""
    if error.place.file in files:
        return error
    others = [p for p in error.also if p.file in files]
    if not others:
        return error
    also = (error.place, *(p for p in error.also if p != others[0]))
    return replace(error, place=others[0], also=also)


def key_of(error: Mistake) -> Key:
    """What an error is, on whatever lines."""
    return error.message, frozenset(p.file for p in (error.place, *error.also))
