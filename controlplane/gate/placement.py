"""Whether the tables of a snapshot fit together: each page has its scope, its hosts, its way in."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controlplane import layout
from controlplane.gate.facts.facts import Dispatch, Facts
from controlplane.snapshot import LISTENER, ROUTES, SCOPE, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsound:
    """A part of a snapshot that would be served wrong, and why."""

    subject: Subject
    words: str


Read = Mapping[tuple[str, str], Facts]
"""What each resource of a snapshot says, by its type and name."""


def misplaced(read: Read) -> Iterator[Unsound]:
    """Say what is in no place where a request finds it, or in that of another."""
    for (kind, name), facts in read.items():
        if kind == SCOPE:
            yield from _scope(name, facts)
        elif kind == LISTENER:
            for table in (t for chain in facts.chains for t in chain.tables):
                if layout.page(table):
                    words = "it names a page, and not what chooses pages"
                    yield Unsound(subject=Subject(LISTENER, name), words=words)
        elif kind == ROUTES and layout.dispatches(name):
            yield from _pages(name, facts.dispatches, read)


def _scope(name: str, facts: Facts) -> Iterator[Unsound]:
    """A scope is called as its key is, and leads to the table of that name."""
    subject = Subject(SCOPE, name)
    if facts.fragments == 1 and facts.keys != (name,):
        yield Unsound(subject=subject, words=f"it is found as '{facts.keys[0]}'")
    tables = [one.reference.name for one in facts.named]
    if tables and any(layout.page(table) != name for table in tables):
        yield Unsound(subject=subject, words="it leads to the table of another scope")


def _pages(name: str, dispatches: tuple[Dispatch, ...], read: Read) -> Iterator[Unsound]:
    ways: dict[str, list[Dispatch]] = defaultdict(list)
    for one in dispatches:
        ways[f"{layout.base(name)}/{one.page}"].append(one)
    for table, several in ways.items():
        facts = read.get((ROUTES, table))
        if facts is None:
            continue  # its scope says that there is none
        for one in several:
            if one.domains != facts.domains:
                words = "it chooses a page of other hosts"
                yield Unsound(subject=Subject(ROUTES, name, one.part), words=words)
        yield from _upgrades(table, facts, several)
    mine = (table for kind, table in read if kind == ROUTES and layout.dispatcher(table) == name)
    for table in mine:
        if table not in ways and not layout.dispatches(table):
            yield Unsound(subject=Subject(ROUTES, table), words="no request comes to the page")


def _upgrades(table: str, facts: Facts, ways: list[Dispatch]) -> Iterator[Unsound]:
    """A page takes what its way in does; what else it says of upgrades has no effect."""
    taken = frozenset.intersection(*(one.upgrades for one in ways))
    for part, upgrade in facts.upgrades:
        if upgrade not in taken:
            words = f"the dispatcher lets no '{upgrade}' in"
            yield Unsound(subject=Subject(ROUTES, table, part), words=words)
