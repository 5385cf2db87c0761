"""What a plan asks of each route that a snapshot does not have it do: taken out, lost, or moved.

Expected is what the plan and the policies' folders say, never what the compiler made of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from controlplane import layout
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.compile.standing import NO_HOST
from controlplane.compile.targets import STREAMING
from controlplane.gate.entries import of_entry, path_of
from controlplane.gate.facts.facts import Facts, Written
from controlplane.gate.facts.reading import facts_of
from controlplane.gate.facts.route import alike
from controlplane.gate.placement import Unsound
from controlplane.gate.same import Same
from controlplane.gate.ways import pages_of
from controlplane.plan.plan import Entry, Plan, VirtualHost
from controlplane.snapshot import LISTENER, ROUTES, Snapshot, Subject

KEPT = 16_384
"""How many hosts are remembered: most of a plan is that of the one before."""

_OWN = frozenset({NO_HOST, NOT_FOUND})


def unenforced(snapshot: Snapshot, plan: Plan, kept: Collection[Subject] = ()) -> list[Unsound]:
    """Everything that a plan asks for and a sound snapshot of it lacks.

    `kept` are the parts that are not as the plan says (see `isolation`), as in one table: nothing
    is asked of them.
    """
    facts = {name: facts_of(one) for name, one in snapshot.of(ROUTES).items()}
    tables = {name: one for name, one in facts.items() if one is not None}
    left = frozenset(one.part for one in kept if one.type_url == ROUTES)
    streaming = frozenset(one.key.text for one in plan.backends if one.protocol in STREAMING)
    found: list[Unsound] = []
    for base in sorted({layout.base(name) for name in tables}):
        ways = _ways(base, tables)
        for host in plan.hosts:
            if host.name in left:
                continue
            its = frozenset(one for one in left if one.startswith(f"{host.name}/"))
            if host.name not in ways:
                first = layout.dispatcher(base)
                name = first if first in tables else base
                words = f"there is nothing for the host '{host.domains[0]}'"
                found.append(Unsound(subject=Subject(ROUTES, name), words=words))
                continue
            found += _of_host(Same(host), ways[host.name], its, streaming)
    if not any(one.type_url == LISTENER for one in kept):
        found += _hops(snapshot, plan)
    return list(dict.fromkeys(found))


class _Way(NamedTuple):
    """A table that requests of a host come to, by how their paths begin.

    `upgrades` are those that get there whichever route is meant: in one table there are none.
    """

    table: str
    begins: str
    facts: Same
    upgrades: frozenset[str] = frozenset()


def _ways(base: str, tables: Mapping[str, Facts]) -> Mapping[str, tuple[_Way, ...]]:
    """The tables of each virtual host: one, or those of its pages."""
    if base in tables:
        facts = tables[base]
        return {host: (_Way(base, "/", Same(facts)),) for host in facts.takes}
    first = tables.get(layout.dispatcher(base))
    out: dict[str, list[_Way]] = defaultdict(list)
    for one in first.dispatches if first is not None else ():
        name = f"{base}/{one.page}"
        if name in tables:
            host = one.part.partition("/")[0]
            out[host].append(_Way(name, one.prefix, Same(tables[name]), one.upgrades))
    return {host: tuple(several) for host, several in out.items()}


@lru_cache(maxsize=KEPT)
def _of_host(
    one: Same, ways: tuple[_Way, ...], left: frozenset[str], streaming: frozenset[str]
) -> tuple[Unsound, ...]:
    host, begins = one.it, alike(frozenset(way.begins for way in ways))
    assert isinstance(host, VirtualHost)  # noqa: S101 - what it was made of
    places: dict[str, list[Entry]] = defaultdict(list)
    for entry in host.entries:
        for page in pages_of(path_of(entry), begins):
            places[page].append(entry)
    ranks = {entry.rule: rank for rank, entry in enumerate(host.entries)}
    expected = _Expected(host, ranks, left, streaming)
    return tuple(found for way in ways for found in _of_way(expected, way, places[way.begins]))


class _Expected(NamedTuple):
    """A virtual host with the place of each rule among all, and the parts that are as they were.

    `streaming` are the backends to which bodies are streams.
    """

    host: VirtualHost
    ranks: Mapping[str, int]
    left: frozenset[str]
    streaming: frozenset[str]


def _of_way(expected: _Expected, way: _Way, entries: list[Entry]) -> Iterator[Unsound]:
    host, ranks, left, streaming = expected
    facts = way.facts.it
    assert isinstance(facts, Facts)  # noqa: S101 - what it was made of
    if not left and facts.takes.get(host.name) != frozenset(host.domains):
        words = "it is for other hosts than its files say"
        yield Unsound(subject=Subject(ROUTES, way.table, host.name), words=words)
    written: dict[str, list[Written]] = defaultdict(list)
    for route in facts.written:
        if route.host == host.name:
            written[route.rule].append(route)
    for entry in entries:
        part = f"{host.name}/{entry.rule}"
        if part not in left:
            its = written.get(entry.rule, [])
            for words in of_entry(entry, its, way.upgrades, streaming):
                yield Unsound(subject=Subject(ROUTES, way.table, part), words=words)
    if not left:  # what is kept stands where it stood
        yield from _disordered(host.name, ranks, way.table, facts)


def _disordered(host: str, ranks: Mapping[str, int], table: str, facts: Facts) -> Iterator[Unsound]:
    """What stands before what is to be tried first, and what no line asks for."""
    rules = [one.rule for one in facts.written if one.host == host and one.rule not in _OWN]
    for rule in dict.fromkeys(rules):
        if rule not in ranks:
            words = f"no line asks for its route '{rule}'"
            yield Unsound(subject=Subject(ROUTES, table, host), words=words)
    for before, after in pairwise(one for one in rules if one in ranks):
        if ranks[before] > ranks[after]:
            words = f"its route '{before}' stands before '{after}', and is to be tried after it"
            yield Unsound(subject=Subject(ROUTES, table, host), words=words)


def _hops(snapshot: Snapshot, plan: Plan) -> Iterator[Unsound]:
    """Whom a listener believes who a client is."""
    for name, one in snapshot.of(LISTENER).items():
        facts = facts_of(one)
        for chain in facts.chains if facts is not None else ():
            if chain.hops != plan.listen.trusted_hops:
                words = f"it trusts {chain.hops} proxies, and is to trust"
                words = f"{words} {plan.listen.trusted_hops}"
                yield Unsound(subject=Subject(LISTENER, name), words=words)
