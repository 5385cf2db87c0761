"""All that stands in a file: where too much of it is refused to be found one by one."""

from collections.abc import Collection, Iterator, Mapping

from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build
from controlplane.compile.routes import NO_HOST
from controlplane.isolation.backends import Backends
from controlplane.isolation.closed import is_closed
from controlplane.isolation.hosts import Host, by_domain, read
from controlplane.isolation.targets import targets
from controlplane.snapshot import ROUTES, Snapshot, Subject


def rules_of(build: Build, files: Collection[str]) -> Iterator[Subject]:
    """The rules that files wrote and that are not closed yet."""
    for subject, host in _rules(build.snapshot):
        rule = subject.part.partition("/")[2]
        lines = build.provenance.get(subject, ())
        if lines and lines[0].file in files and rule != NO_HOST and not is_closed(host.of(rule)):
            yield subject


def as_before(build: Build, good: Build | None) -> frozenset[Subject]:
    """The rules that are as they were for every domain of their host, with all they go to."""
    if build.snapshot is None or good is None or good.snapshot is None:
        return frozenset()
    old = {name: by_domain(table) for name, table in _tables(good.snapshot)}
    backends = Backends(now=build.snapshot, before=good.snapshot, refused=())
    return frozenset(
        subject
        for subject, host in _rules(build.snapshot)
        if _is_as_before(host, subject.part.partition("/")[2], old.get(subject.name, {}), backends)
    )


def _is_as_before(host: Host, rule: str, old: Mapping[str, Host], backends: Backends) -> bool:
    routes = host.of(rule)
    before = (old.get(domain) for domain in host.message.domains)
    return all(one is not None and one.of(rule) == routes for one in before) and all(
        backends.content(name) == backends.content(name, before=True) for name in targets(routes)
    )


def _rules(held: Snapshot | None) -> Iterator[tuple[Subject, Host]]:
    for name, table in _tables(held):
        for host in map(read, table.virtual_hosts):
            for rule in host.rules:
                yield Subject(ROUTES, name, f"{host.message.name}/{rule}"), host


def _tables(held: Snapshot | None) -> Iterator[tuple[str, RouteConfiguration]]:
    for name, one in held.of(ROUTES).items() if held is not None else ():
        yield name, RouteConfiguration.FromString(one.body)
