"""The facts of one resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

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
    parts a scope's key has, None where a table is named and no scopes. `hops` are the proxies
    before it that are believed who a client is.
    """

    tables: tuple[str, ...]
    filters: Mapping[str, str]
    fragments: int | None = None
    hops: int = 0


Enforced: TypeAlias = Mapping[str, frozenset[str]]
"""What a route does for keys of guards, each in the words of its policy's `enforced`."""

NOTHING_ENFORCED: Enforced = MappingProxyType({})


class Dispatch(NamedTuple):
    """A page as the dispatcher says it.

    The part that does, for which domains, the upgrades that get there, how its paths begin.
    """

    part: str
    page: str
    domains: frozenset[str]
    upgrades: frozenset[str]
    prefix: str


class Written(NamedTuple):
    """A route of a table: its virtual host, its rule, what it answers itself (see `Route`).

    One that `bars` keeps upgrades from the next, which is `barred`; preflights do not get to one
    that is `spared`, as another of its rule takes them. `held` is up to how many bytes bodies are
    held back until they are whole, 0 where they are not.
    """

    host: str
    rule: str
    answers: int
    preflight: bool
    enforced: Enforced
    bars: bool
    barred: bool
    spared: bool
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one resource says; `name` is what the message calls itself.

    `settings` are the parts of a table that set something for an HTTP filter, by its name and the
    type of what is set. `hosts` are the virtual hosts of which there are several with one name.
    `references` are all of `named`. `fragments` is how many parts a scope's key has, `keys` are
    they. Of a table, `domains` are those of all its hosts, `dispatches` the pages that it is there
    to choose, and `upgrades` its parts that take some, each with what it takes; `written` are all
    its routes in their order, `takes` are the domains of each virtual host.
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
    written: tuple[Written, ...] = ()
    takes: Mapping[str, frozenset[str]] = field(default_factory=dict)
