"""All that stands in a file: where too much of it is refused to be found one by one."""

from collections.abc import Collection, Iterator, Mapping

from controlplane.build import Build
from controlplane.compile.standing import NO_HOST
from controlplane.isolation.backends import Backends
from controlplane.isolation.closed import is_closed
from controlplane.isolation.folded import Folded, fold
from controlplane.isolation.hosts import Host, by_domain, read
from controlplane.isolation.targets import targets
from controlplane.snapshot import ROUTES, Subject
from language.places import Place


def rules_of(build: Build, files: Collection[str]) -> Iterator[tuple[Subject, Place]]:
    """The rules that files wrote and that are not closed yet, each with its line.

    The copies of a rule are one, named for the table that pages are read as.
    """
    folded = fold(build.snapshot, build.plan)
    lines_of = folded.lines(build.provenance) if folded is not None else {}
    for subject, host in _rules(folded):
        rule = subject.part.partition("/")[2]
        lines = lines_of.get(subject, ())
        if lines and lines[0].file in files and rule != NO_HOST and not is_closed(host.of(rule)):
            yield subject, lines[0]


def as_before(build: Build, good: Build | None) -> frozenset[Subject]:
    """The rules that are as they were for every domain of their host, with all they go to."""
    if build.snapshot is None or good is None or good.snapshot is None:
        return frozenset()
    before = fold(good.snapshot)
    tables = {} if before is None else before.tables
    old = {name: by_domain(table) for name, table in tables.items()}
    backends = Backends(now=build.snapshot, before=good.snapshot, refused=())
    return frozenset(
        subject
        for subject, host in _rules(fold(build.snapshot, build.plan))
        if _is_as_before(host, subject.part.partition("/")[2], old.get(subject.name, {}), backends)
    )


def _is_as_before(host: Host, rule: str, old: Mapping[str, Host], backends: Backends) -> bool:
    routes = host.of(rule)
    before = (old.get(domain) for domain in host.message.domains)
    return all(one is not None and one.of(rule) == routes for one in before) and all(
        backends.content(name) == backends.content(name, before=True) for name in targets(routes)
    )


def _rules(folded: Folded | None) -> Iterator[tuple[Subject, Host]]:
    for name, table in folded.tables.items() if folded is not None else ():
        for host in map(read, table.virtual_hosts):
            for rule in host.rules:
                yield Subject(ROUTES, name, f"{host.message.name}/{rule}"), host
