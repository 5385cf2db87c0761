"""Values of headers and parameters, and paths, that matches take and others do not."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from language.arriving import HEADER, NO_PATHS, PARAMETER, PATH
from language.examples import example
from language.matches import How, TextMatch
from language.regexes import matches

_TEXTS = {"header": HEADER, "query": PARAMETER}


class Value(NamedTuple):
    """What a header or parameter is; None where there is none."""

    text: str | None


def path_of(wanted: tuple[str, ...], unwanted: tuple[str, ...] = ()) -> str | None:
    """A normalised path that all of these expressions match and none of `unwanted`.

    None: there is none. Raise UnreadExpressionError where it is not known.
    """
    every = (PATH, *dict.fromkeys(wanted))
    found = example(every, unwanted)
    if found is None or not any(matches(expression, found) for expression in NO_PATHS):
        return found
    return example(every, (*NO_PATHS, *unwanted))


def value_of(
    kind: str, wanted: Sequence[TextMatch], unwanted: Sequence[TextMatch], word: str
) -> Value | None:
    """What all of `wanted` take and none of `unwanted`; None: there is nothing.

    `word` stands where any would do. Raise UnreadExpressionError where it is not known.
    """
    for text in _plain(wanted, word):
        if all(m.takes(text) for m in wanted) and not any(m.takes(text) for m in unwanted):
            return Value(text)
    hows = {match.how for match in wanted}
    if hows & {How.EXACT, How.ABSENT} or any(match.how is How.PRESENT for match in unwanted):
        return None
    found = example((_TEXTS[kind], *_expressions(wanted)), tuple(_expressions(unwanted)))
    return None if found is None else Value(found)


def _plain(wanted: Sequence[TextMatch], word: str) -> Iterator[str | None]:
    """What is tried first: nothing at all, the text that is wanted, or a word."""
    yield None
    yield from (match.text for match in wanted if match.how is How.EXACT)
    longest = max((m.text for m in wanted if m.how is How.PREFIX), key=len, default="")
    yield longest + word
    yield longest


def _expressions(among: Sequence[TextMatch]) -> Iterator[str]:
    for match in among:
        if match.how is How.REGEX:
            yield match.text
        elif match.how is How.EXACT:
            yield re.escape(match.text)
        elif match.how is How.PREFIX:
            yield rf"{re.escape(match.text)}[^\n]*"
