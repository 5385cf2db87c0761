"""What counts as gone, how much of it is held, and how that is told."""

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.build import Build, Options, build
from controlplane.gate.brake import Removal, mistakes, removed
from controlplane.sources import SourceFile
from language.mistakes import errors
from language.places import Place
from tests.controlplane.small_pages import in_pages

START = Place("gateway.yaml", 1, 1)
ECHO = "backends: {echo: 'http://127.0.0.1:9'}"


def made(*lines: str, other: str = "") -> Build:
    text = "\n".join(("version: 1", "defaults: {auth: none}", *lines))
    files = [SourceFile(name="gateway.yaml", data=text.encode())]
    if other:
        files.append(SourceFile(name="other.yaml", data=other.encode()))
    whole = build(tuple(files), Options())
    assert not errors(whole.mistakes), whole.mistakes
    return whole


def routes(*items: str, head: str = ECHO) -> Build:
    return made(head, "routes:", *(f"  - {{{one}}}" for one in items))


@cache
def numbered(numbers: tuple[int, ...]) -> Build:
    """A route for each number, to one backend."""
    return routes(*(f"path: /p{n}, to: echo" for n in numbers))


def told(before: Build, after: Build) -> dict[str, str]:
    return {one.kind: one.reason for one in removed(before, after)}


@given(
    had=st.integers(1, 60),
    gone=st.integers(0, 60),
    new=st.integers(0, 30),
    order=st.randoms(use_true_random=False),
)
def test_a_fifth_and_at_least_ten_are_held(had: int, gone: int, new: int, order: object) -> None:
    gone = min(gone, had if new else had - 1)
    rest = [*range(gone, had), *range(100, 100 + new)]
    order.shuffle(rest)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    found = removed(numbered(tuple(range(had))), numbered(tuple(rest)))
    if gone >= 10 and gone * 5 >= had:
        (one,) = found
        assert (one.kind, one.had, one.left, one.reason) == ("routes", had, had - gone, "many")
        assert len(one.names) == 5
        assert one.names == tuple(sorted(one.names))
        assert set(one.names) <= {f"*/p{n}" for n in range(gone)}
    else:
        assert found == ()


@pytest.mark.parametrize(
    ("had", "left", "holds"),
    [(50, 40, True), (51, 41, False), (10, 1, False), (11, 1, True), (100, 80, True)],
)
def test_the_edges(*, had: int, left: int, holds: bool) -> None:
    before, after = numbered(tuple(range(had))), numbered(tuple(range(left)))
    assert told(before, after) == ({"routes": "many"} if holds else {})
    assert told(after, before) == {}


PEOPLE = (
    "identities: {keys: {apiKey: {header: x-api-key}}}",
    "consumers: {bob: {key: 'sha256:" + "ab" * 32 + "'}}",
)
WHOLE = made(
    ECHO,
    *PEOPLE,
    "routes:",
    "  - {path: /a, auth: keys, to: echo, limits: [{per: ip, rate: 5/s}]}",
    "  - {path: /b, auth: keys, respond: {status: 200}}",
)


def test_a_kind_that_is_empty_is_held_however_small_it_was() -> None:
    less = made("routes:", "  - {path: /b, respond: {status: 200}}")
    assert removed(WHOLE, less) == (
        Removal(kind="backends", had=1, left=0, names=("echo",), reason="emptied"),
        Removal(kind="consumers", had=1, left=0, names=("bob",), reason="emptied"),
        Removal(kind="limits", had=1, left=0, names=("ip-s",), reason="emptied"),
    )
    assert removed(less, WHOLE) == ()


def test_a_build_without_plan_and_lines_will_do() -> None:
    stored = replace(WHOLE, sources=(), plan=None, provenance={})
    assert removed(stored, WHOLE) == removed(WHOLE, stored) == ()
    less = made("routes:", "  - {path: /b, respond: {status: 200}}")
    assert removed(stored, less) == removed(WHOLE, less)


def test_a_rename_is_a_removal_but_empties_nothing() -> None:
    one = made("backends: {a: 'http://127.0.0.1:9'}", "routes: [{path: /, to: a}]")
    other = made("backends: {b: 'http://127.0.0.1:9'}", "routes: [{path: /, to: b}]")
    assert told(one, other) == {}
    many = tuple(f"path: /p{n}, to: echo" for n in range(12))
    here = routes(*many, head=f"{ECHO}\nhosts: [a.example]")
    there = routes(*many, head=f"{ECHO}\nhosts: [b.example]")
    (found,) = removed(here, there)
    assert (found.kind, found.left, found.names[0]) == ("routes", 0, "a.example/p0")


@pytest.mark.parametrize(
    "change",
    [
        "timeout: 3s",
        "retry: {attempts: 2, codes: [503]}",  # makes two Envoy routes of each
        "limits: [{per: route, rate: 5/s}]",
    ],
)
def test_another_policy_removes_no_route(change: str) -> None:
    bare = routes(*(f"path: '/p{n}/{{id}}', to: echo" for n in range(12)))
    more = routes(*(f"path: '/p{n}/{{id}}', to: echo, {change}" for n in range(12)))
    assert told(bare, more) == {}
    assert "routes" not in told(more, bare)


def test_another_host_beside_takes_nothing_away() -> None:
    items = [f"path: /p{n}, to: echo, limits: [{{per: ip, rate: {n + 1}/s}}]" for n in range(12)]
    one = routes(*items, head=f"{ECHO}\nhosts: [m.example]")
    two = routes(*items, head=f"{ECHO}\nhosts: [m.example, a.example]")
    assert told(one, two) == {}
    assert told(two, one) == {"routes": "many"}  # nobody reaches them at a.example any more


def test_what_the_gateway_makes_is_no_route_of_the_users() -> None:
    """Twelve 405 answers and the one without a host go, and the backends of our own stay."""
    some = routes(*(f"path: /p{n}, methods: [GET], to: echo" for n in range(12)))
    every = routes(
        *(f"path: /p{n}, methods: [GET], to: echo" for n in range(12)),
        *(f"path: /p{n}, to: echo" for n in range(12)),
    )
    assert told(every, some) == {"routes": "many"}
    assert removed(every, some)[0].had == 24
    assert told(some, every) == {}


@pytest.mark.parametrize("order", list(permutations(("GET", "PUT", "POST"))))
def test_the_order_of_methods_and_headers_is_nothing(order: tuple[str, ...]) -> None:
    def whole(methods: Collection[str], headers: str) -> Build:
        named = ", ".join(methods)
        return routes(
            *(
                f"path: /p{n}, methods: [{named}], headers: {{{headers}}}, to: echo"
                for n in range(12)
            )
        )

    first = whole(("GET", "PUT", "POST"), "x-a: one, x-b: two")
    assert told(first, whole(order, "x-b: two, x-a: one")) == {}
    assert told(first, whole(order[:2], "x-b: two, x-a: one")) == {"routes": "many"}


def test_files_may_be_cut_anew() -> None:
    lines = [f"  - {{path: /p{n}, to: echo}}" for n in range(12)]
    one = made(ECHO, "routes:", *lines)
    head = "defaults: {auth: none}\nroutes:\n"
    two = made(ECHO, "routes:", *lines[6:], other=head + "\n".join(reversed(lines[:6])))
    assert told(one, two) == {}


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (
            Removal(kind="routes", had=20, left=8, names=tuple("abcde"), reason="many"),
            "this version is held: it removes 12 of 20 routes (a, b, c, d, e, …)",
        ),
        (
            Removal(kind="consumers", had=3, left=0, names=tuple("abc"), reason="emptied"),
            "this version is held: it has no consumers any more, and there were 3 (a, b, c)",
        ),
        (
            Removal(kind="backends", had=1, left=0, names=("a",), reason="emptied"),
            "this version is held: it has no backends any more, and there was one (a)",
        ),
    ],
)
def test_it_is_told_with_what_to_do(one: Removal, message: str) -> None:
    (found,) = mistakes((one,), START)
    assert (found.place, found.message, found.severity) == (START, message, "error")
    assert "--allow-removal" in found.hint


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/**", "*/**"),
        ("/a/**", "*/a/**"),
        ("/a/{id}/b", "*/a/{…}/b"),
        ("/a/{id}/**", "*/a/{…}/**"),
        ("/a.b/{id}", "*/a.b/{…}"),
    ],
)
def test_routes_are_shown_by_their_paths(path: str, shown: str) -> None:
    more = [f"path: /p{n}, to: echo" for n in range(11)]
    before = routes(f"path: '{path}', to: echo", *more)
    (one,) = removed(before, routes("path: /left, to: echo"))
    assert shown in one.names


def test_another_layout_removes_nothing_and_copies_count_once() -> None:
    paths = [f"path: /p{n}/**, to: echo" for n in range(30)]
    wide = ['path: "/{any}/{way}", to: echo', "path: /**, to: echo"]
    plain = routes(*paths, *wide, head=f"{ECHO}\nhosts: ['*.example.com']")
    pages = [in_pages(plain, Options(), largest) for largest in (1, 3, 50)]
    for one, other in permutations((plain, *pages), 2):
        assert removed(one, other) == ()
    fewer = routes(*paths[12:], *wide, head=f"{ECHO}\nhosts: ['*.example.com']")
    for one in (plain, *pages):
        for other in (fewer, in_pages(fewer, Options(), 2)):
            (found,) = removed(one, other)
            assert (found.kind, found.had, found.left) == ("routes", 32, 20)
