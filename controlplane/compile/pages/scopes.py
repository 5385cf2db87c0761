"""All scopes and tables of a listener whose routes stand in pages."""

from dataclasses import dataclass

from controlplane.compile.clusters import NOWHERE
from controlplane.compile.pages.dispatcher import (
    ANY_HOST,
    TABLE,
    dispatched,
    dispatcher,
    lines_of,
)
from controlplane.compile.pages.names import DISPATCHER, NOT_FOUND
from controlplane.compile.pages.page import page, scope
from controlplane.compile.pages.region import regions
from controlplane.compile.targets import Targets, targets_of
from controlplane.memo import Memo
from controlplane.plan.plan import Plan, VirtualHost
from controlplane.snapshot import (
    CLUSTER,
    ROUTES,
    SCOPE,
    Reference,
    Resource,
    Subject,
    serialized,
)
from language.places import Place

ROUTES_IN_PAGES = 1_000
"""From how many entries a listener's routes stand in pages: one table of as many costs 1.8."""

Provenance = dict[Subject, tuple[Place, ...]]


def fit(plan: Plan) -> bool:
    """Whether a plan has so many routes that pages are worth their second look."""
    return sum(len(host.entries) for host in plan.hosts) >= ROUTES_IN_PAGES


def paged(plan: Plan, memo: Memo) -> tuple[list[Resource], Provenance]:
    """The resources, and the lines of them and their parts."""
    targets = targets_of(plan, memo)
    hosts = [memo(_of_host, host, targets, memo) for host in plan.hosts]
    needs = [Reference(SCOPE, name) for one in hosts for name in one.pages]
    complete = any(ANY_HOST in host.domains for host in plan.hosts)
    table = dispatcher((one.dispatched for one in hosts), complete=complete)
    made = [
        scope(DISPATCHER),
        serialized(ROUTES, TABLE, table, needs=[*needs, Reference(CLUSTER, NOWHERE)]),
        *(resource for one in hosts for resource in one.resources),
    ]
    places = tuple(place for host in plan.hosts for place in host.places)
    provenance: Provenance = {
        Subject(SCOPE, DISPATCHER): places,
        Subject(ROUTES, TABLE): places,
    }
    if not complete:
        provenance[Subject(ROUTES, TABLE, NOT_FOUND)] = places
        provenance[Subject(ROUTES, TABLE, f"{NOT_FOUND}/{NOT_FOUND}")] = places
    for one in hosts:
        provenance.update(one.provenance)
    return made, provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfHost:
    pages: tuple[str, ...]
    resources: tuple[Resource, ...]
    dispatched: bytes
    provenance: Provenance


def _of_host(host: VirtualHost, targets: Targets, memo: Memo) -> _OfHost:
    pages = [page(host, region, targets, memo) for region in regions(host.entries)]
    provenance = dict(lines_of(host, pages))
    for one in pages:
        provenance.update(one.provenance)
    return _OfHost(
        pages=tuple(one.name for one in pages),
        resources=tuple(resource for one in pages for resource in one.resources),
        dispatched=dispatched(host, pages),
        provenance=provenance,
    )
