"""A plan as a snapshot, resource by resource."""

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.compile.clusters import cluster, endpoints
from controlplane.compile.listener import ROUTES_NAME, listener
from controlplane.compile.options import Options
from controlplane.compile.routes import called, route_configuration
from controlplane.compile.services import (
    ROLES,
    Services,
    cluster_name,
    members,
    service_cluster,
    services,
)
from controlplane.plan.plan import Plan
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Reference,
    Resource,
    Snapshot,
    Subject,
    resource,
    snapshot,
)
from language.places import Place

LISTENER_NEEDS = (
    Reference(ROUTES, ROUTES_NAME),
    *(Reference(CLUSTER, cluster_name(role)) for role in ROLES),
)
"""The listener is constant: its table, and the services that its filters call."""

Provenance = dict[Subject, tuple[Place, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What Envoys get, what the services get, and the one map from both to lines."""

    snapshot: Snapshot
    services: Services
    provenance: Mapping[Subject, tuple[Place, ...]]


def compile_plan(plan: Plan, options: Options) -> Compiled:
    """Every resource of a plan, and the lines of their parts."""
    provenance: Provenance = {}
    made: list[Resource] = []
    for backend in plan.backends:
        name = backend.key.text
        found = endpoints(backend)
        needs = () if found is None else (Reference(ENDPOINTS, name),)
        one = resource(CLUSTER, name, cluster(backend, options), needs=needs)
        made.append(one)
        places = (backend.place, *(s.place for s in backend.settings))
        provenance[Subject(CLUSTER, name)] = places
        if found is not None:
            made.append(resource(ENDPOINTS, name, found, salt=one.version))
            provenance[Subject(ENDPOINTS, name)] = (backend.place,)
    served = services(plan)
    provenance.update(served.provenance)
    for role in ROLES:  # whoever publishes knows the members
        own = service_cluster(role)
        needs = (Reference(ENDPOINTS, own.name),)
        one = resource(CLUSTER, own.name, own, needs=needs)
        made += one, members(role, (), salt=one.version)
        callers = served.callers[role] or (plan.listen_place,)
        provenance[Subject(CLUSTER, own.name)] = callers
        provenance[Subject(ENDPOINTS, own.name)] = callers
    front = listener(plan, options)
    made.append(resource(LISTENER, front.name, front, needs=LISTENER_NEEDS))
    provenance[Subject(LISTENER, front.name)] = (plan.listen_place,)
    table, parts = route_configuration(ROUTES_NAME, plan)
    targets = [Reference(CLUSTER, name) for name in called(plan)]
    made.append(resource(ROUTES, ROUTES_NAME, table, needs=targets))
    provenance.update(parts)
    return Compiled(snapshot=snapshot(made), services=served, provenance=provenance)
