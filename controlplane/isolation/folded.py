"""The pages of a layout read as the one table that says the same, in the order of the plan.

So a part is judged, replaced and looked up in one way, whatever layout it is in or was in: the
copies of a rule are one, and what only pages need is not there.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf.message import DecodeError

from controlplane import layout
from controlplane.compile.standing import NO_HOST
from controlplane.isolation.closed import is_closed
from controlplane.isolation.paging import Page, bare, pages_of
from controlplane.plan.plan import Plan
from controlplane.snapshot import ROUTES, Snapshot, Subject
from language.places import Place

Tables = Mapping[str, RouteConfiguration]
Provenance = Mapping[Subject, tuple[Place, ...]]
Ranks = Mapping[tuple[str, str], int]
"""Where a rule stands in the plan, by its virtual host and itself."""

Run = tuple[str, int]
"""Routes of one rule that follow each other: the rule, and how often it came before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """`written` are the tables as they are, `tables` as they read, by what they would be called.

    `pages` are those of each of `tables` that is in pages, by the names of theirs.
    """

    written: Tables
    tables: Tables
    pages: Mapping[str, Mapping[str, Page]]

    def read(self, subject: Subject) -> Subject:
        """Say where the part of a table is read; a part of a dispatcher is read nowhere."""
        base = layout.base(subject.name)
        return subject._replace(name=base) if subject.name in self.pages.get(base, {}) else subject

    def lines(self, known: Provenance) -> Provenance:
        """Give the lines of parts where they are read, too."""
        if not self.pages:
            return known
        out = dict(known)
        for subject, places in known.items():
            if subject.type_url == ROUTES:
                out.setdefault(self.read(subject), places)
        return out


def fold(held: Snapshot | None, plan: Plan | None = None) -> Folded | None:
    """Read the tables; None where nobody can. `plan` is theirs, None where it is not known."""
    group = {} if held is None else held.of(ROUTES)
    try:
        written = {name: RouteConfiguration.FromString(r.body) for name, r in group.items()}
    except DecodeError:
        return None
    tables = {name: table for name, table in written.items() if not layout.page(name)}
    bases = {layout.base(name) for name in written if layout.page(name)}
    if tables.keys() & bases:
        return None  # one would be read as the other
    ranks = _ranks(plan)
    pages = {base: _pages(base, written) for base in bases}
    for base, found in pages.items():
        first = written.get(layout.dispatcher(base), RouteConfiguration())
        tables[base] = _table(base, found.values(), first, ranks)
    return Folded(written=written, tables=tables, pages=pages)


def _pages(base: str, written: Tables) -> dict[str, Page]:
    mine = [name for name in written if layout.page(name) and layout.base(name) == base]
    tables = {layout.page(n): written[n] for n in mine if not layout.dispatches(n)}
    first = written.get(layout.dispatcher(base), RouteConfiguration())
    return {f"{base}/{name}": page for name, page in pages_of(first, tables).items()}


def _ranks(plan: Plan | None) -> Ranks:
    hosts = () if plan is None else plan.hosts
    return {(h.name, one.rule): at for h in hosts for at, one in enumerate(h.entries)}


def _table(
    base: str, pages: Iterable[Page], dispatcher: RouteConfiguration, ranks: Ranks
) -> RouteConfiguration:
    out = RouteConfiguration(name=base)
    parts: dict[str, list[tuple[Page, pb.VirtualHost]]] = defaultdict(list)
    for page in pages:
        for host in page.table.virtual_hosts:
            parts[host.name].append((page, host))
    refusals = _refusals(dispatcher)
    for name, found in parts.items():
        host = out.virtual_hosts.add()
        host.CopyFrom(found[0][1])
        del host.routes[:]
        runs: dict[Run, list[pb.Route]] = {}
        orders = []
        for page, part in found:
            mine = _runs(page, part.routes)
            orders.append(list(mine))
            runs = {**mine, **runs}
        places = {run: (ranks.get((name, run[0]), len(ranks)), at) for at, run in enumerate(runs)}
        if not all(map(is_closed, runs.values())):  # which asks nobody who it is
            host.routes.extend(refusals[d] for d in host.domains[:1] if d in refusals)
        for run in _merged(orders, places):
            host.routes.extend(runs[run])
    return out


def _refusals(dispatcher: RouteConfiguration) -> Mapping[str, pb.Route]:
    """What refuses what is no host, by domain: in pages, the dispatcher does that."""
    found = ((host, one) for host in dispatcher.virtual_hosts for one in host.routes)
    return {d: bare(one) for host, one in found if one.name == NO_HOST for d in host.domains}


def _runs(page: Page, routes: Iterable[pb.Route]) -> dict[Run, list[pb.Route]]:
    out: dict[Run, list[pb.Route]] = {}
    times: dict[str, int] = {}
    last = None
    for route in routes:
        if route.name != last:
            times[route.name] = times.get(route.name, -1) + 1
            last = route.name
        out.setdefault((route.name, times[route.name]), []).append(route)
    plain = {run: page.plain(found) for run, found in out.items()}
    return {run: found for run, found in plain.items() if found}


def _merged(orders: list[list[Run]], places: Mapping[Run, tuple[int, int]]) -> Iterator[Run]:
    """One order that all pages agree with: of what is free, what is first in the plan.

    That is the plan's own order. Where pages contradict each other, the plan decides alone.
    """
    after: dict[Run, set[Run]] = defaultdict(set)
    before: dict[Run, int] = dict.fromkeys(places, 0)
    for order in orders:
        for one, other in pairwise(order):
            if other not in after[one]:
                after[one].add(other)
                before[other] += 1
    free = [(places[run], run) for run, count in before.items() if not count]
    heapq.heapify(free)
    left = dict(places)
    while left:
        run = heapq.heappop(free)[1] if free else min(left, key=lambda one: left[one])
        if left.pop(run, None) is None:
            continue
        yield run
        for other in after[run]:
            before[other] -= 1
            if not before[other]:
                heapq.heappush(free, (places[other], other))
