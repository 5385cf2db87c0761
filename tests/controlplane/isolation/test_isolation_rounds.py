"""What is refused in several rounds lets nobody further than the same refused at once."""

from dataclasses import dataclass
from functools import cache
from itertools import chain

from envoy.config.route.v3 import route_components_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Build
from controlplane.isolation.closed import is_closed
from controlplane.isolation.isolate import isolate
from controlplane.isolation.isolated import Isolated
from controlplane.snapshot import CLUSTER, ROUTES, Subject
from tests.controlplane.isolation.gateways import WHY, held, made, route_of, stored, without
from tests.controlplane.isolation.random_builds import PAIRS, pairs
from tests.controlplane.isolation.table_reading import requests, table_of, taken
from tests.controlplane.isolation.test_isolation_judged import AFTER, BEFORE, EVE, key
from tests.controlplane.isolation.test_isolation_property import content, plain, units

EXAMPLES = settings(deadline=None, max_examples=150)
ASKS = ("none", "{anyOf: [keys], scopes: [read]}", "{anyOf: [keys], scopes: [write]}")
PATHS = ("/a", "/a/**", "/b", "/**")
CONSUMERS = ("bob", "eve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What each path asks for (None: it is no route), where it goes, and who is a consumer."""

    asks: tuple[int | None, ...]
    consumers: int
    backend: int

    @property
    def build(self) -> Build:
        return compiled(self)


@cache
def compiled(one: Gateway) -> Build:
    who = "".join(
        f"  {name}: {{keys: [{{hash: {key(name)}, scopes: [read]}}]}}\n"
        for name in CONSUMERS[: one.consumers]
    )
    routes = "".join(
        f"  - {{path: {path}, auth: {ASKS[ask]}, to: u}}\n"
        for path, ask in zip(PATHS, one.asks, strict=True)
        if ask is not None
    )
    return made(
        "version: 1\nidentities: {keys: {apiKey: {header: x-key}}}\n"
        f"consumers:\n{who}backends: {{u: http://10.0.0.{one.backend}:80}}\nroutes:\n{routes}"
    )


def gateways() -> st.SearchStrategy[Gateway]:
    ask = st.sampled_from([0, 1, 2])
    return st.builds(
        Gateway,
        asks=st.tuples(ask, *(st.none() | ask for _ in PATHS[1:])),
        consumers=st.integers(1, 2),
        backend=st.integers(1, 2),
    )


def in_rounds(new: Build, good: Build, refused: list[Subject]) -> tuple[Build, list[Subject]]:
    """The build after one round for each part that is still there, and what these refused.

    A backend that was refused is refused whenever it is there again. Where no step was left for a
    route, it was its host that was refused.
    """
    build, done, bad = new, list[Subject](), set[str]()
    hosts = {domain: h.name for h in table_of(new).virtual_hosts for domain in (h.name, *h.domains)}
    for one in refused:
        if one not in units(build):
            continue
        if one.type_url == CLUSTER:
            bad.add(content(held(build), one.name))
        found = isolate(build, good, {one: WHY})
        if found is None:
            break
        build = found.build
        done.append(one)
        whole = {k.subject for k in found.kept if k.subject.type_url == ROUTES}
        done += {s._replace(part=hosts[s.part]) for s in whole if "/" not in s.part}
        while again := {
            Subject(CLUSTER, name): WHY
            for name in held(build).of(CLUSTER)
            if not name.startswith("foregate:") and content(held(build), name) in bad
        }:
            found = isolate(build, good, again)
            assert found is not None
            build = found.build
    return build, done


def assert_no_further(new: Build, good: Build, refused: list[Subject]) -> None:
    last, done = in_rounds(new, good, refused)
    once = isolate(new, good, dict.fromkeys(done, WHY)) if done else Isolated(build=new, kept=())
    assert once is not None
    hosts = [h for build in (new, good) for h in table_of(build).virtual_hosts]
    asked = list(requests(r.match for h in hosts for r in h.routes))
    for domain in {d for h in table_of(new).virtual_hosts for d in h.domains}:
        mine, other = host_of(last, domain), host_of(once.build, domain)
        for request in asked:
            found = taken(mine, request)
            if found is None or found.direct_response.status in {400, 405, 503}:
                continue
            would = taken(other, request)
            assert would is not None
            assert plain(last, (found,)) == plain(once.build, (would,))


def host_of(build: Build, domain: str) -> pb.VirtualHost:
    (one,) = (h for h in table_of(build).virtual_hosts if domain in h.domains)
    return one


@EXAMPLES
@given(gateways(), gateways(), st.data())
def test_several_rounds_let_nobody_further_than_one(
    good: Gateway, new: Gateway, data: st.DataObject
) -> None:
    every = [one for one in units(new.build) if one.type_url in {ROUTES, CLUSTER}]
    drawn = st.lists(st.sampled_from(every), min_size=2, max_size=4, unique=True)
    assert_no_further(new.build, stored(good.build), data.draw(drawn))


@EXAMPLES
@given(st.integers(0, PAIRS - 1), st.data())
def test_nor_in_any_other_gateway(number: int, data: st.DataObject) -> None:
    good, new = pairs()[number]
    drawn = st.lists(st.sampled_from(units(new)), min_size=2, max_size=4, unique=True)
    assert_no_further(new, good, data.draw(drawn))


def test_a_route_that_was_closed_stays_closed_when_its_host_is_refused() -> None:
    """It is closed because eve is new: the host as it was would let her pass."""
    good, new = made(BEFORE), made(AFTER.replace("backends:", EVE))
    at = route_of(new, "/a")
    one = without(new, stored(good), at)
    two = without(one.build, stored(good), at._replace(part=at.part.partition("/")[0]))
    found = chain.from_iterable(h.routes for h in table_of(two.build).virtual_hosts)
    assert is_closed(r for r in found if r.match.path == "/a")
