"""Whatever random preflight lets a page ask what it could not, is told of.

The oracle knows nothing of the room: it tries every entry in order against each preflight.
"""

import re
from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Build, Options, build
from controlplane.difference.compare import difference
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.sources import SourceFile
from language.mistakes import errors
from policies.contract import RouteFacts
from policies.cors.spec import Cors

PATHS = ("/a", "/a/**", "/{x}", "/**", "/a/b")
METHODS = ("GET", "PUT", "OPTIONS", "DELETE")
ORIGINS = ("https://a.example.com", "https://b.example.com")
POLICIES = (
    "",
    'cors: {origins: ["https://a.example.com"]}',
    'cors: {origins: ["https://*.example.com"], headers: [x-a]}',
    'cors: {origins: ["https://b.example.com"], credentials: true, methods: [GET, PUT]}',
)
HEAD = """\
version: 1
backends: {users: "http://users:8080"}
identities: {keys: {apiKey: {header: x-key}}}
routes:
"""
ASKED = ("GET", "PUT", "DELETE", "PATCH")
TRIED = (("a",), ("b",), ("a", "b"), ("a", "c"), ("c", "d"), ("", ""))


def route(random: Random) -> str:
    words = [f'path: "{random.choice(PATHS)}"', f"auth: {random.choice(('keys', 'none'))}"]
    words += [one for one in (random.choice(POLICIES),) if one]
    if random.random() < 0.6:
        words.append(f"methods: [{', '.join(random.sample(METHODS, random.randrange(1, 3)))}]")
    if random.random() < 0.3:
        words.append("headers: {x-v: '1'}")
        words.append(f"priority: {random.randrange(1, 9)}")
    return f"  - {{{', '.join(words)}, to: users}}\n"


def two(random: Random) -> tuple[Build | None, Build | None]:
    routes = [route(random) for _ in range(random.randrange(1, 6))]
    changed = list(routes)
    for _ in range(random.randrange(1, 3)):
        if random.random() < 0.5 or len(changed) < 2:
            changed.append(route(random))
        elif random.random() < 0.5:
            changed[random.randrange(len(changed))] = route(random)
        else:
            changed.pop(random.randrange(len(changed)))
    return built(routes), built(changed)


def built(routes: list[str]) -> Build | None:
    data = (HEAD + "".join(routes)).encode()
    made = build((SourceFile(name="gateway.yaml", data=data),), Options(main="gateway.yaml"))
    return None if errors(made.mistakes) else made


def answers(one: Build, path: tuple[str, ...], requested: str) -> Entry | None:
    assert one.plan is not None
    entries = [entry for host in one.plan.hosts for entry in host.entries]
    return next((entry for entry in entries if takes(entry, path, requested)), None)


def takes(entry: Entry, path: tuple[str, ...], requested: str) -> bool:
    pattern = entry.route.path if isinstance(entry, PlannedRoute) else entry.path
    if not re.fullmatch(pattern.regex, "".join(f"/{one}" for one in path)):
        return False
    match entry:
        case Preflight():
            return entry.answers(requested)
        case MethodNotAllowed():
            return "OPTIONS" not in entry.allow
        case PlannedRoute():
            match = entry.route.match
            return not match.headers and (not match.methods or "OPTIONS" in match.methods)


def lets(entry: Entry | None, origin: str) -> set[str]:
    """What a page of an origin may do after this answer: methods, headers, cookies."""
    if not isinstance(entry, Preflight) or entry.route is None:
        return set()
    route = entry.route.route
    cors: Cors = next(s.value for s in entry.route.settings if s.key == "cors")
    if not any(one.takes(origin) for one in cors.origins):
        return set()
    methods = cors.allowed_methods(RouteFacts(path=route.path, methods=route.match.methods))
    return {"ask", *methods, *cors.headers, *(["cookies"] if cors.credentials else [])}


@given(st.randoms(use_true_random=False).map(two))
@settings(max_examples=250)
def test_each_preflight_that_lets_a_page_ask_more_is_told_of(
    sides: tuple[Build | None, Build | None],
) -> None:
    before, after = sides
    if before is None or after is None:
        return
    found = difference(before, after)
    ways: set[tuple[object, object]] = {
        (one.before.place if one.before else None, one.after.place if one.after else None)
        for weakening in found.weakenings
        if weakening.key == "cors"
        for one in weakening.handovers
        if one.request.method == "OPTIONS"
    }
    for path, requested, origin in product(TRIED, ASKED, ORIGINS):
        old, new = (answers(one, path, requested) for one in (before, after))
        if old is not None and lets(new, origin) - lets(old, origin):
            assert new is not None
            assert (place(old), place(new)) in ways, (path, requested, origin)


@given(st.randoms(use_true_random=False).map(two))
@settings(max_examples=150)
def test_each_preflight_that_another_route_decides_is_told_of(
    sides: tuple[Build | None, Build | None],
) -> None:
    before, after = sides
    if before is None or after is None:
        return
    found = difference(before, after)
    said = [*found.elsewhere, *(h for w in found.weakenings for h in w.handovers)]
    said = [one for one in said if one.request.method == "OPTIONS"]
    ways = {(h.before.place, h.after.place) for h in said if h.before and h.after}
    for path, requested in product(TRIED, ASKED):
        old, new = (answers(one, path, requested) for one in (before, after))
        if not isinstance(old, Preflight) or not isinstance(new, Preflight):
            continue
        other = [lets(old, one) != lets(new, one) for one in ORIGINS]
        if old.route is None or new.route is None:
            assert old.route is new.route or (place(old), place(new)) in ways
        elif any(other) and old.route.rule != new.route.rule:
            assert (place(old), place(new)) in ways


def place(entry: Entry) -> object:
    if isinstance(entry, Preflight) and entry.route is not None:
        return entry.route.route.place
    return entry.route.place if isinstance(entry, PlannedRoute) else entry.places[0]
