"""The clusters that routes go to."""

from collections.abc import Iterable, Iterator, Mapping

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.snapshot import CLUSTER, Reference


def targets(routes: Iterable[pb.Route]) -> frozenset[str]:
    """All that some of the routes names: alone, by weight, or as a mirror."""
    return frozenset(name for route in routes for name in _targets(route))


def repointed(routes: Iterable[pb.Route], names: Mapping[str, str]) -> tuple[pb.Route, ...]:
    """Copies of routes that name clusters by their new names; who has none keeps its own."""
    return tuple(_repointed(route, names) for route in routes)


def needs(table: RouteConfiguration) -> frozenset[Reference]:
    """What a table needs, as `Resource.needs` says it."""
    routes = (route for host in table.virtual_hosts for route in host.routes)
    return frozenset(Reference(CLUSTER, name) for name in targets(routes))


def _targets(route: pb.Route) -> Iterator[str]:
    if not route.HasField("route"):
        return
    action = route.route
    if action.HasField("cluster"):
        yield action.cluster
    if action.HasField("weighted_clusters"):
        yield from (one.name for one in action.weighted_clusters.clusters)
    yield from (one.cluster for one in action.request_mirror_policies)


def _repointed(route: pb.Route, names: Mapping[str, str]) -> pb.Route:
    out = pb.Route()
    out.CopyFrom(route)
    if not out.HasField("route"):
        return out
    action = out.route
    if action.HasField("cluster"):
        action.cluster = names.get(action.cluster, action.cluster)
    if action.HasField("weighted_clusters"):
        for one in action.weighted_clusters.clusters:
            one.name = names.get(one.name, one.name)
    for mirror in action.request_mirror_policies:
        mirror.cluster = names.get(mirror.cluster, mirror.cluster)
    return out
