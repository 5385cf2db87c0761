"""Equal ranks, routes that never match, and redirects that never end."""

import pytest

from controlplane.build import Options, build
from controlplane.sources import SourceFile


def told(*routes: str) -> list[tuple[int, str, list[int]]]:
    """For each mistake its route (counted from 1), its severity, and the others that it names."""
    text = "version: 1\ndefaults: {auth: none}\nbackends: {x: http://x}\nroutes:\n"
    text += "".join(
        f"  - {{{r}, to: x}}\n" if "redirect" not in r else f"  - {{{r}}}\n" for r in routes
    )
    text += "  - {path: /used, to: x}\n"
    made = build((SourceFile(name="g", data=text.encode()),), Options())
    return [(m.place.line - 4, m.severity, [p.line - 4 for p in m.also]) for m in made.mistakes]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: /a", "path: /a"),
        ('path: "/a/{x}"', 'path: "/a/{y}"'),
        ("path: /a/**", 'path: "/a/{rest=**}"'),
        ("path: /a, methods: [GET, PUT]", "path: /a, methods: [PUT, POST]"),
        ("path: /a, headers: {a: '1'}", "path: /a, headers: {b: '1'}"),
        ("path: /a, headers: {A: '1'}", "path: /a, headers: {a: '1'}"),
        ("path: /a, query: {a: '1'}", "path: /a, query: {b: '1'}"),
        (
            "path: /a, headers: {a: '1', b: '1'}",
            "path: /a, headers: {b: '1', c: '1'}",
        ),
        ("path: /a, priority: 3", "path: /a, priority: 3"),
        ("path: /%c3%bc", "path: /%C3%BC"),
    ],
)
def test_a_tie_is_an_error_that_names_both(one: str, other: str) -> None:
    assert told(one, other) == [(2, "error", [1])]
    assert told(other, one) == [(2, "error", [1])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: /a", "path: /a/"),
        ("path: /a", "path: /A"),
        ("path: /a", "path: /a/**"),
        ("path: /a", "path: /a, methods: [GET]"),
        ("path: /a", "path: /a, headers: {a: '1'}"),
        ("path: /a", "path: /a, query: {a: '1'}"),
        ("path: /a, methods: [GET]", "path: /a, methods: [PUT]"),
        ("path: /a, headers: {a: '1'}", "path: /a, headers: {a: '2'}"),
        ("path: /a, query: {a: '1'}", "path: /a, query: {a: '2'}"),
        ("path: /a, query: {a: '1'}", "path: /a, headers: {a: '1'}"),
        (
            "path: /a, headers: {a: '1', b: '1'}",
            "path: /a, headers: {a: '2', c: '1'}",
        ),
        ("path: /a, headers: {a: '1'}, priority: 1", "path: /a, headers: {b: '1'}"),
    ],
)
def test_these_do_not_stand_in_each_others_way(one: str, other: str) -> None:
    assert told(one, other) == []
    assert told(other, one) == []


def test_each_route_is_named_once() -> None:
    assert told("path: /a", "path: /a", "path: /a") == [(2, "error", [1]), (3, "error", [1])]
    three = [f"path: /a, headers: {{{name}: '1'}}" for name in ("x", "y", "z")]
    assert told(*three) == [(2, "error", [1]), (3, "error", [1])]


def test_a_shadowed_route_is_a_warning_that_names_what_shadows_it() -> None:
    assert told("path: /a", "path: /a, priority: 1") == [(1, "warning", [2])]
    both = ("path: /a, methods: [GET], priority: 1", "path: /a, methods: [PUT], priority: 2")
    assert told(*both, "path: /a, methods: [GET, PUT]") == [(3, "warning", [1, 2])]
    assert told(*both, "path: /a, methods: [GET, PUT, POST]") == []


@pytest.mark.parametrize(
    "routes",
    [
        ["path: /a, redirect: {path: /b}", "path: /b, redirect: {path: /a}"],
        [
            "path: /a, redirect: {path: /b}",
            "path: /b, redirect: {path: /c}",
            "path: /c, redirect: {path: /a}",
        ],
        ["path: /a/**, redirect: {path: /a/b}"],
        ['path: "/a/{x}", redirect: {path: /a/b}'],
        ["path: /**, redirect: {path: /b}"],
    ],
)
def test_a_redirect_loop_is_one_error(routes: list[str]) -> None:
    found = told(*routes)
    assert found == [(1, "error", list(range(2, len(routes) + 1)))]


@pytest.mark.parametrize(
    "routes",
    [
        ["path: /a/**, redirect: {path: /a/b}", "path: /a/b"],
        ["path: /a, redirect: {path: /b}", "path: /b, redirect: {path: /c}"],
        ["path: /a, redirect: {path: /b}", "path: /b, redirect: {path: /a, host: b.com}"],
        ["path: /a, redirect: {path: /b}", "path: /b, headers: {a: '1'}, redirect: {path: /a}"],
        ["path: /a, methods: [POST], redirect: {path: /b}", "path: /b, redirect: {path: /a}"],
        ["path: /a/**, redirect: {path: /b}", 'path: "/b/{x}", redirect: {path: /a}'],
    ],
)
def test_these_redirects_end(routes: list[str]) -> None:
    assert told(*routes) == []


def test_a_long_path_is_no_recursion() -> None:
    long = "/a" * 3000
    assert told(f"path: {long}, redirect: {{path: {long}b}}") == []
