"""Which files the brake holds, where only some of those that changed take much away.

Each file fails alone, also where it is empty of what it had: the others go on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.gate.brake import Removal, mistakes
from controlplane.selection.chosen import Chosen, FileView
from controlplane.sources import SourceFile, gateway_of, home
from language.places import Place

MOST = 20
"""So many changed files are looked at alone; of more, all wait."""

Choose = Callable[[Sources, tuple[SourceFile, ...]], Chosen]
Removed = Callable[[Build], tuple[Removal, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparing:
    """What is on disk, and what is `good`; blocks as `choose` and `removed` do."""

    sources: Sources
    good: tuple[SourceFile, ...]
    choose: Choose
    removed: Removed

    def without_removers(self) -> Chosen | None:
        """Choose with those files at their last good that take much away by themselves.

        None where all that changed do, or where what is left still takes much away.
        """
        changed = tuple(self._changed())
        if not 1 < len(changed) <= MOST:
            return None
        found = {at: self._alone(at, changed) for at in changed}
        removers = {at: removals for at, removals in found.items() if removals}
        if not removers or len(removers) == len(changed):
            return None
        chosen = self.choose(self._with_good(frozenset(removers)), self.good)
        if chosen.build.snapshot is None or self.removed(chosen.build):
            return None
        return _told(chosen, removers)

    def _alone(self, at: str, changed: tuple[str, ...]) -> tuple[Removal, ...]:
        """What is taken away where this file alone is as it is on disk."""
        others = frozenset(changed) - {at}
        build = self.choose(self._with_good(others), self.good).build
        return () if build.snapshot is None else self.removed(build)

    def _with_good(self, homes: frozenset[str]) -> Sources:
        """The sources, these files as they are served."""
        names, kept = self._names(), _by_home(self.good)
        there = {home_: SourceFile(name=names.get(home_, kept[home_].name), data=kept[home_].data)
                 for home_ in homes if home_ in kept}  # fmt: skip
        gateway = self._gateway()
        files = [f for f in self.sources.files if home(f.name, gateway) not in homes]
        return replace(self.sources, files=tuple(sorted((*files, *there.values()), key=_name)))

    def _changed(self) -> Iterator[str]:
        """Files that are other than what is served of them, or gone."""
        now = {home(f.name, self._gateway()): f.data for f in self.sources.files}
        kept = _by_home(self.good)
        unread = {home(name, self._gateway()) for name in self.sources.unread}
        for at in sorted({*now, *kept} - unread):
            if at not in kept or now.get(at) != kept[at].data:
                yield at

    def _names(self) -> Mapping[str, str]:
        return {home(f.name, self._gateway()): f.name for f in self.sources.files}

    def _gateway(self) -> str | None:
        return gateway_of([*(f.name for f in self.sources.files), *self.sources.unread])


def _told(chosen: Chosen, removers: Mapping[str, tuple[Removal, ...]]) -> Chosen:
    """Say of the files that are held why they are not as they are on disk."""
    why = {}
    for one in chosen.files:
        if one.home in removers:
            why[one.home] = mistakes(removers[one.home], Place(one.name, 1, 1))
    files = tuple(
        FileView(name=one.name, home=one.home, state="last good", mistakes=why[one.home])
        if one.home in why
        else one
        for one in chosen.files
    )
    told = (*chosen.mistakes, *(m for found in why.values() for m in found))
    in_order = tuple(sorted(told, key=lambda m: (m.place, m.message)))
    return replace(chosen, files=files, mistakes=in_order)


def _by_home(files: tuple[SourceFile, ...]) -> dict[str, SourceFile]:
    gateway = gateway_of([one.name for one in files])
    return {home(one.name, gateway): one for one in files if not one.held}


def _name(one: SourceFile) -> str:
    return one.name
