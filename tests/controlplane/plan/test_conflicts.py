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
        ("path: /a, headers: {a: {prefix: x}}", "path: /a, headers: {a: xy}"),
        ("path: /a, headers: {a: {present: true}}", "path: /a, headers: {a: {regex: 'x+'}}"),
        ("path: /a, query: {a: {regex: 'x.*'}}", "path: /a, query: {a: {regex: '.*y'}}"),
        ("path: /a, query: {a: {present: false}}", "path: /a, query: {b: {present: true}}"),
        ("path: {regex: '/a.*'}", "path: {regex: '/.*b'}"),
        ("path: {regex: '/a+'}", "path: {regex: '/a+'}"),
        ("path: {regex: '/a+'}, priority: 3", "path: {regex: '/a*'}, priority: 3"),
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
        ("path: /a, headers: {a: {prefix: x}}", "path: /a, headers: {a: yx}"),
        ("path: /a, headers: {a: {present: true}}", "path: /a, headers: {a: {present: false}}"),
        ("path: /a, query: {a: {regex: '[0-9]+'}}", "path: /a, query: {a: x}"),
        ("path: /a, query: {a: {regex: 'x.*'}}", "path: /a, query: {a: {prefix: y}}"),
        ("path: {regex: '/a.*'}", "path: {regex: '/b.*'}"),
        ("path: {regex: '/v1/.*'}", "path: {regex: '/v10.*'}"),
        ("path: {regex: '/a.*'}, headers: {a: '1'}", "path: {regex: '/.*b'}, headers: {a: '2'}"),
        ("path: {regex: '/a.*'}, methods: [GET]", "path: {regex: '/.*b'}, methods: [PUT]"),
        ("path: {regex: '/a.*'}, priority: 1", "path: {regex: '/.*b'}"),
        ("path: {regex: '/a.*'}", "path: /a/b"),
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
    ("above", "below"),
    [
        ("path: /a, headers: {a: {prefix: x}}, priority: 1", "path: /a, headers: {a: xy}"),
        ("path: /a, query: {a: {present: true}}, priority: 1", "path: /a, query: {a: {regex: x+}}"),
        ("path: {regex: '/a+'}, priority: 1", "path: {regex: '/a+'}"),
        ("path: /a/**", "path: {regex: '/a/[0-9]+'}"),
        ("path: /a/**", "path: {regex: '/a/b/c'}, methods: [PUT]"),
        ("path: /**", "path: {regex: '.*[.]png'}"),
        ("path: /a", "path: {regex: '/a'}"),
        ("path: /a/**, methods: [GET, PUT]", "path: {regex: '/a/[0-9]+'}, methods: [GET]"),
        ("path: /a/**, methods: [GET]", "path: {regex: '/a/[0-9]+'}"),
        ("path: /a/**, methods: [GET], headers: {a: b}", "path: {regex: /a/b+}, methods: [PUT]"),
    ],
)
def test_a_wider_route_that_is_tried_before_shadows(above: str, below: str) -> None:
    assert told(above, below) == [(2, "warning", [1])]
    assert told(below, above) == [(1, "warning", [2])]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("path: /a/**, headers: {a: b}", "path: {regex: '/a/[0-9]+'}"),
        ("path: /a/**, methods: [GET], headers: {a: b}", "path: {regex: /a/b+}, methods: [GET]"),
        ("path: /a/**", "path: {regex: '/a[0-9]+'}"),
        ("path: /a/**", "path: {regex: '/(a|b)/[0-9]+'}"),
        ("path: /a", "path: {regex: '/a+'}"),
        (
            "path: /a, headers: {a: {prefix: xy}}, priority: 1",
            "path: /a, headers: {a: {prefix: x}}",
        ),
    ],
)
def test_a_route_that_some_request_reaches_is_not_shadowed(above: str, below: str) -> None:
    assert told(above, below) == []
    assert told(below, above) == []


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
        ["path: /a, redirect: {path: /b}", "path: {regex: '/b+'}, redirect: {path: /a}"],
        ["path: {regex: '/a+'}, redirect: {path: /b}", "path: {regex: '/b+'}"],
    ],
)
def test_these_redirects_end(routes: list[str]) -> None:
    assert told(*routes) == []


def test_a_long_path_is_no_recursion() -> None:
    long = "/a" * 3000
    assert told(f"path: {long}, redirect: {{path: {long}b}}") == []
