"""Whatever is refused of whatever gateway: nothing refused is left, and nobody gets further."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.route.v3 import route_components_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Build
from controlplane.gate.proof import proof
from controlplane.isolation.closed import CLOSED_HOST, is_closed
from controlplane.isolation.hosts import read
from controlplane.isolation.isolate import isolate
from controlplane.isolation.isolated import Isolated, together
from controlplane.isolation.judged import calls, pipelines
from controlplane.isolation.targets import repointed, targets
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Snapshot, Subject
from protos import EXTAUTHZ, PIPELINE
from tests.controlplane.compile.named import named
from tests.controlplane.isolation.random_builds import PAIRS, pairs
from tests.controlplane.isolation.table_reading import requests, table_of, taken

WHY = "Envoy's words"
EXAMPLES = settings(deadline=None, max_examples=100)


def units(build: Build) -> list[Subject]:
    """What may be refused and has something to stand in for it."""
    held = snapshot_of(build)
    found = [
        one
        for one in proof(held).units
        if one.type_url != LISTENER and not one.name.startswith("foregate:")
    ]
    members = [name for name in held.of(ENDPOINTS) if not name.startswith("foregate:")]
    whole = [Subject(ENDPOINTS, name) for name in members]
    return [*(one for one in found if one.type_url != ROUTES or one.part), *whole]


def snapshot_of(build: Build) -> Snapshot:
    assert build.snapshot is not None
    return build.snapshot


def content(held: Snapshot, name: str) -> str:
    """What a cluster is, by the name of its backend; written without the code that is tested."""
    cluster = Cluster.FromString(held.of(CLUSTER)[name].body)
    found = b""
    if cluster.type == Cluster.EDS:
        members = ClusterLoadAssignment.FromString(held.of(ENDPOINTS)[name].body)
        assert members.cluster_name == name
        members.cluster_name = ""
        found = members.SerializeToString(deterministic=True)
    cluster.name = name.partition("@")[0]
    if cluster.HasField("load_assignment"):
        cluster.load_assignment.cluster_name = ""
    whole = cluster.SerializeToString(deterministic=True) + found
    return hashlib.sha256(whole).hexdigest()


def plain(build: Build, routes: tuple[pb.Route, ...]) -> tuple[object, ...]:
    """Routes with what they go to in the place of its name."""
    held = snapshot_of(build)
    contents = {name: content(held, name) for name in targets(routes)}
    made = repointed(routes, contents)
    return tuple(one.SerializeToString(deterministic=True) for one in made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A pair of builds by its number, whether there was a good one, and what is refused."""

    number: int
    had: bool
    subjects: tuple[Subject, ...]

    @property
    def new(self) -> Build:
        return pairs()[self.number][1]

    @property
    def good(self) -> Build | None:
        return pairs()[self.number][0] if self.had else None

    @property
    def refused(self) -> dict[Subject, str]:
        return dict.fromkeys(self.subjects, WHY)


@st.composite
def refusals(draw: st.DrawFn) -> Refusal:
    number = draw(st.integers(0, PAIRS - 1))
    every = units(pairs()[number][1])
    some = draw(st.lists(st.sampled_from(every), min_size=1, max_size=4, unique=True))
    return Refusal(number=number, had=draw(st.integers(0, 2)) > 0, subjects=tuple(some))


@cache
def isolated_once(number: int, subject: Subject) -> Isolated:
    good, new = pairs()[number]
    made = isolate(new, good, {subject: WHY})
    assert made is not None
    return made


@EXAMPLES
@given(refusals())
def test_each_route_is_new_or_as_it_was_or_closed(one: Refusal) -> None:
    new, good, refused = one.new, one.good, one.refused
    made = isolate(new, good, refused)
    assert made is not None
    before = [] if good is None else [plain(good, g) for _, g in groups(good)]
    there = {at: plain(new, group) for at, group in groups(new)}
    bad = {content(snapshot_of(new), name) for name in clusters(refused)}
    for name in snapshot_of(made.build).of(CLUSTER):
        assert name.startswith("foregate:") or content(snapshot_of(made.build), name) not in bad
    for (host, rule), group in groups(made.build):
        if is_closed(group):
            continue
        stands = plain(made.build, group)
        if stands == there.get((host, rule)):
            assert Subject(ROUTES, "http", f"{host}/{rule}") not in refused
        else:
            assert stands in before
            assert any(k.subject.part in {host, f"{host}/{rule}"} for k in made.kept)


@EXAMPLES
@given(refusals())
def test_a_request_of_a_rule_meets_that_rule_or_503(one: Refusal) -> None:
    new, good, refused = one.new, one.good, one.refused
    made = isolate(new, good, refused)
    assert made is not None
    assert_nobody_gets_further(new, good, made)


def assert_nobody_gets_further(new: Build, good: Build | None, made: Isolated) -> None:
    whole = {k.subject.part for k in made.kept if k.subject.type_url == ROUTES}
    for host in table_of(new).virtual_hosts:
        for domain in host.domains:
            now = host_of(made.build, domain)
            assert now is not None
            was = None if good is None else host_of(good, domain)
            of_before = now.name in whole
            for request in requests(one.match for one in host.routes):
                expected = taken(host, request)
                if of_before:
                    expected = None if was is None else taken(was, request)
                found = taken(now, request)
                if found is None:
                    assert expected is None
                elif not is_closed([found]):
                    assert expected is not None
                    assert found.name == expected.name


@EXAMPLES
@given(refusals())
def test_all_that_is_needed_is_there_and_the_rest_is_the_same(one: Refusal) -> None:
    new, good, refused = one.new, one.good, one.refused
    made = isolate(new, good, refused)
    assert made is not None
    held = snapshot_of(made.build)
    for group in held.resources.values():
        for found in group.values():
            assert found.needs == named(found)
            assert all(n.name in held.of(n.type_url) for n in found.needs)
            assert made.build.provenance.get(Subject(found.type_url, found.name))
    gone = clusters(refused)
    for type_url, group in snapshot_of(new).resources.items():
        for name, same in group.items():
            if type_url != ROUTES and name not in gone:
                assert held.of(type_url)[name] == same
    served = made.build.services[EXTAUTHZ].of(PIPELINE)
    routes = [route for _, found in groups(made.build) for route in found]
    assert pipelines(routes) <= served.keys()
    assert made.build.calls == calls(routes)
    for subject in (k.subject for k in made.kept):
        assert made.build.provenance.get(subject)
    for (host, rule), _ in groups(made.build):
        assert made.build.provenance.get(Subject(ROUTES, "http", f"{host}/{rule}"))


@EXAMPLES
@given(refusals())
def test_what_was_isolated_is_isolated_the_same_again(one: Refusal) -> None:
    new, good, refused = one.new, one.good, one.refused
    once = isolate(new, good, refused)
    assert once is not None
    again = isolate(new, once.build, refused)
    assert again is not None
    assert again.build.snapshot == once.build.snapshot
    assert again.build.services == once.build.services
    assert again.build.key_sources == once.build.key_sources
    assert again.build.calls == once.build.calls


@EXAMPLES
@given(st.integers(0, PAIRS - 1), st.data())
def test_who_is_refused_again_comes_further_until_nothing_is_left(
    number: int, data: st.DataObject
) -> None:
    good, new = pairs()[number]
    rules = [one for one in units(new) if "/" in one.part]
    subject = data.draw(st.sampled_from(rules))
    host, _, rule = subject.part.partition("/")
    made = isolated_once(number, subject)
    seen = [made.build.snapshot]
    for _ in range(8):
        assert_nobody_gets_further(new, good, made)
        there = {at for at, _ in groups(made.build)}
        part = f"{host}/{rule}" if (host, rule) in there else f"{host}/{CLOSED_HOST}"
        refused = Subject(ROUTES, "http", part)
        if (host, part.partition("/")[2]) not in there:
            return  # the host is as it was, without the rule
        further = isolate(made.build, good, {refused: WHY})
        if further is None:
            return
        assert further.build.snapshot not in seen
        seen.append(further.build.snapshot)
        made = together(made, further)
    raise AssertionError(seen)


def test_what_routes_call_is_what_compile_says() -> None:
    for pair in pairs():
        for build in pair:
            assert calls(r for h in table_of(build).virtual_hosts for r in h.routes) == build.calls


def clusters(refused: dict[Subject, str]) -> set[str]:
    return {one.name for one in refused if one.type_url != ROUTES}


def groups(build: Build) -> Iterator[tuple[tuple[str, str], tuple[pb.Route, ...]]]:
    for host in table_of(build).virtual_hosts:
        for rule, routes in read(host).rules.items():
            yield (host.name, rule), routes


def host_of(build: Build, domain: str) -> pb.VirtualHost | None:
    hosts = table_of(build).virtual_hosts
    return next((host for host in hosts if domain in host.domains), None)
