"""Inheritance: maps merge at every depth, all else replaces, `none` switches off."""

from typing import Any

import pytest

from controlplane.model.file import read_file
from controlplane.model.gateway import Backend, File, Route
from controlplane.model.inherit import merge
from language.mistakes import Mistake
from language.nodes import MapNode, Node, Scalar
from language.reader import read
from policies.caps.spec import Caps
from policies.headers.spec import HeaderOperations
from policies.retry.spec import Retry


def modelled(text: str) -> tuple[File, tuple[Mistake, ...]]:
    return read_file(read("gateway.yaml", text.encode()), gateway=True)


def file_of(defaults: str, route: str, backend: str = "url: http://a") -> File:
    text = (
        f"version: 1\ndefaults: {{auth: none, {defaults}}}\nbackends: {{a: {{{backend}}}}}\n"
        f"routes:\n  - {{path: /a, {route}, to: a}}\n"
    )
    file, mistakes = modelled(text)
    assert mistakes == ()
    return file


def setting(one: Route | Backend, key: str) -> Any:
    found = [s for s in one.settings if s.key == key]
    assert len(found) <= 1
    return found[0].value if found else "nothing"


def node(text: str) -> Node:
    root = read("f", text.encode()).root
    assert root is not None
    return root


def shown(value: Node) -> Any:
    if isinstance(value, MapNode):
        return {key.text: shown(below) for key, below in value.entries}
    return value.text if isinstance(value, Scalar) else [shown(i) for i in value.items]


@pytest.mark.parametrize(
    ("above", "own", "merged"),
    [
        ("a: 1", "b: 2", {"a": "1", "b": "2"}),
        ("a: 1", "a: 2", {"a": "2"}),
        ("a: {b: {c: 1, d: 2}}", "a: {b: {d: 3}}", {"a": {"b": {"c": "1", "d": "3"}}}),
        ("a: [1, 2]", "a: [3]", {"a": ["3"]}),
        ("a: {b: 1}", "a: 2", {"a": "2"}),
        ("a: 1", "a: {b: 2}", {"a": {"b": "2"}}),
        ("X-A: 1", "x-a: 2", {"x-a": "2"}),
        ("a: 1", "X-A: 1\nx-a: 2", {"a": "1", "X-A": "1", "x-a": "2"}),
    ],
)
def test_merge(above: str, own: str, merged: dict[str, Any]) -> None:
    assert shown(merge(node(above), node(own))) == merged


def test_a_route_inherits() -> None:
    file = file_of("timeout: 3s, retry: {attempts: 2, codes: [503]}", "methods: [GET]")
    assert setting(file.routes[0], "timeout") == 3000
    assert setting(file.routes[0], "retry") == Retry(attempts=2, codes=(503,))
    assert all(s.inherited for s in file.routes[0].settings)


def test_maps_merge_and_lists_replace() -> None:
    file = file_of(
        "retry: {attempts: 2, codes: [502, 503]},"
        " request: {set: {x-a: '1', X-B: '2'}, remove: [x-c]}",
        "retry: {codes: [500], perTry: 1s}, request: {set: {x-b: '3'}}",
    )
    assert setting(file.routes[0], "retry") == Retry(attempts=2, codes=(500,), per_try=1000)
    expected = HeaderOperations(set={"x-a": "1", "x-b": "3"}, remove=("x-c",))
    assert setting(file.routes[0], "request") == expected
    assert not any(s.inherited for s in file.routes[0].settings if s.key == "retry")


def test_none_switches_off_at_every_depth() -> None:
    defaults = "retry: {attempts: 2, perTry: 1s}, request: {set: {x-a: '1', x-b: '2'}}"
    file = file_of(defaults, "retry: none, request: {set: {X-A: none}}")
    assert setting(file.routes[0], "retry") == "nothing"
    assert setting(file.routes[0], "request") == HeaderOperations(set={"x-b": "2"})
    file = file_of(defaults, "retry: {perTry: none}, request: {set: none, add: {x-c: '1'}}")
    assert setting(file.routes[0], "retry") == Retry(attempts=2)
    assert setting(file.routes[0], "request") == HeaderOperations(add={"x-c": "1"})


def test_none_acts_where_something_is_on_by_itself() -> None:
    file = file_of("response: {remove: [server]}", "timeout: none")
    assert setting(file.routes[0], "timeout") is None
    assert setting(file_of("timeout: none", "methods: [GET]").routes[0], "timeout") is None


def test_a_quoted_none_is_a_text() -> None:
    file = file_of("timeout: 3s", "request: {set: {x-a: 'none'}}")
    assert setting(file.routes[0], "request") == HeaderOperations(set={"x-a": "none"})


def test_a_backend_inherits_from_defaults_backend() -> None:
    file = file_of(
        "backend: {caps: {connections: 10, pending: 5}, balance: leastRequest}",
        "methods: [GET]",
        "url: http://a, caps: {pending: 7}, balance: none",
    )
    assert setting(file.backends[0], "caps") == Caps(connections=10, pending=7)
    assert setting(file.backends[0], "balance") == "nothing"


def test_what_means_nothing_on_a_route_is_unused_without_a_word() -> None:
    text = (
        "version: 1\ndefaults: {auth: none, timeout: 3s, request: {remove: [x-a]},"
        " retry: {codes: [503]}}\n"
        "backends: {a: http://a}\nroutes:\n  - {path: /a, redirect: {path: /b}}\n"
        "  - {path: /c, methods: [POST], retry: {attempts: 2}, to: a}\n"
    )
    file, mistakes = modelled(text)
    assert mistakes == ()
    assert [s.key for s in file.routes[0].settings] == ["auth", "redirect"]


def test_defaults_hold_what_a_route_completes() -> None:
    file = file_of("retry: {methods: [POST]}", "retry: {codes: [503]}")
    assert setting(file.routes[0], "retry") == Retry(codes=(503,), methods=("POST",))


def test_a_contradiction_is_told_where_it_is_written() -> None:
    text = (
        "version: 1\ndefaults: {auth: none, request: {remove: [x-a]}}\n"
        "backends: {a: http://a}\nroutes:\n"
        "  - {path: /a, request: {set: {X-A: '1'}}, to: a}\n"
        "  - {path: /b, request: {set: {X-A: '1'}, remove: none}, to: a}\n"
    )
    _, mistakes = modelled(text)
    assert [(m.place.line, m.place.column) for m in mistakes] == [(5, 32)]


def test_a_broken_default_is_told_once() -> None:
    text = (
        "version: 1\ndefaults: {auth: none, retry: {attempts: x}}\n"
        "backends: {a: http://a}\nroutes:\n"
        "  - {path: /a, retry: {codes: [503]}, to: a}\n"
        "  - {path: /b, retry: {codes: [1]}, to: a}\n"
    )
    _, mistakes = modelled(text)
    assert [(m.place.line, m.place.column) for m in mistakes] == [(2, 42), (6, 32)]
