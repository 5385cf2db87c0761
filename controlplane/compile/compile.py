"""A plan as a snapshot, resource by resource."""

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.compile.clusters import NOWHERE, cluster, endpoints, nowhere
from controlplane.compile.listener import ROUTES_NAME, listener
from controlplane.compile.options import Options
from controlplane.compile.pages.names import DISPATCHER
from controlplane.compile.pages.scopes import fit, paged
from controlplane.compile.routes import called, route_configuration
from controlplane.compile.services import (
    ROLES,
    Services,
    cluster_name,
    members,
    service_cluster,
    services,
)
from controlplane.memo import Memo
from controlplane.model.addresses import Address
from controlplane.model.gateway import Backend
from controlplane.plan.plan import Plan
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    SCOPE,
    Reference,
    Resource,
    Snapshot,
    Subject,
    resource,
    serialized,
    snapshot,
)
from language.places import Place

SERVICES_NEEDED = tuple(Reference(CLUSTER, cluster_name(role)) for role in ROLES)
"""What the filters of the listener call."""

Provenance = dict[Subject, tuple[Place, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What Envoys get, what the services get, and the one map from both to lines."""

    snapshot: Snapshot
    services: Services
    provenance: Mapping[Subject, tuple[Place, ...]]


def compile_plan(plan: Plan, options: Options, memo: Memo) -> Compiled:
    """Every resource of a plan, and the lines of their parts; what did not change, of the memo."""
    provenance: Provenance = {}
    made: list[Resource] = []
    for backend in plan.backends:
        resources, parts = memo(_backend, backend, options.trust_store, options.resolvers)
        made += resources
        provenance.update(parts)
    served = services(plan, memo)
    provenance.update(served.provenance)
    for role in ROLES:  # whoever publishes knows the members
        own = service_cluster(role)
        needs = (Reference(ENDPOINTS, own.name),)
        one = resource(CLUSTER, own.name, own, needs=needs)
        made += one, members(role, (), salt=one.version)
        callers = served.callers[role] or (plan.listen_place,)
        provenance[Subject(CLUSTER, own.name)] = callers
        provenance[Subject(ENDPOINTS, own.name)] = callers
    in_pages = options.layout == "pages" or (options.layout == "auto" and fit(plan))
    if in_pages:
        routes, parts = paged(plan, memo)
        provenance.update(parts)
        first = Reference(SCOPE, DISPATCHER)
    else:
        table, lines = route_configuration(ROUTES_NAME, plan, memo)
        provenance.update(lines)
        targets = [Reference(CLUSTER, n) for n in called(e for h in plan.hosts for e in h.entries)]
        routes = [serialized(ROUTES, ROUTES_NAME, table, needs=targets)]
        first = Reference(ROUTES, ROUTES_NAME)
    made += routes
    front = listener(plan, options, paged=in_pages)
    made.append(resource(LISTENER, front.name, front, needs=(first, *SERVICES_NEEDED)))
    provenance[Subject(LISTENER, front.name)] = (plan.listen_place,)
    if any(Reference(CLUSTER, NOWHERE) in one.needs for one in routes):
        made.append(resource(CLUSTER, NOWHERE, nowhere()))
        provenance[Subject(CLUSTER, NOWHERE)] = (plan.listen_place,)
    return Compiled(snapshot=snapshot(made), services=served, provenance=provenance)


def _backend(
    backend: Backend, trust_store: str, resolvers: tuple[Address, ...]
) -> tuple[tuple[Resource, ...], Provenance]:
    """The cluster of a backend, with its endpoints where EDS serves them."""
    name = backend.key.text
    found = endpoints(backend)
    needs = () if found is None else (Reference(ENDPOINTS, name),)
    one = resource(CLUSTER, name, cluster(backend, trust_store, resolvers), needs=needs)
    provenance: Provenance = {
        Subject(CLUSTER, name): (backend.place, *(s.place for s in backend.settings))
    }
    if found is None:
        return (one,), provenance
    provenance[Subject(ENDPOINTS, name)] = (backend.place,)
    return (one, resource(ENDPOINTS, name, found, salt=one.version)), provenance
