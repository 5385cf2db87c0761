"""Relations: a value that both take is proof that they meet; covering never errs."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.matches import How, TextMatch, exact
from language.relations import covers, meets, span

REGEXES = ["a.*", "b.*", "ab|ac", "[0-9]+", "a[0-9]*", ".*z", "ab", "b"]
TEXTS = st.text(alphabet="abcz01", max_size=4)
MATCHES = st.one_of(
    TEXTS.map(exact),
    st.text(alphabet="abcz01", min_size=1, max_size=3).map(lambda t: TextMatch(How.PREFIX, t)),
    st.sampled_from([TextMatch(How.REGEX, r) for r in REGEXES]),
    st.sampled_from([TextMatch(How.PRESENT), TextMatch(How.ABSENT)]),
)
SMALL = [None, *("".join(p) for n in range(4) for p in product("abz0", repeat=n))]


@given(MATCHES, MATCHES)
def test_a_value_of_both_means_that_they_meet(one: TextMatch, other: TextMatch) -> None:
    both = [v for v in SMALL if one.takes(v) and other.takes(v)]
    assert meets(one, other) == meets(other, one)
    assert not both or meets(one, other)


@given(MATCHES, MATCHES)
def test_what_is_covered_takes_no_other_value(wide: TextMatch, narrow: TextMatch) -> None:
    if covers(wide, narrow):
        assert all(wide.takes(v) for v in SMALL if narrow.takes(v))


@given(MATCHES, TEXTS)
def test_what_is_taken_lies_within_the_span(wanted: TextMatch, value: str) -> None:
    low, high = span(wanted)
    if wanted.takes(value):
        assert low <= value.encode() <= high


def prefix(text: str) -> TextMatch:
    return TextMatch(How.PREFIX, text)


def regex(text: str) -> TextMatch:
    return TextMatch(How.REGEX, text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (exact("a"), exact("b")),
        (prefix("ab"), prefix("ac")),
        (prefix("ab"), exact("a")),
        (regex("[0-9]+"), exact("a")),
        (regex("/v1/.*"), regex("/v2/.*")),
        (regex("/v1/.*"), regex("/v10.*")),
        (regex("/users/[0-9]+"), regex("/users/[a-z]+")),
        (regex("/a.*"), prefix("/b")),
        (TextMatch(How.ABSENT), TextMatch(How.PRESENT)),
        (TextMatch(How.ABSENT), regex("x*")),
    ],
)
def test_these_never_meet(one: TextMatch, other: TextMatch) -> None:
    assert not meets(one, other)
    assert not meets(other, one)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (TextMatch(How.PRESENT), prefix("a")),
        (prefix("a"), prefix("ab")),
        (prefix("/a/"), regex("/a/[0-9]+")),
        (regex("[0-9]+"), exact("12")),
        (regex("a.*"), regex("a.*")),
        (exact("/a"), regex("/a")),
        (TextMatch(How.ABSENT), TextMatch(How.ABSENT)),
    ],
)
def test_these_are_covered(wide: TextMatch, narrow: TextMatch) -> None:
    assert covers(wide, narrow)
    assert wide == narrow or wide.how is How.EXACT or not covers(narrow, wide)
