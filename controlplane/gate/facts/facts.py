"""The facts of one resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from controlplane.snapshot import NOTHING, Reference


class Wrong(NamedTuple):
    """What is wrong with a part of a resource, by itself; an empty part is the whole."""

    part: str
    words: str


class Named(NamedTuple):
    """A resource that a part of another names."""

    part: str
    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A connection manager: the tables that it names, and its HTTP filters by name, to their type.

    The type of a filter is empty where an extension config brings it. `fragments` is how many
    parts a scope's key has, None where a table is named and no scopes.
    """

    tables: tuple[str, ...]
    filters: Mapping[str, str]
    fragments: int | None = None


class Dispatch(NamedTuple):
    """A page as the dispatcher says it: the part that does, for whom, and if upgrades get there."""

    part: str
    page: str
    domains: frozenset[str]
    upgrades: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one resource says; `name` is what the message calls itself.

    `settings` are the parts of a table that set something for an HTTP filter, by its name and the
    type of what is set. `hosts` are the virtual hosts of which there are several with one name.
    `references` are all of `named`. `fragments` is how many parts a scope's key has, `keys` are
    they. Of a table, `domains` are those of all its hosts, `dispatches` the pages that it is there
    to choose, and `upgrades` its parts that take some, each with what it takes.
    """

    name: str
    wrong: tuple[Wrong, ...] = ()
    named: tuple[Named, ...] = ()
    references: frozenset[Reference] = NOTHING
    settings: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    chains: tuple[Chain, ...] = ()
    addresses: tuple[str, ...] = ()
    fragments: int = 0
    hosts: tuple[str, ...] = ()
    domains: frozenset[str] = frozenset()
    dispatches: tuple[Dispatch, ...] = ()
    upgrades: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()
