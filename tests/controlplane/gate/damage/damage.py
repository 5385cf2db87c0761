"""Damage to a compiled snapshot: what a bug of ours would send."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from google.protobuf.message import Message

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
from tests.controlplane.gate.damage.example import TABLE, front
from tests.controlplane.gate.damage.layouts import Laid, chosen_by, written

Apply: TypeAlias = Callable[[Snapshot], Snapshot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One kind: `blamed` is the part whose line must be shown, as in the plain table.

    `first`: of tables it is that which requests meet first; else the first with `within`, a part,
    or with what is blamed. `plain_alone` says why it cannot be in pages, empty where it can.
    """

    name: str
    apply: Apply
    blamed: Subject
    first: bool = False
    within: str = ""
    plain_alone: str = ""

    def blames(self, laid: Laid) -> Subject:
        """The part that is to blame in a layout."""
        if self.blamed.type_url != ROUTES or self.blamed.name != TABLE:
            return self.blamed
        if self.first:
            return chosen_by(laid.snapshot, self.blamed.part)
        return written(self.within or self.blamed.part, laid.snapshot)._replace(
            part=self.blamed.part
        )


def resources(whole: Snapshot) -> Iterator[Resource]:
    """Every resource of a snapshot."""
    for group in whole.resources.values():
        yield from group.values()


def replaced(
    whole: Snapshot, type_url: str, name: str, by: Callable[[Resource], Resource]
) -> Snapshot:
    """The snapshot with one resource in another's place."""
    assert name in whole.of(type_url)
    return snapshot(
        by(one) if (one.type_url, one.name) == (type_url, name) else one for one in resources(whole)
    )


def without(whole: Snapshot, type_url: str, name: str) -> Snapshot:
    """The snapshot that lacks a resource."""
    assert name in whole.of(type_url)
    return snapshot(one for one in resources(whole) if (one.type_url, one.name) != (type_url, name))


def beside(whole: Snapshot, *more: Resource) -> Snapshot:
    """The snapshot with more resources."""
    return snapshot((*resources(whole), *more))


def _changed(type_url: str, name: str, message: Message, change: Callable[[], None]) -> Apply:
    def apply(whole: Snapshot) -> Snapshot:
        def by(one: Resource) -> Resource:
            message.ParseFromString(one.body)
            change()
            assert message.SerializeToString(deterministic=True) != one.body, "nothing was damaged"
            return resource(type_url, name, message, needs=one.needs)

        return replaced(whole, type_url, name, by)

    return apply


def in_cluster(name: str, change: Callable[[Cluster], object]) -> Apply:
    """Change a cluster."""
    message = Cluster()
    return _changed(CLUSTER, name, message, lambda: _do(change(message)))


def in_endpoints(name: str, change: Callable[[ClusterLoadAssignment], object]) -> Apply:
    """Change the endpoints of a cluster."""
    message = ClusterLoadAssignment()
    return _changed(ENDPOINTS, name, message, lambda: _do(change(message)))


def in_listener(change: Callable[[Listener], object]) -> Apply:
    """Change the listener."""
    message = Listener()

    def apply(whole: Snapshot) -> Snapshot:
        changed = _changed(LISTENER, front(whole), message, lambda: _do(change(message)))
        return changed(whole)

    return apply


def in_manager(change: Callable[[hcm_pb2.HttpConnectionManager], object]) -> Apply:
    """Change the listener's connection manager."""

    def inner(listener: Listener) -> None:
        packed = listener.filter_chains[0].filters[0].typed_config
        manager = hcm_pb2.HttpConnectionManager.FromString(packed.value)
        change(manager)
        packed.Pack(manager, deterministic=True)

    return in_listener(inner)


def in_table(change: Callable[[RouteConfiguration], object], part: str = "") -> Apply:
    """Change the table, in pages the first that has a part."""
    return lambda whole: _in(written(part, whole), change)(whole)


def in_first_table(change: Callable[[RouteConfiguration], object]) -> Apply:
    """Change the table that requests meet first: it has all hosts."""
    return lambda whole: _in(chosen_by(whole), change)(whole)


def _in(table: Subject, change: Callable[[RouteConfiguration], object]) -> Apply:
    message = RouteConfiguration()
    return _changed(ROUTES, table.name, message, lambda: _do(change(message)))


def in_host(of: Subject, change: Callable[[pb.VirtualHost], object]) -> Apply:
    """Change a virtual host."""
    return in_table(_at_host(of, change), of.part)


def in_first_host(of: Subject, change: Callable[[pb.VirtualHost], object]) -> Apply:
    """Change a virtual host where requests meet it first."""
    return in_first_table(_at_host(of, change))


def _at_host(
    of: Subject, change: Callable[[pb.VirtualHost], object]
) -> Callable[[RouteConfiguration], None]:
    name = of.part.partition("/")[0]

    def inner(table: RouteConfiguration) -> None:
        (one,) = (host for host in table.virtual_hosts if host.name == name)
        change(one)

    return inner


def in_route(of: Subject, change: Callable[[pb.Route], object]) -> Apply:
    """Change a route, in all its parts."""
    rule = of.part.partition("/")[2]

    def inner(host: pb.VirtualHost) -> None:
        found = [one for one in host.routes if one.name == rule]
        assert found
        for one in found:
            change(one)

    return in_host(of, inner)


def renamed(whole: Snapshot, type_url: str, name: str, to: str) -> Snapshot:
    """The snapshot with a resource under another name than its message says."""
    return replaced(whole, type_url, name, lambda one: replace(one, name=to))


def spoilt(whole: Snapshot, type_url: str, name: str) -> Snapshot:
    """The snapshot with a resource cut in half."""
    return replaced(whole, type_url, name, lambda one: replace(one, body=one.body[:-3] + b"\xff"))


def _do(_result: object) -> None:
    """Whatever a change gives back is not needed."""
