"""Named things over all files: defined once, there where something refers to them, and used."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TypeAlias

from controlplane.model.gateway import File, Named, Setting
from controlplane.model.inherit import told
from controlplane.model.keys import named_keys, route_keys
from language.decode import spot
from language.mistakes import Mistake
from language.places import Place
from language.suggest import nearest
from policies.contract import Fault, NamedFault, Names, Reference

Defined: TypeAlias = Mapping[str, Mapping[str, Named]]
"""Named things by kind and name."""


def defined(files: tuple[File, ...]) -> Defined:
    """All of them; of a name that is defined twice, the first."""
    found: dict[str, dict[str, Named]] = {kind: {} for kind in named_keys()}
    for file in files:
        for one in file.named:
            found[one.kind].setdefault(one.key.text, one)
    return found


def values(things: Defined) -> Names:
    """The settings of those without mistakes."""
    return {
        kind: {name: one.value for name, one in named.items() if one.value is not None}
        for kind, named in things.items()
    }


def mistakes_of_names(files: tuple[File, ...], things: Defined) -> Iterator[Mistake]:
    """What is wrong with names, and with the things of one kind beside each other."""
    for kind in named_keys():
        yield from _defined_twice(kind, files)
    unread = frozenset(chain.from_iterable(file.unread for file in files))
    for where, reference in _references(files):
        yield from _unknown(where, reference, things, unread)
    yield from _disputes(files, values(things))
    whole = all(one.value is not None for named in things.values() for one in named.values())
    if whole and not unread:
        settings = values(things)
        for kind, key in named_keys().items():
            for found in key.together(settings):
                yield _between(things[kind], found)


def unused(files: tuple[File, ...], things: Defined) -> Iterator[Mistake]:
    """Things that no route asks for; to be asked where files have no mistakes."""
    used: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for setting in file.naming:
            for one in route_keys()[setting.key].references(setting.value):
                used[one.kind].add(one.name)
    for kind, key in named_keys().items():
        for name, thing in things[kind].items():
            if key.unused and name not in used[kind]:
                yield Mistake(
                    place=thing.place,
                    message=f"{key.unused} '{name}'",
                    hint="remove it, or name it in a route",
                    width=len(name),
                    severity="warning",
                )


def needed_by_names(names: Names) -> Iterator[str]:
    """The keys of `whenDown` that have an effect because of named things."""
    for kind, key in named_keys().items():
        for value in names[kind].values():
            yield from key.when_down(value)


def _references(files: tuple[File, ...]) -> Iterator[tuple[Setting | Named, Reference]]:
    for file in files:
        for setting in file.naming:
            for one in route_keys()[setting.key].references(setting.value):
                yield setting, one
        for named in file.named:
            if named.value is not None:
                for one in named_keys()[named.kind].references(named.value):
                    yield named, one


def _disputes(files: tuple[File, ...], names: Names) -> Iterator[Mistake]:
    """What settings may not name together, told where they are written."""
    for file in files:
        for one in file.naming:
            key = route_keys()[one.key]
            if all(r.name in names[r.kind] for r in key.references(one.value)):
                for fault in key.disputed(one.value, names):
                    mistake = told(file.name, (one.name, one.node), fault, inherited=False)
                    if mistake is not None:
                        yield mistake


def _defined_twice(kind: str, files: tuple[File, ...]) -> Iterator[Mistake]:
    first: dict[str, Place] = {}
    for file in files:
        for one in file.named:
            name = one.key.text
            if one.kind == kind and first.setdefault(name, one.place) != one.place:
                yield Mistake(
                    place=one.place,
                    message=f"the {named_keys()[kind].noun} '{name}' is defined twice",
                    hint="a folder is one namespace: rename one",
                    width=len(name),
                    also=(first[name],),
                )


def _unknown(
    where: Setting | Named, one: Reference, things: Defined, unread: frozenset[str]
) -> Iterator[Mistake]:
    if one.name in things[one.kind] or one.kind in unread:
        return
    near = nearest(one.name, sorted(things[one.kind]))
    noun = named_keys()[one.kind].noun
    fault = Fault(
        path=one.path,
        message=f"there is no {noun} '{one.name}'",
        hint=f"did you mean '{near}'?" if near else f"define it below {one.kind}",
    )
    name = where.name if isinstance(where, Setting) else where.key
    mistake = told(where.file, (name, where.node), fault, inherited=False)
    if mistake is not None:
        yield mistake


def _between(named: Mapping[str, Named], found: NamedFault) -> Mistake:
    one = named[found.name]
    mistake = told(one.file, (one.key, one.node), found.fault, inherited=False)
    also = tuple(_place(named[name], path) for name, path in found.also)
    told_at = Mistake(place=one.place, message=found.fault.message) if mistake is None else mistake
    return Mistake(
        place=told_at.place,
        message=told_at.message,
        hint=told_at.hint,
        width=told_at.width,
        severity=told_at.severity,
        also=also,
    )


def _place(one: Named, path: tuple[str | int, ...]) -> Place:
    at = spot(one.node, one.key, path).node if path else one.key
    return Place(one.file, at.line, at.column)
