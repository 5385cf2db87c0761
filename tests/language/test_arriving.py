"""That nothing matches is said only where nothing does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.explaining.normalise import normalised
from language.arriving import HEADER, NO_PATHS, PARAMETER, PATH, never
from language.regexes import matches

PIECES = ("/", "a", "%41", "%2f", "%c3", "..", ".", ";x", "{", "}", "|", "^", "`", '"', "<", "[")


@given(st.lists(st.sampled_from((*PIECES, "%", "%5C", "\\", "~", "!", "é", "=")), max_size=8))
def test_every_path_that_is_compared_is_one(pieces: list[str]) -> None:
    found = normalised("/" + "".join(pieces))
    if found is not None and not found.unescaped:
        assert matches(PATH, found.path), found.path
        assert not any(matches(one, found.path) for one in NO_PATHS), found.path


@pytest.mark.parametrize(
    ("expression", "arriving", "unwanted"),
    [
        ("$", PATH, ()),
        (r"[^/].*", PATH, ()),
        (r"a\b.*", PATH, ()),
        (r"/\Q{a}\E", PATH, ()),
        ("/a//b", PATH, NO_PATHS),
        (" a", HEADER, ()),
        ("a\n", HEADER, ()),
        ("a&b", PARAMETER, ()),
    ],
)
def test_nothing_matches(expression: str, arriving: str, unwanted: tuple[str, ...]) -> None:
    assert never(expression, arriving, unwanted)


@pytest.mark.parametrize(
    ("expression", "arriving", "unwanted"),
    [
        (r"/\ba\b{0}", PATH, ()),  # what stands before a bound is not what its count is of
        (r"/\Q\b\E|/a", PATH, ()),
        ("/a.*b", PATH, NO_PATHS),
        (r"/\pL", PATH, ()),  # not understood
        ("a b", HEADER, ()),
        ("$", HEADER, ()),
        ("^$", PARAMETER, ()),
        ("a%20b", PARAMETER, ()),
    ],
)
def test_something_matches(expression: str, arriving: str, unwanted: tuple[str, ...]) -> None:
    assert not never(expression, arriving, unwanted)
