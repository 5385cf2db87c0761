"""A plan as a snapshot, resource by resource."""

from collections.abc import Mapping

from controlplane.compile.clusters import cluster, endpoints
from controlplane.compile.listener import ROUTES_NAME, listener
from controlplane.compile.options import Options
from controlplane.compile.routes import route_configuration
from controlplane.plan.plan import Plan
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Resource,
    Snapshot,
    Subject,
    resource,
    snapshot,
)
from language.places import Place

Provenance = dict[Subject, tuple[Place, ...]]


def compile_plan(
    plan: Plan, options: Options
) -> tuple[Snapshot, Mapping[Subject, tuple[Place, ...]]]:
    """Every resource of a plan, and the one map from their parts to lines."""
    provenance: Provenance = {}
    made: list[Resource] = []
    for backend in plan.backends:
        name = backend.key.text
        one = resource(CLUSTER, name, cluster(backend, options))
        made.append(one)
        places = (backend.place, *(s.place for s in backend.settings))
        provenance[Subject(CLUSTER, name)] = places
        members = endpoints(backend)
        if members is not None:
            made.append(resource(ENDPOINTS, name, members, salt=one.version))
            provenance[Subject(ENDPOINTS, name)] = (backend.place,)
    front = listener(plan, options)
    made.append(resource(LISTENER, front.name, front))
    provenance[Subject(LISTENER, front.name)] = (plan.listen_place,)
    table, parts = route_configuration(ROUTES_NAME, plan)
    made.append(resource(ROUTES, ROUTES_NAME, table))
    provenance.update(parts)
    return snapshot(made), provenance
