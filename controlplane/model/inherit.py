"""Inheritance: maps merge at every depth, all else replaces, the word `none` switches off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.model.gateway import Setting
from controlplane.model.keys import decoder
from language.decode import Refused, mistake_at, spot
from language.mistakes import Mistake
from language.nodes import ListNode, MapNode, Node, Scalar
from language.places import Place
from policies.contract import BackendFacts, Fault, Key, RouteFacts

Facts: TypeAlias = RouteFacts | BackendFacts
Entry: TypeAlias = tuple[Scalar, Node]
"""A key as it is written, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A value in `defaults`; `setting` is None where it has mistakes of its own."""

    node: Node
    setting: Setting | None


def merge(inherited: Node, own: Node) -> Node:
    """The inherited value with the own one over it."""
    if not (isinstance(inherited, MapNode) and isinstance(own, MapNode)):
        return own
    mine = {key.text: (key, value) for key, value in own.entries}
    entries: list[tuple[Scalar, Node]] = []
    for key, value in inherited.entries:
        if key.text in mine:
            own_key, own_value = mine.pop(key.text)
            entries.append((own_key, merge(value, own_value)))
        else:
            entries.append((key, value))
    return MapNode((*entries, *mine.values()), own.line, own.column)


def is_none(node: Node) -> bool:
    """Whether a node is the word that switches off."""
    return isinstance(node, Scalar) and node.text == "none" and not node.quoted


def without_none(node: Node) -> Node:
    """A node without the keys that are switched off, at every depth."""
    if isinstance(node, MapNode):
        kept = tuple((k, without_none(v)) for k, v in node.entries if not is_none(v))
        return MapNode(kept, node.line, node.column)
    if isinstance(node, ListNode):
        return ListNode(tuple(without_none(i) for i in node.items), node.line, node.column)
    return node


def default(file: str, key: Key, entry: Entry, facts: Facts) -> tuple[Default, tuple[Mistake, ...]]:
    """Read a value that stands in `defaults`."""
    setting, mistakes = _read(file, key, entry, facts, inherited=True)
    return Default(node=entry[1], setting=setting), mistakes


def settings_of(
    file: str,
    keys: Mapping[str, Key],
    defaults: Mapping[str, Default],
    written: Mapping[str, Entry],
    facts: Facts | None,
) -> Iterator[Setting | Mistake]:
    """The settings of a route or a backend, in the order of the policies, and its mistakes.

    Without `facts` (what they stand on has mistakes itself) only what the types say is checked.
    """
    for name, key in keys.items():
        above = defaults.get(name)
        if name not in written:
            if above is not None and above.setting is not None:
                yield above.setting
            continue
        own_key, own = written[name]
        if above is not None and not key.atom and isinstance(own, MapNode):
            own = merge(above.node, own)
        setting, mistakes = _read(file, key, (own_key, own), facts, inherited=False)
        yield from mistakes
        if setting is not None:
            yield setting


def _read(
    file: str, key: Key, entry: Entry, facts: Facts | None, *, inherited: bool
) -> tuple[Setting | None, tuple[Mistake, ...]]:
    name, value = entry
    place = Place(file, name.line, name.column)
    if is_none(value) and not key.required:
        off = Setting(key=key.name, value=None, place=place, inherited=inherited)
        return (off if key.none_acts else None), ()
    node = without_none(value) if key.inherited else value
    read = decoder(key).decode(file, node, name)
    if isinstance(read, Refused):
        return None, read.mistakes
    faults = key.faults(read, facts) if facts is not None else ()
    setting = Setting(key=key.name, value=read, place=place, inherited=inherited)
    return setting, tuple(_mistake(file, node, name, fault) for fault in faults)


def _mistake(file: str, node: Node, name: Scalar, fault: Fault) -> Mistake:
    found = spot(node, name, fault.path)
    where = found.node if isinstance(found.node, Scalar) else found.key or found.node
    return mistake_at(file, where, fault.message, fault.hint)
