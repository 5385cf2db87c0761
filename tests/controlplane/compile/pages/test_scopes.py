"""Pages as resources: what each is called and holds, and what a change changes."""

import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutationPerRoute,
)

from controlplane.build import Build, Options, build
from controlplane.compile.clusters import NOWHERE
from controlplane.compile.listener import BUFFER
from controlplane.compile.options import Layout
from controlplane.compile.pages.names import DISPATCHER, NOT_FOUND
from controlplane.compile.pages.scopes import ROUTES_IN_PAGES
from controlplane.compile.pages.selection import HEADER, PAGE_FILTER
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, SCOPE, Snapshot
from controlplane.sources import SourceFile

HEAD = """\
version: 1
hosts: [a.example.com, "*.example.com"]
defaults: {auth: none}
backends: {one: "http://127.0.0.1:9001", two: "http://127.0.0.1:9002"}
routes:
  - {path: /**, to: two}
  - {path: /last, methods: [GET], hosts: [b.example.org], to: two}
"""
MANY = 300


def routes(count: int, changed: int = -1, timeout: str = "1s") -> str:
    return "".join(
        f"  - {{path: /n/{n}, timeout: {timeout if n == changed else '2s'}, to: one}}\n"
        for n in range(count)
    )


def built(text: str, layout: Layout = "pages") -> Build:
    made = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options(layout=layout))
    assert made.snapshot is not None, made.mistakes
    return made


def compiled(text: str, layout: Layout = "pages") -> Snapshot:
    snapshot = built(text, layout).snapshot
    assert snapshot is not None
    return snapshot


def tables(snapshot: Snapshot) -> dict[str, RouteConfiguration]:
    found = snapshot.of(ROUTES).items()
    return {name: RouteConfiguration.FromString(one.body) for name, one in found}


def test_pages_are_chosen_by_the_number_of_routes() -> None:
    few = HEAD + routes(ROUTES_IN_PAGES - 4)  # with two above, and a 405
    assert list(compiled(few, "auto").of(ROUTES)) == ["http"]
    assert f"http/{DISPATCHER}" in compiled(few + "  - {path: /more, to: one}\n", "auto").of(ROUTES)
    assert list(compiled(HEAD + routes(ROUTES_IN_PAGES), "plain").of(ROUTES)) == ["http"]


def test_the_dispatcher_leads_each_prefix_to_a_scope_that_leads_to_a_page() -> None:
    snapshot = compiled(HEAD + routes(MANY))
    found = tables(snapshot)
    for name, one in snapshot.of(SCOPE).items():
        scope = ScopedRouteConfiguration.FromString(one.body)
        assert [f.string_key for f in scope.key.fragments] == [name]
        assert scope.route_configuration_name == f"http/{name}"
        assert scope.route_configuration_name in found
    led: set[str] = set()
    for host in found[f"http/{DISPATCHER}"].virtual_hosts:
        prefixes = [r.match.prefix for r in host.routes if r.name.startswith("d-")]
        assert prefixes == sorted(prefixes, key=lambda p: -len(p))
        for route in host.routes:
            if route.name.startswith("d-"):
                settings = HeaderMutationPerRoute()
                assert route.typed_per_filter_config[PAGE_FILTER].Unpack(settings)
                (mutation,) = settings.mutations.request_mutations
                page = mutation.append.header.value
                assert (mutation.append.header.key, route.name) == (HEADER, f"d-{page}")
                assert route.route.cluster == NOWHERE
                (own,) = found[f"http/{page}"].virtual_hosts
                assert (own.name, own.domains) == (host.name, host.domains)
                led.add(page)
    assert led == {*snapshot.of(SCOPE)} - {DISPATCHER}
    assert len(led) > 3


def test_each_page_ends_with_a_404_and_holds_back_only_bodies_that_it_says() -> None:
    for name, table in tables(compiled(HEAD + routes(3))).items():
        if name == f"http/{DISPATCHER}":
            continue
        assert HEADER in table.request_headers_to_remove
        for host in table.virtual_hosts:
            assert host.routes[-1].name == NOT_FOUND
            for route in host.routes:
                settings = BufferPerRoute()
                assert route.typed_per_filter_config[BUFFER].Unpack(settings)
                assert settings.disabled == (not route.HasField("route"))


def test_a_host_that_no_one_names_is_answered_404_by_the_dispatcher() -> None:
    *_, last = tables(compiled(HEAD))[f"http/{DISPATCHER}"].virtual_hosts
    assert list(last.domains) == ["*"]
    assert last.routes[0].direct_response.status == 404
    anyone = HEAD.replace('"*.example.com"', '"*"')
    hosts = tables(compiled(anyone))[f"http/{DISPATCHER}"].virtual_hosts
    assert [d for host in hosts for d in host.domains].count("*") == 1


def test_a_changed_route_is_a_change_of_one_table() -> None:
    before, after = compiled(HEAD + routes(MANY)), compiled(HEAD + routes(MANY, 7))
    changed = [
        (type_url, name)
        for type_url, group in after.resources.items()
        for name, one in group.items()
        if before.of(type_url).get(name) != one
    ]
    assert len(changed) == 1
    assert changed[0][0] == ROUTES
    assert {t: set(g) for t, g in before.resources.items()} == {
        t: set(g) for t, g in after.resources.items()
    }


def test_what_pages_are_responsible_for_is_in_their_name() -> None:
    few, many = compiled(HEAD + routes(3)), compiled(HEAD + routes(MANY))
    shared = few.of(SCOPE).keys() & many.of(SCOPE).keys()
    other = "the host that was not cut has its page, and the dispatcher its scope"
    assert len(shared) == 2, other
    assert all(few.of(SCOPE)[name] == many.of(SCOPE)[name] for name in shared)


@pytest.mark.parametrize("count", [3, MANY])
def test_every_part_of_every_table_leads_back_to_lines(count: int) -> None:
    made = built(HEAD + routes(count))
    assert made.snapshot is not None
    there = {(LISTENER, name, "") for name in made.snapshot.of(LISTENER)}
    there |= {(t, n, "") for t in (CLUSTER, SCOPE, ROUTES) for n in made.snapshot.of(t)}
    for name, table in tables(made.snapshot).items():
        for host in table.virtual_hosts:
            there.add((ROUTES, name, host.name))
            there |= {(ROUTES, name, f"{host.name}/{route.name}") for route in host.routes}
    told = {tuple(s) for s in made.provenance if s.type_url in {CLUSTER, SCOPE, ROUTES, LISTENER}}
    assert told == there
    assert all(lines for subject, lines in made.provenance.items() if tuple(subject) in there)
