"""The choice: what is on disk and what is served enter, files that go together leave.

Each round resolves the files in their states; who makes an error stays behind, at what is served of
it now or without anything. States only fall, so the rounds end.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from controlplane.build import Build, Options, build, compiled, unplanned
from controlplane.files import Sources
from controlplane.memo import Memo
from controlplane.model.gateway import File
from controlplane.plan.plan import Plan
from controlplane.plan.resolve import Idle, resolve
from controlplane.reading import ReadFile
from controlplane.selection.blame import Blamed, Court
from controlplane.selection.cache import Cache
from controlplane.selection.chosen import Chosen, FileState, FileView
from controlplane.selection.contender import Contender, States, files_of
from controlplane.sources import SourceFile, gateway_of, home
from language.mistakes import Mistake, errors


class Selector:
    """Chooses; it keeps what it read and made, so that what did not change costs little."""

    def __init__(self) -> None:
        self._cache = Cache()
        self._memo = Memo()
        self._served: dict[str, ReadFile] = {}

    def choose(self, sources: Sources, good: tuple[SourceFile, ...], options: Options) -> Chosen:
        """Choose of what is on disk what can be served, and of what is `good` what stays.

        `good` are the contents of the version that is served, with those that are held: `sources`
        of the build that was chosen for it. Without it nothing was served before.
        """
        whole = tuple(m for m in sources.mistakes if m.place.file not in sources.unread)
        names = (*(file.name for file in sources.files), *sources.unread)
        gateway = gateway_of(names)
        if whole or gateway is None:
            return _kept(good, whole or build(sources.files, options).mistakes, options)
        contenders = tuple(self._contenders(sources, good, gateway, options))
        choice = _Choice(
            contenders=contenders,
            gateway=home(gateway, gateway),
            cold=not good,
            memo=self._memo,
        )
        blamed = choice.settle()
        made = choice.build(options)
        told = _told(contenders, choice.on_disk(), blamed)
        if not errors(told):  # what is wrong with the whole: there are no routes
            told = _in_order((*told, *errors(made.mistakes)))
        chosen = ((c.home, c.content(choice.states[c.home])) for c in contenders)
        self._served = {at: one for at, one in chosen if one is not None}
        self._cache.forget()
        self._memo.forget()
        return Chosen(
            build=made,
            files=tuple(_views(contenders, choice.states, blamed)),
            mistakes=told,
        )

    def _contenders(
        self, sources: Sources, good: tuple[SourceFile, ...], gateway: str, options: Options
    ) -> Iterator[Contender]:
        """Every file that is on disk or served, in the order of names."""
        folder = PurePosixPath(gateway).parent
        before = gateway_of([file.name for file in good])
        kept = {home(file.name, before): file for file in good}
        read = {file.name: file for file in sources.files}
        names = {home(name, gateway): name for name in (*read, *sources.unread)}
        for at in kept:
            names.setdefault(at, str(folder / at))
        for at, name in sorted(names.items(), key=lambda item: item[1]):
            old = kept.get(at)
            last = None
            if old is not None:
                was = SourceFile(name=name, data=old.data)
                last = self._cache.read(was, gateway, options)
                last = self._as_served(at, last)
            newest = read.get(name)
            held = old is not None and old.held
            yield Contender(
                name=name,
                home=at,
                newest=None if newest is None else self._cache.read(newest, gateway, options),
                last=None if held else last,
                before=last if held else None,
                unread=tuple(m for m in sources.mistakes if m.place.file == name),
            )

    def _as_served(self, at: str, last: ReadFile) -> ReadFile:
        """A last good content as it was read when it was good: a secret may be gone since."""
        served = self._served.get(at)
        return served if not last.sound and served and served.source == last.source else last


@dataclass(slots=True, kw_only=True)
class _Choice:
    """The states of files on their way to some that go together."""

    contenders: tuple[Contender, ...]
    gateway: str
    cold: bool
    memo: Memo
    states: dict[str, FileState] = field(default_factory=dict)
    _resolved: dict[tuple[FileState, ...], tuple[Plan | None, tuple[Mistake, ...]]] = field(
        default_factory=dict
    )

    def settle(self) -> tuple[Blamed, ...]:
        """Let files fall until no error is left; give who fell for which."""
        by_home = {one.home: one for one in self.contenders}
        self.states = {one.home: one.first() for one in self.contenders}
        blamed: list[Blamed] = []
        while self._gateway_stands():
            found = errors(self.resolved(self.states)[1])
            if not found:
                return tuple(blamed)
            court = Court(
                contenders=self.contenders,
                states=dict(self.states),
                resolved=lambda states: self.resolved(states)[1],
            )
            judged = [court.blamed(error) for error in found]
            blamed += judged if court.all_current else map(self._following, judged)
            for at in {at for one in judged for at in one.homes}:
                self.states[at] = by_home[at].worse(self.states[at])
        self.states = dict.fromkeys(self.states, "not served")
        return tuple(blamed)

    def _following(self, one: Blamed) -> Blamed:
        """An error that is not there on disk: it follows from what stayed behind before."""
        if one.error in self.on_disk() or one.told != (one.error,):
            return one
        hint = "mend first what stays behind: it may be there"
        return replace(one, told=(replace(one.error, hint=hint),))

    def resolved(self, states: States) -> tuple[Plan | None, tuple[Mistake, ...]]:
        """The plan of files in these states, and the mistakes that they make together."""
        key = tuple(states[one.home] for one in self.contenders)
        if key not in self._resolved:
            files = files_of(self.contenders, states)
            self._resolved[key] = self._resolve(files, (), states) if files else (None, ())
        return self._resolved[key]

    def on_disk(self) -> tuple[Mistake, ...]:
        """What the files make together as they are on disk, whatever is chosen.

        Nothing where some could not be read: what seems to be missing may be in them.
        """
        if any(one.unread for one in self.contenders):
            return ()
        return self.resolved(dict.fromkeys(self.states, "current"))[1]

    def build(self, options: Options) -> Build:
        """What the chosen files compile to; of the rest, the routes that were to be held."""
        served = [c.content(self.states[c.home]) for c in self.contenders]
        files = [one for one in served if one is not None]
        plan, found = self.resolved(self.states)
        if plan is None:
            return unplanned((), ())
        left = [c for c in self.contenders if self.states[c.home] == "not served"]
        held = [one for c in left if (one := c.holding(cold=self.cold)) is not None]
        if held:
            served_files = tuple(one.file for one in files)
            plan, found = self._resolve(served_files, tuple(one.file for one in held), self.states)
        sources = [one.source for one in files]
        sources += [replace(one.source, held=True) for one in held]
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


def _kept(good: tuple[SourceFile, ...], mistakes: tuple[Mistake, ...], options: Options) -> Chosen:
    """Everything as it is served: which files there are now is not known."""
    gateway = gateway_of([file.name for file in good])
    views = (
        FileView(
            name=file.name,
            home=home(file.name, gateway),
            state="not served" if file.held else "last good",
            mistakes=mistakes,
        )
        for file in good
    )
    return Chosen(build=build(good, options), files=tuple(views), mistakes=mistakes)


def _views(
    contenders: tuple[Contender, ...], states: States, blamed: tuple[Blamed, ...]
) -> Iterator[FileView]:
    """The state of each file that is on disk or served."""
    against: dict[str, list[Mistake]] = defaultdict(list)
    for one in blamed:
        for at in one.homes:
            against[at].extend(one.told)
    for c in contenders:
        state = states[c.home]
        if c.gone and state != "last good":
            continue  # it was removed, and nobody needs it
        why = () if state == "current" else _in_order(_merged((*c.own, *against[c.home])))
        yield FileView(name=c.name, home=c.home, state=state, mistakes=why)


def _told(
    contenders: tuple[Contender, ...], on_disk: tuple[Mistake, ...], blamed: tuple[Blamed, ...]
) -> tuple[Mistake, ...]:
    """All mistakes; an error that was told in another way is not told twice."""
    otherwise = {one.error for one in blamed if one.told != (one.error,)}
    own = (m for c in contenders for m in c.own)
    judged = (m for one in blamed for m in one.told)
    return _in_order(_merged(m for m in (*own, *on_disk, *judged) if m not in otherwise))


def _merged(mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """One removal that many lines miss is one mistake, with all of them."""
    same: dict[tuple[object, ...], list[Mistake]] = defaultdict(list)
    for one in mistakes:
        same[one.place, one.message, one.severity].append(one)
    for first, *others in same.values():
        also = dict.fromkeys(p for one in (first, *others) for p in one.also)
        yield replace(first, also=tuple(also))


def _in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    return tuple(sorted(dict.fromkeys(mistakes), key=lambda m: (m.place, m.message)))
