"""Nodes to settings: each mistake at its place, none twice, none for what the reader refused."""

from dataclasses import dataclass, field
from typing import Annotated

import pytest

from language.decode import Decoder, Refused, blank, settings, spot
from language.fields import HeaderName
from language.mistakes import Mistake
from language.nodes import ListNode, MapNode, Scalar
from language.reader import read
from language.scalars import UNIQUE, Line, Name, integer


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    path: Line
    per_try: Annotated[int, *integer(1, 9)] = 1


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    inner: Inner | None = None
    names: Annotated[tuple[Name, ...], UNIQUE] = ()
    headers: dict[HeaderName, Line] = field(default_factory=dict)


OUTER = Decoder(Outer)


def decoded(text: str) -> Outer | Refused:
    root = read("f", text.encode()).root
    assert root is not None
    return OUTER.decode("f", root, Scalar("key", 9, 9, quoted=False))


def told(text: str) -> list[str]:
    read_ = decoded(text)
    assert isinstance(read_, Refused)
    return [f"{m.place.line}:{m.place.column} {m.message} ({m.hint})" for m in read_.mistakes]


def test_settings_are_read() -> None:
    expected = Outer(inner=Inner(path="/a", per_try=2), names=("a",), headers={"x-a": "1"})
    assert decoded("inner: {path: /a, perTry: 2}\nnames: [a]\nheaders: {X-A: 1}\n") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inner: {path: /a, perTry: x}", "1:27 'x' is not a whole number (write one from 1 to 9)"),
        ("inner: {path: /a, per_try: 1}", "1:19 unknown key 'per_try' (did you mean 'perTry'?)"),
        ("inner: {path: /a, z: 1}", "1:19 unknown key 'z' (it may be path, perTry)"),
        ("inner: {perTry: 1}", "1:1 'path' is missing here (add path: …)"),
        ("inner: {pth: /a}", "1:9 unknown key 'pth' (did you mean 'path'?)"),
        ("inner: /a", "1:8 a mapping is wanted here, not one value (it has path, perTry)"),
        ("names: a", "1:8 a list is wanted here, not one value (write [a])"),
        ("names: {a: b}", "1:8 a list is wanted here, not a mapping (write [a, b])"),
        ("names: [a, b, a]", "1:15 'a' stands twice (keep one)"),
        (
            "names: [a, -b]",
            "1:12 '-b' is not a name (letters, digits, '-', '_' and '.', at most 63)",
        ),
        ("headers: [a]", "1:10 a mapping is wanted here, not a list (write {name: value})"),
        (
            "headers: {x_a: b}",
            "1:11 'x_a': the gateway refuses requests whose headers hold '_' (write x-a)",
        ),
        (
            "headers: {x-a: [b]}",
            "1:16 one value is wanted here, not a list (leave the brackets or the dashes out)",
        ),
        ('headers: {x-a: "bü"}', "1:18 U+00FC cannot stand in a header or a parameter ()"),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, message: str) -> None:
    assert told(text) == [message]


def test_every_mistake_is_told_at_once() -> None:
    assert len(told("inner: {path: /a, perTry: x}\nnames: [a, a]\nheaders: {x_a: b}\n")) == 3


@pytest.mark.parametrize(
    "text", ["inner: {path: ''}", "inner: {path: /a, perTry: }", "inner: {}", "names: ['']"]
)
def test_what_the_reader_refused_is_not_refused_again(text: str) -> None:
    assert read("f", text.encode()).mistakes
    read_ = decoded(text)
    assert not isinstance(read_, Refused) or read_.mistakes == ()


def test_the_caret_is_as_wide_as_the_text() -> None:
    refused = decoded('names: ["a b"]')
    assert isinstance(refused, Refused)
    mistake: Mistake = refused.mistakes[0]
    assert (mistake.place.column, mistake.width) == (9, 5)


def test_keys_of_a_path() -> None:
    assert OUTER.keys(()) == ("inner", "names", "headers")
    assert OUTER.keys(("inner",)) == ("path", "perTry")
    assert OUTER.keys(("headers",)) == ()


def test_a_spot_finds_names_whatever_their_case() -> None:
    root = read("f", b"set: {X-A: 1, x-a: 2}\n").root
    assert root is not None
    assert spot(root, None, ("set", "x-a")).node == Scalar("2", 1, 20, quoted=False)
    upper = read("f", b"set: {X-A: 1}\n").root
    assert upper is not None
    assert spot(upper, None, ("set", "x-a")).node == Scalar("1", 1, 12, quoted=False)
    assert spot(upper, None, ("get",)).node is upper


def test_blank() -> None:
    assert blank(Scalar("", 1, 1, quoted=True))
    assert blank(ListNode((), 1, 1))
    assert blank(MapNode((), 1, 1))
    assert not blank(Scalar("0", 1, 1, quoted=False))
