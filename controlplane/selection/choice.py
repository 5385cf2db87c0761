"""The choice: files that go together, out of what is on disk and what is served.

Each round resolves the files in their states; who makes an error stays behind, at what is served of
it now or without anything. States only fall, so the rounds end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from controlplane.build import Build, Options, compiled, unplanned
from controlplane.memo import Memo
from controlplane.model.gateway import File
from controlplane.plan.plan import Plan
from controlplane.plan.resolve import Idle, resolve
from controlplane.reading import ReadFile
from controlplane.selection.blame import Blamed, Court
from controlplane.selection.chosen import FileState
from controlplane.selection.contender import Contender, States, files_of
from controlplane.selection.left import left
from controlplane.selection.match import Match, matches
from controlplane.sources import SourceFile
from language.mistakes import Mistake, errors
from language.places import Place


@dataclass(slots=True, kw_only=True)
class Choice:
    """The states of files on their way to some that go together."""

    contenders: tuple[Contender, ...]
    gateway: str
    cold: bool
    memo: Memo
    states: dict[str, FileState] = field(default_factory=dict)
    _resolved: dict[tuple[FileState, ...], tuple[Mistake, ...]] = field(default_factory=dict)

    def settle(self) -> tuple[Blamed, ...]:
        """Let files fall until no error is left; give who fell for which."""
        self.states = {one.home: one.first() for one in self.contenders}
        blamed: list[Blamed] = []
        while self._gateway_stands():
            found = errors(self.resolved(self.states))
            if not found:
                kept = self._kept()
                if not kept:
                    return tuple(blamed)
                blamed += kept
                self._fall(kept)
                continue
            court = Court(
                contenders=self.contenders,
                states=dict(self.states),
                resolved=self.resolved,
            )
            judged = [court.blamed(error) for error in found]
            blamed += judged if court.all_current else map(self._following, judged)
            self._fall(judged)
        self.states = dict.fromkeys(self.states, "not served")
        return tuple(blamed)

    def _fall(self, blamed: Iterable[Blamed]) -> None:
        homes = {at for one in blamed for at in one.homes}
        for one in self.contenders:
            if one.home in homes:
                self.states[one.home] = one.worse(self.states[one.home])

    def _kept(self) -> tuple[Blamed, ...]:
        """Files that lost what may be in one that stays behind: they are kept as they were."""
        behind = [c for c in self.contenders if self.states[c.home] != "current" and not c.gone]
        if not behind:
            return ()
        said = (one for c in self.contenders for one in self._said(c))
        there: set[Match] = {match for one in said for match in matches(one.file)}
        found = ((c, left(c, there, behind)) for c in self._current() if c.changed or c.before)
        return tuple(_missed(c, *lost) for c, lost in found if lost is not None)

    def _current(self) -> list[Contender]:
        return [c for c in self.contenders if self.states[c.home] == "current"]

    def _said(self, one: Contender) -> tuple[ReadFile, ...]:
        """What routes are of a file: those that are served, or those that are held."""
        if self.states[one.home] == "not served":
            return one.holding(cold=self.cold)
        content = one.content(self.states[one.home])
        return () if content is None else (content,)

    def _following(self, one: Blamed) -> Blamed:
        """An error that is not there on disk: it follows from what stayed behind before."""
        if one.error in self.on_disk() or one.told != (one.error,):
            return one
        hint = "mend first what stays behind: it may be there"
        return replace(one, told=(replace(one.error, hint=hint),))

    def resolved(self, states: States) -> tuple[Mistake, ...]:
        """The mistakes that files make together in these states."""
        key = tuple(states[one.home] for one in self.contenders)
        if key not in self._resolved:
            files = files_of(self.contenders, states)
            self._resolved[key] = self._resolve(files, (), states)[1] if files else ()
        return self._resolved[key]

    def on_disk(self) -> tuple[Mistake, ...]:
        """What the files make together as they are on disk, whatever is chosen.

        Nothing where some could not be read: what seems to be missing may be in them.
        """
        if any(one.unread for one in self.contenders):
            return ()
        return self.resolved(dict.fromkeys(self.states, "current"))

    def waiting(self, made: Build) -> Iterator[Mistake]:
        """What a build says of served routes that wait for held ones, at lines on disk."""
        contents = (c.content(self.states[c.home]) for c in self.contenders)
        known = {m for one in contents if one is not None for m in one.mistakes}
        known.update(self.resolved(self.states))
        on_disk = {c.name for c in self._current()}
        for one in made.mistakes:
            if one not in known and one.severity == "warning":
                line_known = one.place.file in on_disk
                place = one.place if line_known else Place(one.place.file, 1, 1)
                yield replace(one, place=place, width=one.width if line_known else 1)

    def build(self, options: Options) -> Build:
        """What the chosen files compile to; of the rest, the routes that were to be held."""
        served = [c.content(self.states[c.home]) for c in self.contenders]
        files = [one for one in served if one is not None]
        if not files:
            return unplanned((), ())
        behind = [c for c in self.contenders if self.states[c.home] == "not served"]
        held = [contents for c in behind if (contents := c.holding(cold=self.cold))]
        plan, found = self._resolve(
            tuple(one.file for one in files),
            tuple(one.file for contents in held for one in contents),
            self.states,
        )
        sources = [one.source for one in files]
        sources += [_held(one) for one in held]
        mistakes = [*found, *(m for one in files for m in one.mistakes)]
        in_order = tuple(sorted(sources, key=lambda source: source.name))
        return compiled(in_order, plan, mistakes, options, self.memo)

    def _resolve(
        self, files: tuple[File, ...], held: tuple[File, ...], states: States
    ) -> tuple[Plan, tuple[Mistake, ...]]:
        return resolve(files, held, idle=self._idle(states), memo=self.memo)

    def _gateway_stands(self) -> bool:
        main = next(one for one in self.contenders if one.home == self.gateway)
        return main.content(self.states[self.gateway]) is not None

    def _idle(self, states: States) -> Idle:
        """Nobody else is held back by what became idle in a gateway file that was good."""
        if any(one.unread or states[one.home] != "current" for one in self.contenders):
            return "untold"
        main = next(one for one in self.contenders if one.home == self.gateway)
        return "error" if main.changed else "warning"


def _missed(one: Contender, path: str, holder: Contender) -> Blamed:
    """Why a file is kept though what is on disk of it has no mistake."""
    told = Mistake(
        place=Place(one.name, 1, 1),
        message=f"{path} is gone here, and {holder.name}, which has mistakes, may hold it now: "
        "until then what was served of this file stays",
        hint=f"mend {holder.name} first",
        also=(Place(holder.name, 1, 1),),
    )
    return Blamed(error=told, homes=(one.home,), told=(told,))


def _held(contents: tuple[ReadFile, ...]) -> SourceFile:
    """What is known longest is kept: the other is on disk."""
    kept = replace(contents[-1].source, held=True)
    return kept if len(contents) == 1 else replace(kept, beside=contents[0].source.data)
