"""A snapshot taken apart, so that Envoy can be asked about some of it.

A proof of a part replaces what was left out by a harmless stand-in of the same name: a part is then
refused for what it holds and never for what it lacks.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane import layout
from controlplane.gate.part import DanglingResourceError, Part, endpoints_of
from controlplane.prover.readers import tables_of
from controlplane.prover.strip import without_files
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Resource,
    Snapshot,
    Subject,
)

TYPES = (CLUSTER, ENDPOINTS, LISTENER, ROUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A snapshot's messages, parsed once; `units` is what a refusal can be narrowed down to.

    `others` are its resources of other types, which are units as they are, and last. `copies` says
    of a part that stands in several tables which of them is the unit: all are taken with it.
    """

    clusters: tuple[Cluster, ...]
    endpoints: Mapping[str, ClusterLoadAssignment]
    listeners: tuple[Listener, ...]
    tables: tuple[RouteConfiguration, ...]
    others: tuple[Resource, ...]
    units: tuple[Subject, ...]
    copies: Mapping[Subject, Subject]

    def whole(self) -> bytes:
        """Prove everything; a serialized `Bootstrap`."""
        return self.of(self.units)

    def of(self, chosen: Iterable[Subject]) -> bytes:
        """Prove some units, all others replaced by stand-ins; a serialized `Bootstrap`."""
        return self.part(chosen).bootstrap()

    def part(self, chosen: Iterable[Subject]) -> Part:
        """Take some units, with stand-ins for all others."""
        wanted = frozenset(chosen)
        taken = {one.name for one in self.clusters if Subject(CLUSTER, one.name) in wanted}
        used = {endpoints_of(one) for one in self.clusters if one.name in taken}
        return Part(
            clusters=tuple(
                one if one.name in taken else _no_cluster(one.name) for one in self.clusters
            ),
            endpoints={name: one for name, one in self.endpoints.items() if name in used},
            listeners=tuple(one for one in self.listeners if Subject(LISTENER, one.name) in wanted),
            tables={table.name: self._part_of(table, wanted) for table in self.tables},
            others=tuple(one for one in self.others if Subject(one.type_url, one.name) in wanted),
        )

    def unit(self, subject: Subject) -> Subject:
        """The unit that a part is, or is a copy of."""
        return self.copies.get(subject, subject)

    def _part_of(
        self, table: RouteConfiguration, wanted: Collection[Subject]
    ) -> RouteConfiguration:
        """Take the chosen hosts and routes of a table; each cluster that they name must exist."""
        part = RouteConfiguration(name=table.name)
        whole = Subject(ROUTES, table.name)
        if whole in wanted:
            part.CopyFrom(table)
            part.ClearField("virtual_hosts")
        part.validate_clusters.value = True
        for number, host in enumerate(table.virtual_hosts):
            routes = [
                route
                for route in host.routes
                if self.unit(whole._replace(part=f"{host.name}/{route.name}")) in wanted
            ]
            if self.unit(whole._replace(part=host.name)) in wanted:
                chosen = part.virtual_hosts.add()
                chosen.CopyFrom(host)
                chosen.ClearField("routes")
                chosen.routes.extend(routes)
            elif routes:
                name, domain = f"host-{number}", f"{number}.invalid"
                part.virtual_hosts.append(VirtualHost(name=name, domains=[domain], routes=routes))
        return part


def proof(snapshot: Snapshot) -> Proof:
    """Parse a snapshot. Raises DanglingResourceError if it names a resource that it lacks."""
    endpoints = {
        name: ClusterLoadAssignment.FromString(r.body) for name, r in snapshot.of(ENDPOINTS).items()
    }
    clusters = tuple(Cluster.FromString(r.body) for r in snapshot.of(CLUSTER).values())
    for cluster in clusters:
        without_files(cluster)
        name = endpoints_of(cluster)
        if name and name not in endpoints:
            raise DanglingResourceError(ENDPOINTS, name)
    listeners = tuple(Listener.FromString(r.body) for r in snapshot.of(LISTENER).values())
    tables = tuple(RouteConfiguration.FromString(r.body) for r in snapshot.of(ROUTES).values())
    known = {table.name for table in tables}
    for listener in listeners:
        for name in tables_of(listener):
            if name not in known:
                raise DanglingResourceError(ROUTES, name)
    others = tuple(
        one
        for type_url, group in snapshot.resources.items()
        if type_url not in TYPES
        for one in group.values()
    )
    units, copies = _units(clusters, tables, listeners)
    return Proof(
        clusters=clusters,
        endpoints=endpoints,
        listeners=listeners,
        tables=tables,
        others=others,
        units=(
            *units,
            *(Subject(one.type_url, one.name) for one in others),
        ),
        copies=copies,
    )


def _units(
    clusters: tuple[Cluster, ...],
    tables: tuple[RouteConfiguration, ...],
    listeners: tuple[Listener, ...],
) -> tuple[tuple[Subject, ...], dict[Subject, Subject]]:
    """Lowest first, so that the shortest refused prefix ends at a host only if no route is bad.

    With them come the copies: of pages, the first that has a part stands for all.
    """
    found = [Subject(CLUSTER, cluster.name) for cluster in clusters]
    first: dict[tuple[str, str], Subject] = {}
    copies: dict[Subject, Subject] = {}
    for table in tables:
        whole = Subject(ROUTES, table.name)
        found.append(whole)
        base = table.name if layout.dispatches(table.name) else layout.base(table.name)
        for part in _parts(table):
            subject = whole._replace(part=part)
            unit = first.setdefault((base, part), subject)
            if unit != subject:
                copies[subject] = unit
            found.append(unit)
    found += [Subject(LISTENER, listener.name) for listener in listeners]
    return tuple(dict.fromkeys(found)), copies


def _parts(table: RouteConfiguration) -> Iterator[str]:
    hosts = table.virtual_hosts
    yield from (host.name for host in hosts)
    yield from (f"{host.name}/{route.name}" for host in hosts for route in host.routes)


def _no_cluster(name: str) -> Cluster:
    return Cluster(
        name=name,
        type=Cluster.STATIC,
        load_assignment=ClusterLoadAssignment(cluster_name=name),
    )
