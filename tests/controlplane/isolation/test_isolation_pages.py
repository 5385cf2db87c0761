"""What is refused in pages is replaced as in one table, whatever layout it was good in."""

from functools import cache
from typing import Literal

import pytest
from envoy.config.route.v3 import route_components_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane import layout
from controlplane.build import Build, Options
from controlplane.gate.proof import proof
from controlplane.gate.soundness import unsound
from controlplane.isolation.folded import Folded, fold
from controlplane.isolation.isolate import isolate
from controlplane.isolation.isolated import Isolated
from controlplane.isolation.widening import as_before, rules_of
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, SCOPE, Snapshot, Subject
from tests.controlplane.isolation.gateways import AFTER, BEFORE, made, route_of, stored
from tests.controlplane.isolation.random_builds import PAIRS, pairs
from tests.controlplane.isolation.table_reading import requests, taken
from tests.controlplane.small_pages import in_pages

WHY = "Envoy's words"
EXAMPLES = settings(deadline=None, max_examples=60)
OPTIONS = Options(loopback=True, trust_store="/authorities.crt")

WIDE = """
version: 1
defaults: {auth: none}
backends: {users: "http://10.0.0.1:80"}
routes:
  - {path: /a, to: users}
  - {path: /ab, to: users}
  - {path: /ac, to: users}
"""

Layout = Literal["plain", "pages"]


@cache
def paged(number: int, *, new: bool, largest: int) -> Build:
    return in_pages(pairs()[number][new], OPTIONS, largest)


def held(one: Build) -> Snapshot:
    assert one.snapshot is not None
    return one.snapshot


def folded_of(one: Build) -> Folded:
    folded = fold(held(one), one.plan)
    assert folded is not None
    return folded


def read(one: Build, unordered: frozenset[str] = frozenset()) -> object:
    """The tables as they read, with all that is beside them; the order of some hosts is free."""
    hosts = {
        name: {host.name: host_of(host, unordered) for host in table.virtual_hosts}
        for name, table in folded_of(one).tables.items()
    }
    others = {t: dict(held(one).of(t)) for t in (CLUSTER, ENDPOINTS)}
    others[CLUSTER].pop("foregate:nowhere", None)
    return hosts, others, one.services, one.calls, one.key_sources


def host_of(host: pb.VirtualHost, unordered: frozenset[str]) -> object:
    routes = [route.SerializeToString(deterministic=True) for route in host.routes]
    return [*host.domains], sorted(routes) if host.name in unordered else routes


def copies(one: Build, subject: Subject) -> tuple[Subject, ...]:
    """A part of the plain table in all pages that have it."""
    if subject.type_url != ROUTES:
        return (subject,)
    return tuple(
        Subject(ROUTES, name, subject.part)
        for name, table in folded_of(one).written.items()
        if not layout.dispatches(name)
        for host in table.virtual_hosts
        if subject.part in {host.name, *(f"{host.name}/{route.name}" for route in host.routes)}
    )


def units(one: Build) -> list[Subject]:
    return [
        s
        for s in proof(held(one)).units
        if s.type_url not in {LISTENER, SCOPE}
        and not s.name.startswith("foregate:")
        and (s.type_url != ROUTES or (s.part and not s.part.endswith("/h-none")))
    ]


@pytest.mark.parametrize("number", range(PAIRS))
def test_pages_read_as_the_one_table(number: int) -> None:
    plain = pairs()[number][1]
    one = paged(number, new=True, largest=2)
    assert read(one) == read(plain)


@pytest.mark.parametrize("number", range(PAIRS))
@pytest.mark.parametrize("largest", [1, 2, 5])
def test_pages_of_which_no_plan_is_known_read_as_one_that_decides_the_same(
    number: int, largest: int
) -> None:
    """Of two rules that are together in no page, the order is not known and does not matter."""
    (plain,) = folded_of(pairs()[number][1]).tables.values()
    (found,) = folded_of(stored(paged(number, new=True, largest=largest))).tables.values()
    there = {host.name: host for host in found.virtual_hosts}
    for host in plain.virtual_hosts:
        for request in requests(one.match for one in host.routes):
            assert taken(there[host.name], request) == taken(host, request)


@EXAMPLES
@given(st.integers(0, PAIRS - 1), st.data())
def test_what_is_refused_is_replaced_as_in_one_table(number: int, data: st.DataObject) -> None:
    good, new = pairs()[number]
    largest = data.draw(st.sampled_from([1, 2, 5]))
    pages = paged(number, new=True, largest=largest)
    was: dict[Layout, Build] = {"plain": good, "pages": paged(number, new=False, largest=2)}
    before = was[data.draw(st.sampled_from(["plain", "pages"]))]
    known = data.draw(st.booleans())
    some = st.lists(st.sampled_from(units(new)), min_size=1, max_size=4, unique=True)
    refused = data.draw(some)
    in_one = isolate(new, good if known else None, dict.fromkeys(refused, WHY))
    # one of the copies is enough
    each = [data.draw(st.sampled_from(copies(pages, one))) for one in refused]
    found = isolate(pages, stored(before) if known else None, dict.fromkeys(each, WHY))
    assert in_one is not None
    assert found is not None
    # without a plan, the order of pages is that of what can meet
    whole = frozenset(k.subject.part for k in in_one.kept if k.subject.type_url == ROUTES and known)
    assert read(found.build, whole) == read(in_one.build, whole)
    assert {(k.subject, k.state) for k in found.kept} == {(k.subject, k.state) for k in in_one.kept}
    assert_fits(pages, found)
    back = isolate(new, stored(paged(number, new=False, largest=2)), dict.fromkeys(refused, WHY))
    if known:
        assert back is not None
        assert read(back.build, whole) == read(in_one.build, whole)


def assert_fits(pages: Build, found: Isolated) -> None:
    """Pages are still where requests find them, and are what they were but for their routes."""
    assert unsound(held(found.build)) == ()
    for kind in (ROUTES, SCOPE):
        assert held(found.build).of(kind).keys() == held(pages).of(kind).keys()
    assert held(found.build).of(SCOPE) == held(pages).of(SCOPE)
    provenance = found.build.provenance
    for unit in proof(held(found.build)).units:
        if unit.type_url == ROUTES and not layout.dispatches(unit.name):
            assert provenance.get(unit), unit


@EXAMPLES
@given(st.integers(0, PAIRS - 1), st.data())
def test_all_of_a_file_is_the_same_in_pages(number: int, data: st.DataObject) -> None:
    good, new = pairs()[number]
    pages = paged(number, new=True, largest=data.draw(st.sampled_from([1, 3])))
    files = {source.name for source in new.sources}
    assert set(rules_of(pages, files)) == set(rules_of(new, files))
    for before in (good, paged(number, new=False, largest=2)):
        assert as_before(pages, before) == as_before(new, good)


def test_a_dispatcher_and_a_scope_keep_all_back() -> None:
    good, new = (in_pages(made(text), OPTIONS) for text in (BEFORE, AFTER))
    (first,) = (n for n in held(new).of(ROUTES) if layout.dispatches(n))
    parts = [s for s in new.provenance if s.name == first and s.type_url == ROUTES]
    scopes = [s for s in new.provenance if s.type_url == SCOPE]
    assert len(parts) > 3
    assert len(scopes) > 2
    for one in (*parts, *scopes):
        assert isolate(new, good, {one: WHY}) is None


def test_a_rule_of_which_only_wide_matches_are_taken_is_closed_in_all_pages_that_they_reach() -> (
    None
):
    plain = made(WIDE)
    new = in_pages(plain, OPTIONS, 1)
    rule = route_of(plain, "/a")
    (page,) = copies(new, rule)
    state: Isolated | None = isolate(new, None, {page: WHY})
    while state is not None and len(tables := copies(state.build, rule)) == 1:
        state = isolate(state.build, None, {tables[0]: WHY})
    assert state is not None
    assert len(copies(state.build, rule)) == 3  # of /a, /ab and /ac, and not the rest
    assert unsound(held(state.build)) == ()
