"""Which pages a pattern comes to: at least those of each path that it matches, and no guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.compile.pages.region import start_of
from controlplane.gate.ways import pages_of
from language.paths import PathPattern, parse_pattern, regex_pattern
from language.regexes import matches

BEGINS = frozenset({"/", "/a", "/a/", "/a/b", "/ab", "/b/c/"})
PATTERNS = (
    *(
        "/",
        "/a",
        "/ab",
        "/a/**",
        "/**",
        "/{x}",
        "/a/{x}",
        "/{x}/c/{y}",
        "/a/{x=**}",
        "/a%C3%A9/{x}",
    ),
    *("/b/{x}", "/b/c", "/b/c/{x}/d"),
)
EXPRESSIONS = ("/a.*", "/[ab]/c/.*", "/(a|b/c)/?", ".*", "/ab?", "/a\\b.*")
EVERY = (*map(parse_pattern, PATTERNS), *map(regex_pattern, EXPRESSIONS))
PATHS = st.text("/abc", min_size=1, max_size=6).map(lambda text: f"/{text}")


def page_of(path: str) -> str:
    """The longest beginning, as Envoy chooses."""
    return max((one for one in BEGINS if path.startswith(one)), key=len)


@given(st.sampled_from(EVERY), PATHS)
def test_each_path_that_matches_comes_to_one_of_them(pattern: PathPattern, path: str) -> None:
    if matches(pattern.regex, path):
        assert page_of(path) in pages_of(pattern, BEGINS)


@pytest.mark.parametrize("pattern", EVERY, ids=lambda pattern: pattern.text)
def test_none_of_them_is_one_that_its_entry_need_not_stand_in(pattern: PathPattern) -> None:
    start = start_of(pattern)
    for one in pages_of(pattern, BEGINS):
        assert start.reaches(one)


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("/a", {"/a"}),
        ("/a/**", {"/a", "/a/", "/a/b"}),
        ("/b/{x}", {"/"}),
        ("/b/c/{x}/d", {"/b/c/"}),
        ("/**", BEGINS),
    ],
)
def test_of_a_few(text: str, pages: set[str]) -> None:
    assert pages_of(parse_pattern(text), BEGINS) == pages
