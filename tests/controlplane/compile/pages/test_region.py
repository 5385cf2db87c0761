"""Regions: the page that a path is sent to says what the whole list would have said."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.compile.pages.region import (
    COPIES,
    LARGEST,
    WORTH_IT,
    Cutting,
    Reach,
    Region,
    path_of,
    regions,
    start_of,
)
from controlplane.plan.plan import Entry, MethodNotAllowed
from language.paths import PathPattern, parse_pattern, regex_pattern
from language.regexes import matches

TAILS = ("", "a", "/a", "b/a", "/b")
"""What paths go on with behind the prefixes of regions and the texts of patterns."""

SMALL = Cutting(largest=3, worth_it=2)

words = st.text("aab%", min_size=1, max_size=2).map(lambda text: text.replace("%", "%C3"))
segments = st.one_of(words, words, st.just("{}"))
rests = st.sampled_from(["", "", "/", "/**", "/**"])
EXPRESSIONS = (
    *("/a.*", "/ab?", "/(a|b)a", ".*", ".*b", "/[ab]{2}.*", "(?i)/ab", "/", "/ab/.*", "/a|/bb"),
    *("/aa.*|/ab", "/\\xc3.*", "/a[^/]*/b"),
)


@st.composite
def patterns(draw: st.DrawFn) -> PathPattern:
    """Short paths of few letters, so that many of them begin alike."""
    if draw(st.integers(0, 6)) == 0:
        return regex_pattern(draw(st.sampled_from(EXPRESSIONS)))
    several = draw(st.lists(segments, min_size=1, max_size=3))
    named = (f"{{x{n}}}" if one == "{}" else one for n, one in enumerate(several))
    text = "/" + "/".join(named) + draw(rests)
    return parse_pattern(draw(st.sampled_from([text, text, text, "/**"])))


paths = st.builds(
    lambda several, end: "/" + "/".join(several) + end,
    st.lists(words.map(lambda one: one.replace("%C3", "%c3")) | words, min_size=0, max_size=3),
    st.sampled_from(["", "", "/", "b", "é"]),
)


several = st.integers(0, 40).flatmap(lambda n: st.lists(patterns(), min_size=n, max_size=n))


def entry(path: PathPattern, number: int) -> Entry:
    return MethodNotAllowed(rule=str(number), path=path, allow=(), places=())


def taking(entries: Iterable[Entry], path: str) -> list[Entry]:
    """All that match, in their order: the first is the verdict where conditions hold."""
    return [one for one in entries if matches(path_of(one).regex, path)]


def sent_to(found: tuple[Region, ...], path: str) -> Region:
    return next(one for one in found if path.startswith(one.prefix))


@settings(max_examples=400, deadline=None)
@given(written=several, asked=st.lists(paths, max_size=8))
def test_the_page_of_the_longest_prefix_says_what_the_whole_list_says(
    written: list[PathPattern], asked: list[str]
) -> None:
    entries = [entry(path, number) for number, path in enumerate(written)]
    found = regions(entries, SMALL)
    assert found[-1].prefix == "/"
    edges = [one.prefix + tail for one in found for tail in TAILS]
    inside = [
        re.sub(r"\{x\d\}", "a", one.text).removesuffix("**") + tail
        for one in written
        if not one.is_regex
        for tail in TAILS
    ]
    for path in [*asked, *edges, *inside]:
        assert taking(sent_to(found, path).entries, path) == taking(entries, path)
    for one in found:  # in the order of the list
        numbers = [int(e.rule) for e in one.entries]
        assert numbers == sorted(numbers)
    assert {e.rule for one in found for e in one.entries} == {e.rule for e in entries}


@settings(max_examples=300, deadline=None)
@given(written=st.lists(patterns(), max_size=24))
def test_copies_are_bounded(written: list[PathPattern]) -> None:
    entries = [entry(path, number) for number, path in enumerate(written)]
    found = regions(entries, SMALL)
    assert sum(len(one.entries) for one in found) <= (COPIES + 1) * max(1, len(entries))


@settings(max_examples=300, deadline=None)
@given(written=st.lists(patterns(), max_size=12))
def test_a_region_names_the_prefixes_that_are_cut_out_of_it(written: list[PathPattern]) -> None:
    found = regions([entry(path, n) for n, path in enumerate(written)], SMALL)
    prefixes = [one.prefix for one in found]
    assert len(set(prefixes)) == len(prefixes)
    carved = [prefix for one in found for prefix in one.carved]
    assert sorted([*carved, "/"]) == sorted(prefixes)
    assert all(c.startswith(one.prefix) for one in found for c in one.carved)


def test_ten_thousand_paths_become_pages_of_a_hundred() -> None:
    texts = sorted(f"/v1/things-{n}/**" for n in range(10_000))
    found = regions([entry(parse_pattern(text), n) for n, text in enumerate(texts)])
    assert max(len(one.entries) for one in found) <= LARGEST
    assert 10_000 / LARGEST < len(found) <= 10_000 / WORTH_IT


def test_a_host_of_few_entries_is_one_page() -> None:
    entries = [entry(parse_pattern(f"/{n}"), n) for n in range(LARGEST)]
    assert regions(entries) == (Region(prefix="/", carved=(), entries=tuple(entries)),)


def test_what_shares_no_beginning_is_not_cut() -> None:
    entries = [entry(regex_pattern(f".*{n}"), n) for n in range(2 * LARGEST)]
    assert len(regions(entries)) == 1


@pytest.mark.parametrize(
    ("text", "start", "reach"),
    [
        ("/a", "/a", Reach.ITSELF),
        ("/a/", "/a/", Reach.ITSELF),
        ("/a/**", "/a", Reach.BELOW),
        ("/**", "/", Reach.ANY),
        ("/a/{x}", "/a/", Reach.ANY),
        ("/a/{x}/b/**", "/a/", Reach.ANY),
        ("/a%C3b/c", "/a", Reach.ANY),
        ("/%C3/**", "/", Reach.ANY),
    ],
)
def test_how_the_paths_of_a_pattern_begin(text: str, start: str, reach: Reach) -> None:
    found = start_of(parse_pattern(text))
    assert (found.text, found.reach) == (start, reach)


def test_a_subtree_does_not_reach_its_neighbours() -> None:
    below = start_of(parse_pattern("/a/**"))
    assert below.reaches("/a/b")
    assert below.reaches("/a")
    assert not below.reaches("/ab")


@pytest.mark.parametrize(
    ("regex", "start"), [("/abc.*", "/abc"), ("/abc", "/abc"), (".*", "/"), ("(?i)/ab", "/")]
)
def test_how_the_paths_of_an_expression_begin(regex: str, start: str) -> None:
    assert start_of(regex_pattern(regex)).text == start
