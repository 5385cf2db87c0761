"""Expressions: what RE2 and Envoy take, what matches, and between which texts that lies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.regexes import (
    KEPT,
    MalformedRegexError,
    bounds,
    check_regex,
    matches,
    opening,
)

REGEXES = [
    "/a/.*",
    "/users/[0-9]+",
    "(?i)/Abc.*",
    "/a|/b.*",
    ".*png",
    "x*",
    "/é.*",
    r"/\C*",
    "/" + "long" * 30,
]


@pytest.mark.parametrize(
    ("text", "offset", "word"),
    [
        ("/a(b", 0, "missing )"),
        ("/a)b", 2, "unexpected )"),
        ("/a[b", 2, "missing ]"),
        ("/a**", 2, "bad repetition"),
        ("/(?=a)", 1, "perl operator"),
        (r"/a\q", 2, "escape"),
        ("/a\\", 2, "trailing"),
        ("/a{2000}", 2, "repetition size"),
        ("/a|", 2, "empty"),
        ("x" * 1025, 0, "characters are too many"),
        ("/[0-9a-f]{60}", 0, "too large"),
    ],
)
def test_what_is_not_taken_is_told_at_its_place(text: str, offset: int, word: str) -> None:
    if word == "too large":
        text *= 2
    with pytest.raises(MalformedRegexError) as error:
        check_regex(text)
    assert word in error.value.message
    assert error.value.offset == offset


@pytest.mark.parametrize("text", ["/a/b", "^/a$", "/users/[0-9]+", "(?i)/a", "/" + "a" * 90])
def test_these_are_taken(text: str) -> None:
    check_regex(text)


@pytest.mark.parametrize(("classes", "taken"), [(47, True), (48, False)])
def test_the_size_is_envoys(classes: int, *, taken: bool) -> None:
    """Envoy 1.40 takes 47 of these, and says of 48 that their program is of 101 steps."""
    text = "/" + "[^/]" * classes
    if taken:
        check_regex(text)
    else:
        with pytest.raises(MalformedRegexError, match="101 of Envoy's 100 steps"):
            check_regex(text)


def test_the_whole_text_is_matched() -> None:
    assert matches("/a", "/a")
    assert not matches("/a", "/ab")
    assert not matches("a", "/a")
    assert matches("/a|/b", "/b")


PATHS = st.text(alphabet="/abcdAB0é19.pngx~", max_size=12)


@given(st.sampled_from(REGEXES), PATHS)
def test_what_matches_lies_between_the_bounds(regex: str, text: str) -> None:
    found = bounds(regex)
    if matches(regex, text) and found is not None:
        assert found.low <= text.encode() <= found.high


@given(st.sampled_from([*REGEXES, "/abc|/abd", "/ab[cd]?.*", r"/a\x{ff}.*", "/a~.*"]), PATHS)
def test_what_matches_begins_so(regex: str, text: str) -> None:
    if matches(regex, text):
        assert text.startswith(opening(regex))


@pytest.mark.parametrize(
    ("regex", "start"),
    [
        ("/abc.*", "/abc"),
        ("/abc", "/abc"),
        ("/abc|/abd", "/ab"),
        ("/ab[c-x].*", "/ab"),
        (r"/abc\b.*", ""),
        (".*", ""),
        ("/aé.*", "/a"),
    ],
)
def test_how_all_begin(regex: str, start: str) -> None:
    assert opening(regex) == start


def test_of_half_characters_nothing_is_known() -> None:
    assert bounds(r"\C*") is None


def test_more_are_remembered_than_a_large_gateway_has() -> None:
    assert KEPT > 10_000


@pytest.mark.parametrize("regex", [r"/admin\b.*", r"/users?\b(/.*)?", r"/a\B.*"])
def test_where_a_word_ends_nothing_is_said_of_the_beginning(regex: str) -> None:
    assert bounds(regex) is None
