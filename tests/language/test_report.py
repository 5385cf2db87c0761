"""Mistakes as they are shown: every character of a report is asserted somewhere here."""

import json
from typing import Literal

import pytest

from language.mistakes import Mistake
from language.places import Place
from language.report import as_json, render, visible

FILE = "gateway.yaml"


def mistake(
    line: int,
    column: int,
    message: str = "wrong",
    hint: str = "",
    *,
    file: str = FILE,
    width: int = 1,
    also: tuple[Place, ...] = (),
    severity: Literal["error", "warning"] = "error",
) -> Mistake:
    return Mistake(
        place=Place(file, line, column),
        message=message,
        hint=hint,
        width=width,
        also=also,
        severity=severity,
    )


def test_a_mistake_has_its_line_and_a_caret_with_the_hint() -> None:
    text = "\n" * 11 + "    tiemout: 3s\n"
    wrong = mistake(12, 5, "unknown key 'tiemout'", "did you mean 'timeout'?", width=7)
    assert render([wrong], {FILE: text}) == (
        "gateway.yaml:12:5: error: unknown key 'tiemout'\n"
        "   12 |     tiemout: 3s\n"
        "      |     ^^^^^^^ did you mean 'timeout'?\n"
        "1 error"
    )


def test_mistakes_are_in_file_order_and_counted() -> None:
    wrong = [
        mistake(1, 1, "d", file="b.yaml"),
        mistake(2, 1, "c", severity="warning"),
        mistake(1, 3, "b"),
        mistake(1, 1, "a"),
    ]
    lines = render(wrong, {}).splitlines()
    assert lines == [
        "b.yaml:1:1: error: d",
        "gateway.yaml:1:1: error: a",
        "gateway.yaml:1:3: error: b",
        "gateway.yaml:2:1: warning: c",
        "3 errors, 1 warning",
    ]
    assert render([mistake(1, 1, severity="warning")] * 2, {}).endswith("\n2 warnings")
    assert render([], {}) == ""


def test_other_places_are_shown_with_their_lines() -> None:
    texts = {FILE: "a: 1\na: 2", "other.yaml": "x:\n  a: 5"}
    wrong = mistake(2, 1, "duplicate", "keep one", also=(Place("other.yaml", 2, 3),))
    assert render([wrong], texts) == (
        "gateway.yaml:2:1: error: duplicate\n"
        "    2 | a: 2\n"
        "      | ^ keep one\n"
        "  also at other.yaml:2:3\n"
        "    2 |   a: 5\n"
        "      |   ^\n"
        "1 error"
    )


def test_without_the_text_the_hint_remains() -> None:
    assert render([mistake(1, 1, "wrong", "mend it")], {}) == (
        "gateway.yaml:1:1: error: wrong\n      = mend it\n1 error"
    )
    assert "mend it" in render([mistake(9, 1, "wrong", "mend it")], {FILE: "a: 1"})


@pytest.mark.parametrize(
    ("line", "column", "width", "shown", "carets"),
    [
        ("\ta: b", 2, 1, "    a: b", "    ^"),
        ("\ta: b", 1, 1, "    a: b", "^^^^"),
        ("名前: b", 5, 1, "名前: b", "      ^"),
        ("名前: b", 1, 2, "名前: b", "^^^^"),
        ("e\u0301: b", 4, 1, "e\u0301: b", "  ^"),
        ("\x1b[31m: b", 1, 5, "\\x1b[31m: b", "^^^^^^^^"),
        ("\u202ea: b", 2, 1, "\\u202ea: b", "      ^"),
        ("a\x00", 2, 1, "a\\x00", " ^^^^"),
        ("a: b", 5, 1, "a: b", "    ^"),  # behind the end: something is missing there
        ("a: b", 99, 9, "a: b", "    ^"),
        ("a: b", 4, 99, "a: b", "   ^"),
        ("", 1, 3, "", "^"),
    ],
)
def test_the_caret_stands_under_what_is_shown(
    line: str, column: int, width: int, shown: str, carets: str
) -> None:
    report = render([mistake(1, column, width=width)], {FILE: line}).split("\n")
    assert report[1:3] == [f"    1 | {shown}".rstrip(), f"      | {carets}"]


def test_a_long_line_is_shown_around_its_caret() -> None:
    line = "a" * 5_000_000 + "WRONG" + "b" * 2_000_000
    _, shown, carets, _ = render([mistake(1, 5_000_001, width=5)], {FILE: line}).split("\n")
    assert shown == "    1 | …" + "a" * 50 + "WRONG" + "b" * 45 + "…"
    assert carets == "      | " + " " * 51 + "^^^^^"


def test_nothing_of_a_file_reaches_the_terminal_raw() -> None:
    evil = "\x1b]0;x\x07\x9b\r\n\u202e\u2028\ud800\U000e0001"
    wrong = mistake(1, 1, f"m{evil}", f"h{evil}", file=f"f{evil}", also=(Place(f"g{evil}", 1, 1),))
    report = render([wrong], {f"f{evil}": evil, f"g{evil}": evil})
    assert all(char.isprintable() for line in report.split("\n") for char in line)
    assert "m\\x1b]0;x\\x07\\x9b\\r\\n\\u202e\\u2028\\ud800\\U000e0001" in report
    assert visible("plain é 名") == "plain é 名"


def test_messages_have_an_end() -> None:
    report = render([mistake(1, 1, "m" * 10_000, "h" * 10_000)], {FILE: "a: b"})
    assert len(report) < 1_000


def test_colour_is_ours_and_changes_no_text() -> None:
    wrong = [mistake(1, 1, "wrong", "mend it", also=(Place(FILE, 1, 1),))]
    plain, coloured = (render(wrong, {FILE: "a: 1"}, colour=c) for c in (False, True))
    assert "\x1b[31merror:\x1b[0m" in coloured
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[36m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_json_holds_the_same_for_programs() -> None:
    wrong = mistake(2, 3, "wrong \x1b", "mend it", also=(Place("other.yaml", 4, 5),))
    assert json.loads(json.dumps(as_json([wrong, mistake(1, 1, severity="warning")]))) == [
        {
            "file": "gateway.yaml",
            "line": 1,
            "column": 1,
            "severity": "warning",
            "message": "wrong",
            "hint": "",
            "also": [],
        },
        {
            "file": "gateway.yaml",
            "line": 2,
            "column": 3,
            "severity": "error",
            "message": "wrong \x1b",
            "hint": "mend it",
            "also": [{"file": "other.yaml", "line": 4, "column": 5}],
        },
    ]


def test_a_flood_of_mistakes_is_cut_and_counted() -> None:
    flood = [Mistake(place=Place("f.yaml", n + 1, 1), message="wrong") for n in range(1500)]
    said = render(flood, {}).splitlines()
    assert said[-2:] == ["… and 500 more: mend these first", "1500 errors"]
    assert len([line for line in said if "wrong" in line]) == 1000
