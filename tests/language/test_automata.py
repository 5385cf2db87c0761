"""Automata read expressions as RE2 does, and examples are true."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from language.automata import UnreadExpressionError, automaton
from language.charsets import of
from language.examples import example as example_of
from language.regexes import MalformedRegexError, bounds, check_regex, matches

PIECES = (
    *("a", "b", "B", "1", "-", "/", " ", "_", "k", ".", r"\.", r"\d", r"\D", r"\w", r"\W", r"\s"),
    *("[ab]", "[^ab]", "[a-c1]", r"[^\d]", "[]a]", "[a-]", "[[:alpha:]]", r"\x41", r"[\w-]", "é"),
    *("(?i)", "(?i:a)", "(", ")", "(?:", "|", "*", "+", "?", "{2}", "{1,}", "{0,2}", "^", "$"),
    *("[k]", "[^k]", "(?i:[^b])", "(?P<n>a)", "(?i:k)", "{", r"\/", "*?", r"\b", r"\pL", "(?s:.)"),
    *(r"\Qa.\E", r"\Q\E", r"\\Q"),
)
TEXTS = st.text(st.sampled_from("abBAkK\u212a1-/ _.é{]\n"), max_size=5)
EXPRESSIONS = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


def good(expression: str) -> bool:
    try:
        check_regex(expression)
    except MalformedRegexError:
        return False
    return True


def accepted(expression: str, text: str) -> bool:
    made = automaton(expression)
    states = made.start
    for char in text:
        states = made.step(states, ord(char))
    return made.accepts(states)


GOOD = EXPRESSIONS.filter(good)


@given(GOOD, st.lists(TEXTS, min_size=10, max_size=30))
@example("(?i:[^b])", ["a", "B", "b", ""])
@example("a|^b", ["b", "a", "ab"])
def test_an_automaton_takes_what_re2_takes(expression: str, texts: list[str]) -> None:
    try:
        automaton(expression)
    except UnreadExpressionError:
        return
    for text in texts:
        assert accepted(expression, text) == matches(expression, text), (expression, text)


@given(GOOD)
@example("[^a]|a")
def test_a_text_at_hand_matches_and_none_means_none(expression: str) -> None:
    try:
        text = automaton(expression).text_of(of("aB1"))
    except UnreadExpressionError:
        return
    if text is None:
        assert example_of((expression, "[aB1]*")) is None
    else:
        assert matches(expression, text)
        assert set(text) <= set("aB1")


@given(GOOD, GOOD, GOOD, st.lists(TEXTS, max_size=30))
def test_an_example_is_one_and_none_means_none(
    one: str, other: str, unlike: str, texts: list[str]
) -> None:
    try:
        found = example_of((one, other), (unlike,))
    except UnreadExpressionError:
        return
    for text in texts if found is None else (found,):
        is_one = matches(one, text) and matches(other, text) and not matches(unlike, text)
        assert is_one == (found is not None)


@pytest.mark.parametrize(
    ("wanted", "unwanted", "found"),
    [
        (("/v[0-9]+",), (), "/v0"),
        (("/[a-z]+/x", "/foo/[^/]+"), (), "/foo/x"),
        (("/[a-z]+/x", "/1/[^/]+"), (), None),
        (("(?i)bot.*",), ("[bB]ot.*",), "BOT"),
        (("[^1]+",), ("[^2]",), "2"),
        (("^/a$|^/b$",), ("/[^b]*",), "/b"),
        (("a{2,3}b{2}", "a{3}.*"), (), "aaabb"),
        ((r"[\x{7E}]",), (), "~"),
        (("a*",), ("(?:aa)*",), "a"),
        (("a*",), ("a?|aa+",), None),
        (("",), (), ""),
        ((r"\Q/a*\E+\\",), (), "/a*\\"),
    ],
)
def test_examples(wanted: tuple[str, ...], unwanted: tuple[str, ...], found: str | None) -> None:
    assert example_of(wanted, unwanted) == found


@pytest.mark.parametrize(
    "expression", [r"\bx", r"\pL", "a$b", "(^a)", "(?s:.)", "(?i:é)", "[[:punct:]]"]
)
def test_nothing_is_said_of_what_is_not_understood(expression: str) -> None:
    with pytest.raises(UnreadExpressionError) as caught:
        example_of((expression,))
    assert caught.value.expression == expression


def test_too_many_states_are_not_looked_at() -> None:
    hard = ("(?:a|b)*a[ab]{12}", "(?:a|b)*b[ab]{13}", "(?:aaa|b)*(?:bb|a)*", "[ab]*c")
    with pytest.raises(UnreadExpressionError):
        example_of(hard[:3], ("(?:a|b)*a[ab]{14}", "[ab]{0,28}"))


@given(GOOD, st.lists(TEXTS, min_size=20, max_size=60))
@example(r"a\b.*", ["a", "a-", "a/", "aA"])
@example(r"a?\b(-.*)?", ["", "a", "a-", "-"])
def test_all_that_matches_lies_between_the_bounds(expression: str, texts: list[str]) -> None:
    between = bounds(expression)
    if between is None:
        return
    for text in texts:
        inside = between.low <= text.encode() <= between.high
        assert inside or not matches(expression, text), (expression, text, between)
