"""The selector: what is on disk and what is served enter, files that go together leave."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.memo import Memo
from controlplane.reading import ReadFile
from controlplane.selection.blame import Blamed
from controlplane.selection.cache import Cache
from controlplane.selection.choice import Choice
from controlplane.selection.chosen import Chosen, FileView
from controlplane.selection.contender import Contender, States
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
        choice = Choice(
            contenders=contenders,
            gateway=home(gateway, gateway),
            cold=not good,
            memo=self._memo,
        )
        blamed = choice.settle()
        made = choice.build(options)
        told = _told(contenders, (*choice.on_disk(), *choice.waiting(made)), blamed)
        if not errors(told):  # what is wrong with the whole: there are no routes
            told = _in_order((*told, *errors(made.mistakes)))
        chosen = ((c.home, c.content(choice.states[c.home])) for c in contenders)
        self._served = {at: one for at, one in chosen if one is not None}
        self._cache.forget()
        if self._memo.grown():
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
        if c.gone and state == "current":
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
