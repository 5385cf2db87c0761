"""Decided by requests, and completely: whatever random request passes more easily is told of.

The oracle knows nothing of the room: it tries every entry in order against each request, and
compares by trying every credential there could be.
"""

import re
from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Build, Options, build
from controlplane.difference.compare import difference
from controlplane.difference.difference import Difference, Handover
from controlplane.difference.hosts import regions, serving
from controlplane.matching.request import Request
from controlplane.matching.table import Table
from controlplane.plan.plan import Entry, MethodNotAllowed, Plan, PlannedRoute, Preflight
from controlplane.sources import SourceFile
from language.mistakes import errors
from policies.auth.pipeline import Pipeline

PATHS = ("/a", "/a/", "/a/**", "/{x}", "/{x}/**", "/**", "/", "/a/{x}", "/a/b", "/{x}/b", "/a/b/**")
EXPRESSIONS = ("/a(/.*)?", "/[ab]", "/(b|c)/.*", "/.+", "/[^/]*", "(?i:/A/B)", "/a/b|/c")
WANTED = (
    *('"1"', '"2"', "{prefix: '1'}", "{prefix: '12'}", "{regex: '[12]'}", "{regex: '1.*'}"),
    *("{present: true}", "{present: false}", "{regex: '(2|3)?'}", "{regex: '1{0,2}2?'}"),
)
"""What a header or a parameter must be."""

HOSTS = ('["*"]', "[a.example.com]", '["*.example.com"]', '[a.example.com, "*.b.example.com"]')
AUTHS = ("none", "one", "two", "{anyOf: [one, two]}", "{allOf: [one, two]}")
TRIED_HOSTS = ("a.example.com", "c.example.com", "x.b.example.com", "elsewhere.org")
WORDS = ("a", "b", "c", "")
STRIDE = 5
METHODS = ("GET", "POST", "DELETE")
VALUES = (None, "1", "2", "12", "")
HEAD = """\
version: 1
identities:
  one: {apiKey: {header: x-one}}
  two: {issuer: "https://two.example.com", audience: shop}
backends: {users: "http://users:8080"}
"""


def gateway(random: Random) -> Build | None:
    """A gateway; None where the routes contradict each other."""
    return made_of(folder(random))


def neighbours(random: Random) -> tuple[Build | None, Build | None]:
    """A gateway, and the same after one or two edits, or one more that knows nothing of it."""
    files = folder(random)
    if random.random() < 0.3:
        return made_of(files), gateway(random)
    edited = [(hosts, list(routes)) for hosts, routes in files]
    for _ in range(random.randrange(1, 3)):
        _, routes = random.choice(edited)
        if random.random() < 0.6 or len(routes) < 2:
            routes.append(route(random))
        else:
            routes.pop(random.randrange(len(routes)))
    return made_of(files), made_of(edited)


def folder(random: Random) -> list[tuple[str, list[str]]]:
    """Two files with hosts and routes each."""
    return [
        (random.choice(HOSTS), [route(random) for _ in range(random.randrange(1, 6))])
        for _ in range(2)
    ]


def made_of(files: list[tuple[str, list[str]]]) -> Build | None:
    sources = []
    for name, (hosts, routes) in zip(("gateway.yaml", "team.yaml"), files, strict=True):
        text = f"{HEAD if name == 'gateway.yaml' else ''}hosts: {hosts}\nroutes:\n{''.join(routes)}"
        sources.append(SourceFile(name=name, data=text.encode()))
    made = build(tuple(sources), Options(main="gateway.yaml"))
    return None if errors(made.mistakes) else made


def route(random: Random) -> str:
    words = [where(random), f"auth: {random.choice(AUTHS)}", "to: users"]
    if random.random() < 0.4 and not words[0].startswith("grpc"):
        words.append(f"methods: [{', '.join(random.sample(METHODS, random.randrange(1, 3)))}]")
    if random.random() < 0.4:
        words.append(f"headers: {{x-v: {random.choice(WANTED)}}}")
    if random.random() < 0.2:
        words.append(f"query: {{q: {random.choice(WANTED)}}}")
    if random.random() < 0.1:
        words.append(f"hosts: {random.choice(HOSTS)}")
    return f"  - {{{', '.join(words)}}}\n"


def where(random: Random) -> str:
    if random.random() < 0.1:
        return f"grpc: {random.choice(('a', 'a/b', 'c/b'))}"
    if random.random() < 0.2:
        ranked = f"priority: {random.randrange(1, 9)}"  # expressions are all of one rank
        return f"path: {{regex: '{random.choice(EXPRESSIONS)}'}}, {ranked}"
    return f'path: "{random.choice(PATHS)}"'


gateways = st.randoms(use_true_random=False).map(gateway)
two = st.randoms(use_true_random=False).map(neighbours)


def plan(made: Build) -> Plan:
    assert made.plan is not None
    return made.plan


def matches(entry: Entry, request: Request) -> bool:
    """As Envoy does, by the expression that a path is."""
    path = entry.route.path if isinstance(entry, PlannedRoute) else entry.path
    if not re.fullmatch(path.regex, "".join(f"/{one}" for one in request.path)):
        return False
    if isinstance(entry, MethodNotAllowed):
        return request.method not in entry.allow
    assert not isinstance(entry, Preflight), "no route has a cors"
    match = entry.route.match
    return (
        (not match.methods or request.method in match.methods)
        and all(m.takes(dict(request.headers).get(n)) for n, m in match.headers.items())
        and all(m.takes(dict(request.query).get(n)) for n, m in match.query.items())
    )


def answers(of: Plan, host: str, request: Request) -> Entry | None:
    found = serving({d: h for h in of.hosts for d in h.domains}, host)
    return next((e for e in found.entries if matches(e, request)), None) if found else None


def admits(entry: PlannedRoute) -> set[frozenset[str]]:
    """The sets of good credentials, of `one` and `two`, with which a request passes."""
    pipeline: Pipeline | None = next(s.value for s in entry.settings if s.key == "auth")
    tried = [frozenset(c) for c in ((), ("one",), ("two",), ("one", "two"))]
    if pipeline is None:
        return set(tried)
    names = {one.name for one in pipeline.identities}
    return {c for c in tried if (names <= c if pipeline.every else names & c)}


def weaker(before: Entry | None, after: Entry | None) -> bool:
    if not isinstance(before, PlannedRoute) or not isinstance(after, PlannedRoute):
        return False
    return not admits(after) <= admits(before)


def unrefused(before: Entry | None, after: Entry | None) -> bool:
    """Whether a 405 becomes an answer for everybody."""
    open_to_all = isinstance(after, PlannedRoute) and frozenset() in admits(after)
    return isinstance(before, MethodNotAllowed) and open_to_all


def unbounded(before: Entry | None, after: Entry | None) -> bool:
    """Whether a route is a gRPC one and so has no bound of bodies, and the one before was none."""
    if not isinstance(before, PlannedRoute) or not isinstance(after, PlannedRoute):
        return False
    return before.route.match.grpc is None and after.route.match.grpc is not None


TRUE = {"methods": unrefused, "stream": unbounded}


def every_request() -> list[tuple[str, Request]]:
    paths: list[tuple[str, ...]] = [(one,) for one in WORDS]
    paths += [(*p, w) for p in (("a",), ("c",)) for w in WORDS]
    paths += [("a", "b", "b"), ("a", "b", ""), ("c", "b", "c"), ("", "")]
    return [
        (
            host,
            Request(
                method=method,
                path=path,
                headers=() if header is None else (("x-v", header),),
                query=() if value is None else (("q", value),),
            ),
        )
        for host, path, method, header, value in product(
            TRIED_HOSTS, paths, (*METHODS, "PATCH"), VALUES, VALUES
        )
    ]


EVERY = every_request()


def told(found: Difference, key: str) -> set[tuple[object, object]]:
    """The places of the entries between which a key is told to be weaker."""
    return {
        (one.before.place, one.after.place)
        for weakening in found.weakenings
        if weakening.key == key
        for one in weakening.handovers
        if one.before is not None and one.after is not None
    }


@given(two, st.integers(0, STRIDE - 1))
@settings(max_examples=250)
def test_each_request_that_passes_more_easily_is_told_of(
    sides: tuple[Build | None, Build | None], offset: int
) -> None:
    before, after = sides
    if before is None or after is None:
        return
    found = difference(before, after)
    assert not [one for one in found.weakenings if one.key == "routes"]  # everything is known
    ways, freed = told(found, "auth"), told(found, "methods")
    for host, request in EVERY[offset::STRIDE]:
        old, new = answers(plan(before), host, request), answers(plan(after), host, request)
        if weaker(old, new):
            assert isinstance(old, PlannedRoute)
            assert isinstance(new, PlannedRoute)
            assert (old.route.place, new.route.place) in ways
        if unrefused(old, new):
            assert (place(old), place(new)) in freed


@given(two)
@settings(max_examples=150)
def test_each_handover_that_is_told_is_true(sides: tuple[Build | None, Build | None]) -> None:
    before, after = sides
    if before is None or after is None:
        return
    found = difference(before, after)
    for weakening in found.weakenings:
        for one in weakening.handovers:
            true = TRUE.get(weakening.key, weaker)
            hosts = of(one, before, after)
            holds = any(true(*both(one, host, before, after)) for host in hosts)
            assert holds or not weakening.comparable
    for one in (*found.opened, *found.elsewhere):
        for host in of(one, before, after):
            old, new = both(one, host, before, after)
            assert [place(old), place(new)] == [
                None if side is None else side.place for side in (one.before, one.after)
            ]


def of(one: Handover, before: Build, after: Build) -> list[str]:
    """A host of each domain that a handover names."""
    known = {d: d for p in (plan(before), plan(after)) for h in p.hosts for d in h.domains}
    tried = {d: f"any9{d[1:]}" if d.startswith("*") else d for d in one.hosts}
    assert all(serving(known, host) == domain for domain, host in tried.items())
    return list(tried.values())


def both(
    one: Handover, host: str, before: Build, after: Build
) -> tuple[Entry | None, Entry | None]:
    return answers(plan(before), host, one.request), answers(plan(after), host, one.request)


def place(entry: Entry | None) -> object:
    if entry is None:
        return None
    return entry.route.place if isinstance(entry, PlannedRoute) else entry.places[0]


@given(gateways)
@settings(max_examples=100)
def test_the_matcher_answers_as_the_order_says(made: Build | None) -> None:
    if made is None:
        return
    for host in plan(made).hosts:
        table = Table(host.entries)
        for _, request in EVERY[:: len(TRIED_HOSTS)]:
            first = next((n for n, e in enumerate(host.entries) if matches(e, request)), None)
            assert table.winner(request) == first


@given(two)
@settings(max_examples=100)
def test_the_same_is_the_same_and_all_that_is_sent_anew_differs(
    sides: tuple[Build | None, Build | None],
) -> None:
    before, after = sides
    if before is None or after is None:
        return
    assert difference(before, before).same
    assert before.snapshot is not None
    assert after.snapshot is not None
    equal = before.snapshot.version == after.snapshot.version and before.services == after.services
    assert difference(before, after).same == equal


@given(two)
@settings(max_examples=60)
def test_regions_hold_every_domain_once(sides: tuple[Build | None, Build | None]) -> None:
    before, after = sides
    if before is None or after is None:
        return
    found = [d for r in regions(plan(before), plan(after)) for d in r.domains]
    wanted = {d for p in (plan(before), plan(after)) for h in p.hosts for d in h.domains}
    assert len(found) == len(set(found))
    assert set(found) == wanted
