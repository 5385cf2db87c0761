"""Empty alternatives: found in any expression, and never where a bar is a character."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.alternatives import empty_alternative


@pytest.mark.parametrize(
    ("expression", "offset"),
    [
        ("a|", 1),
        ("|a", 0),
        ("a||b", 2),
        ("(|b)", 1),
        ("(a|)", 2),
        ("x(?:a|)y", 5),
        ("()", 1),
        ("(?i)|a", 4),
        ("(?P<n>|a)", 6),
        (r"\Q\E|a", 4),
        ("[|]|", 3),
        (r"\||", 2),
    ],
)
def test_an_empty_alternative_is_found(expression: str, offset: int) -> None:
    assert empty_alternative(expression) == offset


@pytest.mark.parametrize(
    "expression",
    [
        "a|b",
        "(a|b)?c",
        r"a\|",
        r"\(|a",
        "[a|]",
        "[|]",
        "[]|]",
        "[^]|]",
        "[[:alpha:]|]",
        r"[\]|]",
        r"\Qa|\E",
        r"\Q(|",
        "(?:a|b)|c",
        "(?i)a|b",
        "^|a",
    ],
)
def test_a_bar_that_is_a_character_parts_nothing(expression: str) -> None:
    assert empty_alternative(expression) is None


PIECES = st.sampled_from(["a", "b", "[|]", "[^]|]", r"\|", r"\(", "(?:a)", "a?", "."])
WHOLE = st.recursive(
    st.lists(PIECES, min_size=1, max_size=3).map("".join),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda many: f"({'|'.join(many)})"),
    max_leaves=8,
)


@given(WHOLE)
def test_what_has_no_empty_alternative_is_taken(expression: str) -> None:
    re.compile(expression)
    assert empty_alternative(expression) is None


@given(WHOLE, WHOLE, st.sampled_from(["{0}|", "|{0}", "({0}|)", "{0}||{1}", "{1}(|{0})"]))
def test_one_that_has_is_not(one: str, other: str, form: str) -> None:
    assert empty_alternative(form.format(one, other)) is not None
