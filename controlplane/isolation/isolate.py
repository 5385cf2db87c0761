"""A build with the refused parts replaced, and all that these need beside what is new."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build
from controlplane.isolation.backends import SIGN, Backends, base, members_of
from controlplane.isolation.folded import Folded, Tables, fold
from controlplane.isolation.hosts import by_domain
from controlplane.isolation.isolated import Isolated, Kept
from controlplane.isolation.judged import Judged, calls, pipelines
from controlplane.isolation.ladder import Ladder
from controlplane.isolation.listeners import chain, enforced, standing
from controlplane.isolation.refused import Parts, parts
from controlplane.isolation.rewriting import Rewriting
from controlplane.isolation.targets import needs, targets
from controlplane.isolation.unfolding import parts_in, unfold
from controlplane.plan.plan import Plan, PlannedRoute
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    SCOPE,
    Resource,
    Snapshot,
    Subject,
    resource,
    snapshot,
)
from language.paths import PathPattern
from language.places import Place
from protos import PIPELINE


def isolate(build: Build, good: Build | None, refused: Mapping[Subject, str]) -> Isolated | None:
    """Replace what Envoy refuses of this very build, by its words; None where that cannot be.

    `good` is what is served now. A part that was replaced before and is refused again comes one
    step further (see `ladder`): so `refused` names what is refused of `build`, and no more.
    """
    folded = fold(build.snapshot, build.plan)
    if build.snapshot is None or folded is None:
        return None
    read = {folded.read(subject): why for subject, why in refused.items()}
    found = parts(build.snapshot, folded.tables, read)
    before = None if good is None else good.snapshot
    listeners = None if found is None else standing(build.snapshot, before, found.listeners)
    if found is None or listeners is None:
        return None
    backends = Backends(now=build.snapshot, before=before, refused=found.clusters)
    judged = Judged(now=build, before=None if before is None else good)
    filters = chain(listeners.values())
    old = fold(before)
    new = Rewriting(found=found, provenance=folded.lines(build.provenance))
    for name, table in folded.tables.items():
        ladder = Ladder(
            before=by_domain(None if old is None else old.tables.get(name)),
            backends=backends,
            judged=judged,
            chain=filters,
            paths=_paths(build.plan),
            misdescribed=_misdescribed(build.snapshot, folded, name),
        )
        if not new.write(table, ladder):
            return None
    if found.listeners and not enforced(_routes(new.tables.values()), filters):
        return None
    written = unfold(folded, new.tables)
    made = snapshot(_resources(build.snapshot, backends, listeners, written))
    if not _whole(made, found):
        return None
    return _isolated(build, judged, found, new, _Written(folded, written, made))


class _Written(NamedTuple):
    """The tables as they were read and as they are written, and the snapshot with them."""

    folded: Folded
    tables: Tables
    snapshot: Snapshot


def _misdescribed(held: Snapshot, folded: Folded, name: str) -> bool:
    """Whether a table, or one of its pages, does not say what it needs."""
    names = folded.pages.get(name, {name: None})
    return any(not needs(folded.written[n]) <= held.of(ROUTES)[n].needs for n in names)


def _resources(
    now: Snapshot, backends: Backends, listeners: Mapping[str, Resource], tables: Tables
) -> Iterator[Resource]:
    named = targets(_routes(tables.values()))
    gone = {name for name in now.of(CLUSTER) if not backends.stays(name)}
    # what was kept for a route lives as long as one goes to it
    gone |= {name for name in now.of(CLUSTER) if SIGN in name and name not in named}
    members = {members_of(now.of(CLUSTER)[name]) for name in gone}
    # of one that nobody can read
    members |= {n.name for name in gone for n in now.of(CLUSTER)[name].needs if n[0] == ENDPOINTS}
    for type_url, group in now.resources.items():
        if type_url == LISTENER:
            yield from listeners.values()
            continue
        for one in group.values():
            left = (type_url == CLUSTER and one.name in gone) or (
                type_url == ENDPOINTS and one.name in members
            )
            if type_url == ROUTES:
                yield _table(one, tables[one.name])
            elif not left:
                yield one
    for name in sorted(named):
        if name in gone or name not in now.of(CLUSTER):
            yield from backends.resources(name)


def _table(one: Resource, table: RouteConfiguration) -> Resource:
    scopes = (need for need in one.needs if need.type_url == SCOPE)
    made = resource(ROUTES, one.name, table, needs={*needs(table), *scopes})
    return one if made.body == one.body and made.needs <= one.needs else made


def _whole(made: Snapshot, found: Parts) -> bool:
    """Whether what was put in has all that it needs."""
    changed = [one for name, one in made.of(LISTENER).items() if name in found.listeners]
    return all(need.name in made.of(need.type_url) for one in changed for need in one.needs)


def _isolated(
    build: Build, judged: Judged, found: Parts, new: Rewriting, written: _Written
) -> Isolated:
    made = written.snapshot
    kept = [*new.kept]
    for type_url, group in ((CLUSTER, found.clusters), (LISTENER, found.listeners)):
        for name, why in group.items():
            subject = Subject(type_url, name)
            kept.append(
                Kept(
                    subject=subject,
                    state="last good" if name in made.of(type_url) else "closed",
                    places=build.provenance.get(subject, ()),
                    why=why,
                )
            )
    old = tuple(route for route, _ in new.old)
    return Isolated(
        build=replace(
            build,
            snapshot=made,
            provenance=_lines(build, new, written),
            services=judged.services(old, new.others),
            calls=calls(_routes(new.tables.values())),
            key_sources=judged.key_sources(old),
        ),
        kept=tuple(kept),
    )


Lines = dict[Subject, tuple[Place, ...]]


def _lines(build: Build, new: Rewriting, written: _Written) -> Lines:
    """The lines of what is kept for routes: those of its backend, else those of the routes."""
    found: Lines = {}
    for route, places in new.old:
        for name in targets([route]):
            lines = build.provenance.get(Subject(CLUSTER, base(name)), places)
            found.setdefault(Subject(CLUSTER, name), lines)
            if name in written.snapshot.of(ENDPOINTS):
                found.setdefault(Subject(ENDPOINTS, name), lines[:1])
        for name in pipelines([route]):
            at = Subject(PIPELINE, name)
            found[at] = tuple(dict.fromkeys((*found.get(at, ()), *places)))
    return {**found, **build.provenance, **_in_pages(new, written)}


def _in_pages(new: Rewriting, written: _Written) -> Lines:
    """The lines of what was replaced, in every table that has it."""
    out: Lines = {}
    for name_of_all, pages in written.folded.pages.items():
        parts_of = parts_in(written.tables, pages)
        for subject, places in new.places.items():
            if subject.name == name_of_all:
                names = parts_of.get(subject.part, ())
                out |= {subject._replace(name=name): places for name in names}
    rest = {s: p for s, p in new.places.items() if s.name not in written.folded.pages}
    return {**rest, **out}


def _routes(tables: Iterable[RouteConfiguration]) -> Iterator[pb.Route]:
    return (route for table in tables for host in table.virtual_hosts for route in host.routes)


def _paths(plan: Plan | None) -> dict[tuple[str, str], PathPattern]:
    """The path of each rule as it was written."""
    return {
        (host.name, one.rule): one.route.path if isinstance(one, PlannedRoute) else one.path
        for host in (() if plan is None else plan.hosts)
        for one in host.entries
    }
