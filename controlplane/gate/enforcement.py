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
from controlplane.gate.facts.facts import NOTHING_ENFORCED, Enforced, Facts, Written
from controlplane.gate.facts.reading import facts_of
from controlplane.gate.facts.route import alike, enforcements
from controlplane.gate.placement import Unsound
from controlplane.gate.ways import pages_of
from controlplane.plan.plan import (
    Entry,
    MethodNotAllowed,
    Plan,
    PlannedRoute,
    Preflight,
    VirtualHost,
)
from controlplane.snapshot import LISTENER, ROUTES, Snapshot, Subject
from language.paths import PathPattern
from policies import PREFLIGHTS
from policies.contract import Settings
from policies.cors.spec import KEY as CORS

KEPT = 16_384
"""How many hosts and settings are remembered: most of a plan is that of the one before."""

_OWN = frozenset({NO_HOST, NOT_FOUND})
_FORBIDDEN, _NOT_ALLOWED, _UNAVAILABLE = 403, 405, 503


def unenforced(snapshot: Snapshot, plan: Plan, kept: Collection[Subject] = ()) -> list[Unsound]:
    """Everything that a plan asks for and a sound snapshot of it lacks.

    `kept` are the parts that are not as the plan says (see `isolation`), as in one table: nothing
    is asked of them.
    """
    facts = {name: facts_of(one) for name, one in snapshot.of(ROUTES).items()}
    tables = {name: one for name, one in facts.items() if one is not None}
    left = frozenset(one.part for one in kept if one.type_url == ROUTES)
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
            found += _of_host(_Same(host), ways[host.name], its)
    if not any(one.type_url == LISTENER for one in kept):
        found += _hops(snapshot, plan)
    return list(dict.fromkeys(found))


class _Same:
    """Something large that is compared by identity: the same is the same."""

    __slots__ = ("it",)

    def __init__(self, it: object) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.it is other.it

    def __hash__(self) -> int:
        return id(self.it)


class _Way(NamedTuple):
    """A table that requests of a host come to, by how their paths begin."""

    table: str
    begins: str
    facts: _Same


def _ways(base: str, tables: Mapping[str, Facts]) -> Mapping[str, tuple[_Way, ...]]:
    """The tables of each virtual host: one, or those of its pages."""
    if base in tables:
        facts = tables[base]
        return {host: (_Way(base, "/", _Same(facts)),) for host in facts.takes}
    first = tables.get(layout.dispatcher(base))
    out: dict[str, list[_Way]] = defaultdict(list)
    for one in first.dispatches if first is not None else ():
        name = f"{base}/{one.page}"
        if name in tables:
            host = one.part.partition("/")[0]
            out[host].append(_Way(name, one.prefix, _Same(tables[name])))
    return {host: tuple(several) for host, several in out.items()}


@lru_cache(maxsize=KEPT)
def _of_host(one: _Same, ways: tuple[_Way, ...], left: frozenset[str]) -> tuple[Unsound, ...]:
    host, begins = one.it, alike(frozenset(way.begins for way in ways))
    assert isinstance(host, VirtualHost)  # noqa: S101 - what it was made of
    places: dict[str, list[Entry]] = defaultdict(list)
    for entry in host.entries:
        for page in pages_of(_path(entry), begins):
            places[page].append(entry)
    ranks = {entry.rule: rank for rank, entry in enumerate(host.entries)}
    expected = _Expected(host, ranks, left)
    return tuple(found for way in ways for found in _of_way(expected, way, places[way.begins]))


class _Expected(NamedTuple):
    """A virtual host with the place of each rule among all, and the parts that are as they were."""

    host: VirtualHost
    ranks: Mapping[str, int]
    left: frozenset[str]


def _of_way(expected: _Expected, way: _Way, entries: list[Entry]) -> Iterator[Unsound]:
    host, ranks, left = expected
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
            for words in _of_entry(entry, written.get(entry.rule, [])):
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


def _of_entry(entry: Entry, written: list[Written]) -> Iterator[str]:
    if not written:
        yield f"there is no route for '{_path(entry).text}': another would take its requests"
        return
    # beside what a page refuses of upgrades, which passes nobody
    served = [one for one in written if one.answers != _FORBIDDEN]
    alone = _answer(entry)
    if alone:
        if alone not in {one.answers for one in written} or any(
            one.answers != alone for one in served
        ):
            yield f"it is to answer {alone}"
        return
    if not served or any(one.answers for one in served):
        yield "an answer of the gateway stands in its place"
        return
    asked = _asked(entry)
    for one in served:
        if one.enforced != asked and not (one.preflight and _without_cors(entry, one, asked)):
            yield from _differences(asked, one.enforced)


def _answer(entry: Entry) -> int:
    """What the gateway itself answers in the place of an entry, 0 where it does not."""
    match entry:
        case MethodNotAllowed():
            return _NOT_ALLOWED
        case Preflight():
            return 0 if entry.route is not None else _FORBIDDEN
        case PlannedRoute():
            return _UNAVAILABLE if entry.held else 0


def _asked(entry: Entry) -> Enforced:
    """What an entry asks of its routes, in the words of the policies."""
    if isinstance(entry, MethodNotAllowed) or (isinstance(entry, Preflight) and not entry.route):
        return NOTHING_ENFORCED
    planned = entry if isinstance(entry, PlannedRoute) else entry.route
    assert planned is not None  # noqa: S101 - as was said above
    keys = enforcements().keys() if planned is entry else frozenset(PREFLIGHTS)
    words = {
        one.key: _words(one.key, _Same(one.value)) for one in planned.settings if one.key in keys
    }
    return {key: said for key, said in words.items() if said}


@lru_cache(maxsize=KEPT)
def _words(key: str, value: _Same) -> frozenset[str]:
    settings: Settings = value.it
    return alike(frozenset(enforcements()[key].asked(settings)))


def _without_cors(entry: Entry, one: Written, asked: Enforced) -> bool:
    """Whether a route is for preflights that the policy of its `cors` is not to answer."""
    rest = {key: words for key, words in asked.items() if key != CORS}
    return isinstance(entry, PlannedRoute) and entry.unanswered and one.enforced == rest


def _differences(asked: Enforced, found: Enforced) -> Iterator[str]:
    for key in sorted({*asked, *found}):
        wanted, does = asked.get(key, frozenset()), found.get(key, frozenset())
        if wanted - does:
            yield f"its '{key}' is lost: it is to {min(wanted - does)}"
        elif does - wanted:
            yield f"its '{key}' is another: it is not to {min(does - wanted)}"


def _path(entry: Entry) -> PathPattern:
    return entry.route.path if isinstance(entry, PlannedRoute) else entry.path


def _hops(snapshot: Snapshot, plan: Plan) -> Iterator[Unsound]:
    """Whom a listener believes who a client is."""
    for name, one in snapshot.of(LISTENER).items():
        facts = facts_of(one)
        for chain in facts.chains if facts is not None else ():
            if chain.hops != plan.listen.trusted_hops:
                words = f"it trusts {chain.hops} proxies, and is to trust"
                words = f"{words} {plan.listen.trusted_hops}"
                yield Unsound(subject=Subject(LISTENER, name), words=words)
