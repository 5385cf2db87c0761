"""Gateways of a few lines as builds, and damage to them that a mistake of ours would do."""

from collections.abc import Callable
from dataclasses import replace

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build, Options, build
from controlplane.isolation.isolate import isolate
from controlplane.isolation.isolated import Isolated
from controlplane.isolation.targets import needs
from controlplane.snapshot import LISTENER, ROUTES, Resource, Snapshot, Subject, resource, snapshot
from controlplane.sources import SourceFile
from tests.controlplane.isolation.table_reading import table_of

WHY = "Envoy's words"

BEFORE = """
version: 1
defaults: {auth: none}
backends:
  users: http://10.0.0.1:80
  orders: http://orders:80
routes:
  - {path: /a, to: users}
  - {path: /b/**, to: {users: 50, orders: 50}}
  - {path: /c, to: orders}
"""
AFTER = """
version: 1
defaults: {auth: none}
backends:
  users: http://10.0.0.2:80
  orders: http://orders:80
routes:
  - {path: /a, to: users, timeout: 3s}
  - {path: /b/**, to: {users: 50, orders: 50}}
  - {path: /c, to: orders}
  - {path: /d, to: users}
  - {path: /d/**, to: orders}
"""


def made(text: str, **others: str) -> Build:
    """Compile `gateway.yaml` and files beside it, without mistakes."""
    texts = {"gateway.yaml": text, **{f"{name}.yaml": t for name, t in others.items()}}
    sources = tuple(SourceFile(name=n, data=t.encode()) for n, t in texts.items())
    out = build(sources, Options(loopback=True, trust_store="/authorities.crt"))
    assert out.snapshot is not None, out.mistakes
    return out


def stored(one: Build) -> Build:
    """A build as it comes back from the disk."""
    return replace(one, plan=None, sources=(), mistakes=())


def held(one: Build) -> Snapshot:
    """The snapshot of a build that has one."""
    assert one.snapshot is not None
    return one.snapshot


def rule_at(one: Build, line: int) -> Subject:
    """The route that a line of gateway.yaml wrote."""
    (found,) = (
        at
        for at, places in one.provenance.items()
        if at.type_url == ROUTES
        and "/r-" in at.part
        and (places[0].file, places[0].line) == ("gateway.yaml", line)
    )
    return found


def line_of(one: Build, start: str) -> int:
    """The line of gateway.yaml that begins so."""
    lines = one.sources[0].data.decode().splitlines()
    (found,) = (n for n, text in enumerate(lines, 1) if text.strip().startswith(start))
    return found


def route_of(one: Build, path: str) -> Subject:
    """The route of a path, written as `- {path: /a, …}`."""
    return rule_at(one, line_of(one, f"- {{path: {path},"))


def routes_of(one: Build, subject: Subject) -> list[pb.Route]:
    """What Envoy is told for a rule."""
    host, _, rule = subject.part.partition("/")
    hosts = [h for h in table_of(one).virtual_hosts if h.name == host]
    return [route for found in hosts for route in found.routes if route.name == rule]


def without(one: Build, good: Build | None, *refused: Subject) -> Isolated:
    """Isolate what must be possible to isolate."""
    out = isolate(one, good, dict.fromkeys(refused, WHY))
    assert out is not None
    return out


def changed(one: Build, change: Callable[[RouteConfiguration], None]) -> Build:
    """A build whose table a mistake of ours has changed."""
    table = table_of(one)
    change(table)
    rest = [r for t, g in held(one).resources.items() if t != ROUTES for r in g.values()]
    put = resource(ROUTES, table.name, table, needs=needs(table))
    return replace(one, snapshot=snapshot([*rest, put]))


def cluster_of(one: Build, name: str) -> Cluster:
    """A cluster by its name."""
    return Cluster.FromString(
        held(one).of("type.googleapis.com/" + Cluster.DESCRIPTOR.full_name)[name].body
    )


def listener_of(one: Build) -> Resource:
    (found,) = held(one).of(LISTENER).values()
    return found
