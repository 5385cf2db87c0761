"""Paths: what a pattern matches, and what a template makes of it, against a matcher of its own."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.paths import parse_pattern, parse_template
from language.segments import MalformedPathError
from language.substitutions import substitution, unchanged

LITERALS = st.sampled_from(["a", "b", "ab", "a.b", "a+", "%C3%BC", "x-y_~"])
PARTS = st.lists(st.one_of(LITERALS, st.sampled_from(["{x}", "{y}", "{z}"])), max_size=4)
ENDS = st.sampled_from(["", "/**", "/{rest=**}", "/"])
REQUESTS = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "aXb", "a+", "%C3%BC", "%c3%bc", ""]))


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(PARTS)
    parts = [p for i, p in enumerate(parts) if p[0] != "{" or p not in parts[:i]]
    return "".join("/" + p for p in parts) + draw(ENDS) or "/"


def values(pattern: str, path: str) -> dict[str, str] | None:
    """What each variable is in a path that matches, by the words of the language."""
    wanted, given_ = pattern.split("/")[1:], path.split("/")[1:]
    found: dict[str, str] = {}
    for position, part in enumerate(wanted):
        if part == "**" or part.endswith("=**}"):
            found[part.strip("{}").removesuffix("=**")] = "/".join(given_[position:])
            return found
        if position >= len(given_):
            return None
        here = given_[position]
        if part.startswith("{"):
            if not here:
                return None
            found[part.strip("{}")] = here
        elif part.casefold() != here.casefold() if "%" in part else part != here:
            return None
    return found if len(given_) == len(wanted) else None


@given(patterns(), REQUESTS)
def test_a_pattern_matches_what_the_language_says(pattern: str, request: list[str]) -> None:
    path = "/" + "/".join(request)
    parsed = parse_pattern(pattern)
    matched = re.fullmatch(parsed.regex, path) is not None
    assert matched == (values(pattern, path) is not None)
    if parsed.exact and parsed.plain:
        assert matched == (path == parsed.literal)


@given(patterns(), REQUESTS, st.randoms(use_true_random=False))
def test_a_template_is_filled_with_what_matched(
    pattern: str, request: list[str], random: Random
) -> None:
    path = "/" + "/".join(request)
    found = values(pattern, path)
    if found is None:
        return
    names = list(found)
    rest = next((n for n in names if n in {"rest", "**"}), None)
    inner = [n for n in names if n != rest]
    template = "/new" + "".join(f"/{{{n}}}-s" for n in random.sample(inner, len(inner)))
    made = "/new" + "".join(f"/{found[n]}-s" for n in re.findall(r"\{(\w+)\}", template))
    if rest is not None:
        template += "/**" if rest == "**" else "/{rest}"
        slash = "/" if path.count("/") >= pattern.count("/") else ""
        made += slash + found[rest]
    regex, replacement = substitution(parse_pattern(pattern), parse_template(template))
    assert re.sub(regex, replacement, path) == made


@pytest.mark.parametrize(
    ("pattern", "template", "path", "made"),
    [
        ("/old/**", "/new/**", "/old", "/new"),
        ("/old/**", "/new/**", "/old/", "/new/"),
        ("/old/**", "/new/**", "/old/a/b", "/new/a/b"),
        ("/old/**", "/**", "/old", "/"),
        ("/old/{rest=**}", "/{rest}", "/old", "/"),
        ("/old/{rest=**}", "/{rest}", "/old/a", "/a"),
        ("/**", "/new/**", "/a", "/new/a"),
        ("/a/{x}/{rest=**}", "/b/{rest}/{x}", "/a/1/2/3", "/b/2/3/1"),
        ("/a/{x}", "/b\\{x}", "/a/1", None),
        ("/a/{x}", "/b/{x}.json", "/a/1", "/b/1.json"),
    ],
)
def test_known_substitutions(pattern: str, template: str, path: str, made: str | None) -> None:
    if made is None:
        with pytest.raises(MalformedPathError):
            parse_template(template)
        return
    regex, replacement = substitution(parse_pattern(pattern), parse_template(template))
    assert re.sub(regex, replacement, path) == made


@pytest.mark.parametrize(
    ("path", "offset"),
    [
        ("a", 0),
        ("", 0),
        ("/a?b", 2),
        ("/a#b", 2),
        ("//a", 1),
        ("/a//b", 3),
        ("/./a", 1),
        ("/a/..", 3),
        ("/a*", 2),
        ("/**/a", 1),
        ("/{r=**}/a", 1),
        ("/x{a}", 2),
        ("/{a-b}", 2),
        ("/{a}/{a}", 5),
        ("/a b", 2),
        ("/ü", 1),
        ("/%", 1),
        ("/%zz", 1),
        ("/a%41", 2),
        ("/a%2f", 2),
        ("/%5C", 1),
    ],
)
def test_a_malformed_path_is_refused_where_it_is_wrong(path: str, offset: int) -> None:
    with pytest.raises(MalformedPathError) as refused:
        parse_pattern(path)
    assert refused.value.offset == offset
    assert refused.value.hint


def test_more_specific_paths_come_first() -> None:
    in_order = [
        "/a/b",
        "/a/b/c",
        "/a/b/{x}",
        "/a/b/**",
        "/a/{x}/b",
        "/a/{x}",
        "/a/**",
        "/{x}",
        "/**",
    ]
    exact, others = in_order[:2], in_order[2:]
    ranks = [parse_pattern(p).rank for p in others]
    assert ranks == sorted(ranks)
    assert max(parse_pattern(p).rank for p in exact) < ranks[0]
    assert parse_pattern("/a/{x}").rank < parse_pattern("/a/{x}/**").rank


@pytest.mark.parametrize(
    ("pattern", "template", "same"),
    [
        ("/a", "/a", True),
        ("/a", "/b", False),
        ("/a/{x}", "/a/{x}", True),
        ("/a/{x}/{y}", "/a/{y}/{x}", False),
        ("/a/**", "/a/**", True),
        ("/a/{r=**}", "/a/{r}", True),
        ("/a/**", "/a", False),
    ],
)
def test_unchanged(pattern: str, template: str, *, same: bool) -> None:
    assert unchanged(parse_pattern(pattern), parse_template(template)) is same


@given(st.text(alphabet="/a{}*=%.?# 4üx1\\", max_size=12))
def test_any_text_is_parsed_or_refused_within_it(text: str) -> None:
    for parse in (parse_pattern, parse_template):
        try:
            parse(text)
        except MalformedPathError as refused:
            assert 0 <= refused.offset <= len(text)  # noqa: PT017 # either is right
