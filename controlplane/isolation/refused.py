"""What a refusal takes with it: whole routes, whole virtual hosts, clusters, listeners."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.gate.brake import OURS
from controlplane.isolation.backends import members_of
from controlplane.isolation.targets import targets
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Snapshot, Subject

Part = tuple[str, str]
"""A table, and a virtual host of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Refused parts, each with Envoy's words; `rules` are those of each virtual host."""

    hosts: dict[Part, str] = field(default_factory=dict)
    rules: dict[Part, dict[str, str]] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    listeners: dict[str, str] = field(default_factory=dict)


def parts(
    now: Snapshot, tables: Mapping[str, RouteConfiguration], refused: Mapping[Subject, str]
) -> Parts | None:
    """Sort refused subjects; None where one is nothing that can be taken out alone."""
    found = Parts()
    members = any(one.type_url == ENDPOINTS for one in refused)
    clusters = now.of(CLUSTER).items() if members else ()
    by_members = {members_of(one): name for name, one in clusters}
    there = {(t.name, p) for t in tables.values() for p in _parts(t)}
    for subject, why in refused.items():
        name = subject.name
        if subject.type_url == ENDPOINTS:
            name = by_members.get(name, "")
        if subject.type_url in {CLUSTER, ENDPOINTS}:
            if name not in now.of(CLUSTER) or name.startswith(OURS):
                return None
            found.clusters.setdefault(name, why)
        elif subject.type_url == LISTENER and name in now.of(LISTENER):
            found.listeners[name] = why
        elif subject.type_url == ROUTES and (name, subject.part) in there:
            host, _, rule = subject.part.partition("/")
            if rule:
                found.rules.setdefault((name, host), {})[rule] = why
            else:
                found.hosts[name, host] = why
        else:
            return None
    _spread(tables, found)
    return found


def _spread(tables: Mapping[str, RouteConfiguration], found: Parts) -> None:
    """Refuse each rule that goes to a refused cluster, as a whole."""
    for table in tables.values() if found.clusters else ():
        for host in table.virtual_hosts:
            for route in host.routes:
                gone = sorted(targets([route]) & found.clusters.keys())
                if gone:
                    rules = found.rules.setdefault((table.name, host.name), {})
                    rules.setdefault(route.name, found.clusters[gone[0]])


def _parts(table: RouteConfiguration) -> list[str]:
    hosts = table.virtual_hosts
    rules = (f"{host.name}/{route.name}" for host in hosts for route in host.routes)
    return [*(host.name for host in hosts), *rules]
