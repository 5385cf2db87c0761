"""Inheritance: maps merge at every depth, all else replaces, the word `none` switches off."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from controlplane.model.gateway import Setting
from controlplane.model.keys import decoder
from language.decode import Refused, blank, mistake_at, spot
from language.mistakes import Mistake, errors
from language.nodes import ListNode, MapNode, Node, Scalar
from language.places import Place
from policies.contract import BackendFacts, Fault, Key, RouteFacts, RouteKey
from policies.edge import unheard

Facts: TypeAlias = RouteFacts | BackendFacts
Entry: TypeAlias = tuple[Scalar, Node]
"""A key as it is written, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A value in `defaults`; `setting` is None where it has mistakes of its own."""

    node: Node
    setting: Setting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What routes, or backends, inherit.

    `whole` is False where `defaults` could not be read: nothing can then be said to be missing
    from it.
    """

    defaults: Mapping[str, Default]
    whole: bool


def merge(inherited: Node, own: Node) -> Node:
    """The inherited value with the own one over it.

    Keys are alike whatever their case: `X-A` takes the place of an inherited `x-a`.
    """
    if not (isinstance(inherited, MapNode) and isinstance(own, MapNode)):
        return own
    mine = {key.text.lower() for key, _ in own.entries}
    above = {key.text.lower(): value for key, value in inherited.entries}
    kept = (entry for entry in inherited.entries if entry[0].text.lower() not in mine)
    merged = ((k, merge(above.get(k.text.lower(), v), v)) for k, v in own.entries)
    return MapNode((*kept, *merged), own.line, own.column)


def is_none(node: Node) -> bool:
    """Whether a node is the word that switches off."""
    return isinstance(node, Scalar) and node.text == "none" and not node.quoted


def without_none(node: Node) -> Node:
    """A node without the keys that are switched off, at every depth: itself where none is."""
    if not isinstance(node, MapNode):
        return node
    kept = tuple((k, without_none(v)) for k, v in node.entries if not is_none(v))
    if len(kept) == len(node.entries) and all(
        new is old for (_, new), (_, old) in zip(kept, node.entries, strict=True)
    ):
        return node
    return MapNode(kept, node.line, node.column)


def default(file: str, key: Key, entry: Entry, facts: Facts) -> tuple[Default, tuple[Mistake, ...]]:
    """Read a value that stands in `defaults`."""
    _, value = entry
    idle = tuple(_idle_nones(file, None, value))
    if idle and isinstance(key, RouteKey) and key.atom:
        return Default(node=value, setting=None), idle
    setting, mistakes = _read(file, key, entry, value, facts, inherited=True)
    if setting is not None and isinstance(key, RouteKey) and key.atom:
        setting, found = _extended(key, setting, None)
        mistakes = (*mistakes, *found)
    mistakes = (*idle, *mistakes)
    return Default(node=value, setting=None if errors(mistakes) else setting), mistakes


def settings_of(
    file: str,
    keys: Mapping[str, Key],
    inherited: Inherited,
    written: Mapping[str, Entry],
    facts: Facts | None,
) -> Iterator[Setting | Mistake]:
    """The settings of a route or a backend, in the order of the policies, and its mistakes.

    Without `facts` (what they stand on has mistakes itself) only what the types say is checked.
    """
    defaults = inherited.defaults
    for name, key in keys.items():
        above = defaults.get(name)
        if name not in written:
            if above is not None and above.setting is not None:
                yield above.setting
            continue
        entry = written[name]
        own = entry[1]
        base = above.node if above is not None and not key.atom else None
        nones = list(_nones_without_effect(file, key, above, own)) if inherited.whole else []
        yield from nones
        if nones and key.atom:
            continue  # what is left without them is not what was meant
        merged = own if base is None else merge(base, own)
        setting, mistakes = _read(file, key, entry, merged, facts, inherited=False)
        if setting is not None and isinstance(key, RouteKey) and key.atom and inherited.whole:
            setting, found = _extended(key, setting, above)
            mistakes = (*mistakes, *found)
        if above is not None and above.setting is None and not is_none(above.node):
            # the default has its mistakes already: only those of what is written here are new
            here = set(_places(file, own))
            mistakes = tuple(m for m in mistakes if m.place in here)
        yield from mistakes
        if setting is not None:
            yield setting


def _extended(
    key: RouteKey, own: Setting, above: Default | None
) -> tuple[Setting | None, tuple[Mistake, ...]]:
    """A route's own atom with what it keeps of the inherited one."""
    inherited = None if above is None else above.setting
    if own.value is None or (above is not None and inherited is None):
        return own, ()  # the default has mistakes of its own
    value = key.extended(own.value, None if inherited is None else inherited.value)
    if not isinstance(value, Fault):
        return (own if value is own.value else replace(own, value=value)), ()
    mistake = told(own.file, (own.name, own.node), value, inherited=False)
    return None, () if mistake is None else (mistake,)


def _nones_without_effect(
    file: str, key: Key, above: Default | None, own: Node
) -> Iterator[Mistake]:
    if not is_none(own):
        if key.inherited and without_none(own) is not own:
            # an atom replaces the inherited one whole: nothing in it is over anything
            under = None if above is None or key.atom else above.node
            yield from _idle_nones(file, under, own)
    elif not key.inherited:
        yield mistake_at(file, own, "'none' switches nothing off here", "leave the key out")
    elif above is None and not key.none_acts and not key.required:
        message = f"'none' switches nothing off: no '{key.name}' is inherited"
        yield mistake_at(file, own, message, "leave the key out")


def _idle_nones(file: str, inherited: Node | None, own: Node) -> Iterator[Mistake]:
    """Each `none` within a mapping that stands over nothing."""
    if not isinstance(own, MapNode):
        return
    above: dict[str, Node] = {}
    if isinstance(inherited, MapNode):
        above = {key.text.lower(): value for key, value in inherited.entries}
    for key, value in own.entries:
        under = above.get(key.text.lower())
        if not is_none(value):
            yield from _idle_nones(file, under, value)
        elif under is None:
            message = f"'none' switches nothing off: no '{key.text}' is inherited"
            hint = 'leave the key out; if it is a text, quote it: "none"'
            yield mistake_at(file, value, message, hint)


def _read(  # noqa: PLR0913 # what is written, what it is merged to, and where both stand
    file: str, key: Key, entry: Entry, node: Node, facts: Facts | None, *, inherited: bool
) -> tuple[Setting | None, tuple[Mistake, ...]]:
    """Read a key's value, merged with what it inherits; `entry` is what is written here."""
    name, own = entry
    if is_none(own) and not key.required:
        off = Setting(key=key.name, value=None, file=file, name=name, node=own, inherited=inherited)
        return (off if key.none_acts else None), ()
    if blank(own):
        return None, ()
    node = without_none(node) if key.inherited else node
    read = decoder(key).decode(file, node, name)
    if isinstance(read, Refused):
        return None, read.mistakes
    faults: Iterable[Fault] = ()
    if facts is not None:
        faults = (*key.faults(read, facts), *unheard(key.client_headers(read)))
    setting = Setting(key=key.name, value=read, file=file, name=name, node=own, inherited=inherited)
    found = [told(file, entry, fault, inherited=inherited) for fault in faults]
    return setting, tuple([m for m in found if m is not None])


def told(file: str, entry: Entry, fault: Fault, *, inherited: bool) -> Mistake | None:
    """Tell a fault where it is written: here, not in the defaults that it inherits from."""
    name, own = entry
    path = next((p for p in (fault.path, fault.beside) if p and _is_written(own, p)), None)
    if fault.idle and (path != fault.path or inherited):
        return None
    if path is None:
        where = own if isinstance(own, Scalar) else name
        return _whole(mistake_at(file, where, fault.message, fault.hint), fault, entry)
    found = spot(own, name, path)
    at: Node = found.node
    if found.key is not None and (fault.at_key or not isinstance(at, Scalar)):
        at = found.key
    return _whole(mistake_at(file, at, fault.message, fault.hint), fault, entry)


def _whole(mistake: Mistake, fault: Fault, entry: Entry) -> Mistake:
    """The mistake with the fault's severity, and what it shows beside."""
    name, own = entry
    beside = (spot(own, name, path) for path in fault.also)
    return replace(
        mistake,
        severity="warning" if fault.warning else "error",
        also=tuple(
            Place(mistake.place.file, at.line, at.column)
            for at in (found.node if found.key is None else found.key for found in beside)
        ),
    )


def _is_written(node: Node, path: tuple[str | int, ...]) -> bool:
    for step in path:
        below = spot(node, None, (step,)).node
        if below is node:
            return False
        node = below
    return True


def _places(file: str, node: Node) -> Iterator[Place]:
    """Where a value and all that is in it stand."""
    yield Place(file, node.line, node.column)
    if isinstance(node, MapNode):
        for key, value in node.entries:
            yield Place(file, key.line, key.column)
            yield from _places(file, value)
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _places(file, item)
