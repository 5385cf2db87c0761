"""Precedence: the sorted list gives the verdict of the language, in any order of routes and files.

The matcher here is written from the words of the language and shares no code with the plan.
"""

from random import Random

import pytest

from controlplane.build import Build, Options, build
from controlplane.model.gateway import Route
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.sources import SourceFile
from language.mistakes import errors
from language.paths import PathPattern

PATHS = ("/a", "/a/b", "/a/{x}", "/a/{x}/b", "/a/**", "/{x}", "/**", "/a/{x}/**", "/b/**", "/a/")
METHODS = ("GET", "POST", "PUT")
REQUESTS = ("/a", "/a/", "/a/b", "/a/c", "/a/c/b", "/a/c/d", "/b", "/b/x", "/c", "/c/d", "/")
ROUNDS = 120


class Wanted:
    """A route as it was written, and what it matches."""

    def __init__(self, random: Random, number: int) -> None:
        self.path = random.choice(PATHS)
        self.methods = random.sample(METHODS, random.choice((0, 0, 1, 2)))
        self.headers = {n: "1" for n in ("x-a", "x-b") if random.random() < 0.25}
        self.query = {n: "1" for n in ("p", "q") if random.random() < 0.2}
        self.priority = number  # all differ, so that no two are a mistake
        self.name = f"b{number}"

    @property
    def yaml(self) -> str:
        parts = [f'path: "{self.path}"', f"priority: {self.priority}", f"to: {self.name}"]
        parts += [f"methods: [{', '.join(self.methods)}]"] if self.methods else []
        for key, pairs in (("headers", self.headers), ("query", self.query)):
            inner = ", ".join(f'{n}: "{v}"' for n, v in pairs.items())
            parts += [f"{key}: {{{inner}}}"] if pairs else []
        return f"  - {{{', '.join(parts)}}}\n"

    def takes(self, path: str) -> bool:
        return specificity(self.path, path) is not None

    def fits(self, headers: dict[str, str], query: dict[str, str]) -> bool:
        return self.headers.items() <= headers.items() and self.query.items() <= query.items()


def specificity(pattern: str, path: str) -> tuple[int, ...] | None:
    """How specific a pattern is for a path that it matches, the smaller the more; or None."""
    wanted, given = pattern[1:].split("/"), path[1:].split("/")
    kinds: list[int] = []
    for position, part in enumerate(wanted):
        if part == "**":
            return (1, *kinds, 3)
        if position == len(given):
            return None
        if part.startswith("{"):
            if not given[position]:
                return None
            kinds.append(1)
        elif part != given[position]:
            return None
        else:
            kinds.append(0)
    if len(given) != len(wanted):
        return None
    return (0,) if not any(kinds) else (1, *kinds, 2)


def verdict(
    routes: list[Wanted], path: str, method: str, headers: dict[str, str], query: dict[str, str]
) -> str:
    """The backend that the language names, 405, or 404."""
    matching = [r for r in routes if r.takes(path)]
    shapes = {specificity(r.path, path) for r in matching}
    for shape in sorted(s for s in shapes if s is not None):
        same = [r for r in matching if specificity(r.path, path) == shape]
        fitting = [r for r in same if r.fits(headers, query)]
        fitting = [r for r in fitting if not r.methods or method in r.methods]
        if fitting:
            best = min(
                fitting,
                key=lambda r: (not r.methods, -len(r.headers), -len(r.query), -r.priority),
            )
            return best.name
        if all(r.methods and method not in r.methods for r in same):
            return "405"
    return "404"


def served(
    built: Build, path: str, method: str, headers: dict[str, str], query: dict[str, str]
) -> str:
    """The first entry of the plan that matches, as Envoy goes through them."""
    assert built.plan is not None
    (host,) = built.plan.hosts
    for entry in host.entries:
        assert not isinstance(entry, Preflight), "no route has a cors"
        at = entry.path if isinstance(entry, MethodNotAllowed) else entry.route.path
        if specificity(at.text, path) is None:
            continue
        if isinstance(entry, MethodNotAllowed):
            if method not in entry.allow:
                return "405"
            continue
        if _fits(entry.route, method, headers, query):
            return next(iter(entry.route.match.to or {}))
    return "404"


def _fits(route: Route, method: str, headers: dict[str, str], query: dict[str, str]) -> bool:
    match = route.match
    return (
        (not match.methods or method in match.methods)
        and all(wanted.takes(headers.get(name)) for name, wanted in match.headers.items())
        and all(wanted.takes(query.get(name)) for name, wanted in match.query.items())
    )


def built_from(routes: list[Wanted], random: Random, *, files: int) -> Build:
    names = "".join(f"  b{number}: http://b{number}\n" for number in range(len(routes)))
    parts = [f"version: 1\ndefaults: {{auth: none}}\nbackends:\n{names}"]
    parts += ["defaults: {auth: none}\n"] * (files - 1)
    shares: list[list[str]] = [[] for _ in parts]
    for route in routes:
        random.choice(shares).append(route.yaml)
    texts = [
        p + ("routes:\n" + "".join(s) if s else "") for p, s in zip(parts, shares, strict=True)
    ]
    texts = [t if "routes" in t or n == 0 else "" for n, t in enumerate(texts)]
    sources = [
        SourceFile(name="gateway.yaml" if n == 0 else f"f{random.random()}.yaml", data=t.encode())
        for n, t in enumerate(texts)
        if t
    ]
    if len(sources) > 1 and "routes" not in texts[0]:
        first = sources[0]
        sources[0] = SourceFile(
            name=first.name, data=first.data.replace(b"defaults: {auth: none}\n", b"")
        )
    random.shuffle(sources)
    return build(tuple(sources), Options())


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_the_first_match_is_the_verdict_in_any_order(seed: int) -> None:
    random = Random(seed)  # noqa: S311 # examples, no secrets
    routes = [Wanted(random, number) for number in range(random.randrange(2, 9))]
    once = built_from(routes, random, files=1)
    again = built_from(random.sample(routes, len(routes)), random, files=3)
    assert not errors((*once.mistakes, *again.mistakes))
    for path in REQUESTS:
        for method in (*METHODS, "DELETE"):
            headers = {n: "1" for n in ("x-a", "x-b") if random.random() < 0.5}
            query = {n: "1" for n in ("p", "q") if random.random() < 0.5}
            wanted = verdict(routes, path, method, headers, query)
            assert served(once, path, method, headers, query) == wanted
            assert served(again, path, method, headers, query) == wanted


@pytest.mark.parametrize("seed", range(40))
def test_rules_are_the_same_in_any_file(seed: int) -> None:
    random = Random(seed)  # noqa: S311 # examples, no secrets
    routes = [Wanted(random, number) for number in range(5)]
    rules = []
    for files in (1, 2, 4):
        plan = built_from(routes, random, files=files).plan
        assert plan is not None
        rules.append([e.rule for h in plan.hosts for e in h.entries])
    assert rules[0] == rules[1] == rules[2]
    assert len(set(rules[0])) == len(rules[0])


def test_a_405_stands_behind_the_routes_of_its_path_and_names_their_methods() -> None:
    text = (
        "version: 1\ndefaults: {auth: none}\nbackends: {a: http://a}\nroutes:\n"
        "  - {path: /**, to: a}\n"
        '  - {path: "/a/{x}", methods: [POST, PURGE], to: a}\n'
        '  - {path: "/a/{y}", methods: [GET], headers: {x-a: "1"}, to: a}\n'
        "  - {path: /b, methods: [GET], to: a}\n"
        "  - {path: /b, to: a}\n"
    )
    built = build((SourceFile(name="g", data=text.encode()),), Options())
    assert built.plan is not None
    (host,) = built.plan.hosts
    shown = [
        f"405 {e.path.text} {e.allow}" if isinstance(e, MethodNotAllowed) else _path(e).text
        for e in host.entries
    ]
    assert shown == ["/b", "/b", "/a/{y}", "/a/{x}", "405 /a/{y} ('GET', 'POST', 'PURGE')", "/**"]


def _path(entry: Entry) -> PathPattern:
    assert isinstance(entry, PlannedRoute)
    return entry.route.path


def test_the_405s_of_expressions_stand_behind_all_expressions_once_each() -> None:
    text = (
        "version: 1\ndefaults: {auth: none}\nbackends: {a: http://a}\nroutes:\n"
        "  - {path: {regex: '/a+'}, methods: [GET], to: a}\n"
        "  - {path: {regex: '/a+'}, methods: [PUT], headers: {x-a: '1'}, to: a}\n"
        "  - {path: {regex: '/b+'}, methods: [GET], query: {q: {present: true}}, to: a}\n"
        "  - {path: {regex: '/c+'}, methods: [GET], to: a}\n"
        "  - {path: {regex: '/c+'}, to: a}\n"
    )
    built = build((SourceFile(name="g", data=text.encode()),), Options())
    assert built.plan is not None
    assert built.mistakes == ()
    (host,) = built.plan.hosts
    shown = [
        f"405 {e.path.regex} {e.allow}" if isinstance(e, MethodNotAllowed) else _path(e).regex
        for e in host.entries
    ]
    assert shown[:5] == ["/a+", "/b+", "/a+", "/c+", "/c+"]
    assert sorted(shown[5:]) == ["405 /a+ ('GET', 'PUT')", "405 /b+ ('GET',)"]
    assert len({e.rule for e in host.entries}) == len(host.entries)
