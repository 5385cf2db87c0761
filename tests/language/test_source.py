"""Text with places: those that lie behind the file, and how much is looked at."""

import pytest

from language.blanks import stray_blanks
from language.compose import Limits, compose
from language.places import Place
from language.source import Source, decode


@pytest.mark.parametrize(
    ("text", "asked", "given"),
    [
        ("a: 1\nb", (1, 3), (1, 3)),
        ("a: 1\n", (2, 1), (1, 5)),  # the end of a file is shown behind its last word
        ("a: 1\n  \n\n", (4, 1), (1, 5)),
        ("a: 1", (2, 1), (1, 5)),
        ("a: 1", (1, 99), (1, 5)),
        ("a: 1\nb", (99, 99), (2, 2)),
        ("", (1, 1), (1, 1)),
        ("", (2, 1), (1, 1)),
        ("\n", (2, 1), (1, 1)),
    ],
)
def test_a_place_is_in_the_file(text: str, asked: tuple[int, int], given: tuple[int, int]) -> None:
    assert Source("f", text, text).place(*asked) == Place("f", *given)


def test_no_more_is_looked_for_than_is_shown() -> None:
    source, mistakes = decode("f", b"- \x07\n" * 9, 3)
    assert len(mistakes) == 3
    assert source.parsed == "- \ufffd\n" * 9
    nulls = Source("f", "- ~\n" * 9, "- ~\n" * 9)
    assert len(compose(nulls, Limits(mistakes=3)).mistakes) == 3
    tabs = Source("f", "- a\tb\n" * 9, "- a\tb\n" * 9)
    assert len(stray_blanks(tabs, [], 3)) == 3
