"""Tabs and other blanks that look like a space and are none.

YAML takes a tab for a separator here and for a mistake there, and a no-break space (pasted from a
web page) for the first letter of a key. In quotes, block texts and comments all are welcome.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import ScalarEvent

from language.mistakes import Mistake
from language.source import LINE_BREAK, Source

_BLANK = re.compile("[\t\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000]")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")
_NO_BREAK = re.compile(r"[^\r\n]")


def stray_blanks(source: Source, known: list[Mistake], most: int) -> list[Mistake]:
    """At most one mistake a line and `most` in all, on lines without one, up to a syntax error."""
    if _BLANK.search(source.parsed) is None:  # so it is with nearly every file
        return []
    taken = {mistake.place.line for mistake in known}
    found = []
    for number, line in enumerate(LINE_BREAK.split(_without_texts(source.parsed)), 1):
        bare = _COMMENT.sub("", line).rstrip(" \t")
        blank = _BLANK.search(bare)
        if blank is not None and number not in taken:
            found.append(_mistake(source, number, blank.start(), bare))
            if len(found) >= most:
                break
    return found


def _without_texts(text: str) -> str:
    """The text with quoted and block scalars crossed out, cut off at the first syntax error."""
    pieces: list[str] = []
    end = reached = 0
    events: Iterator[Any] = iter(yaml.CSafeLoader(text).get_event, None)
    try:
        for event in events:
            kind = type(event)
            reached = event.end_mark.index
            if kind is ScalarEvent and event.style:
                start = event.start_mark.index
                pieces += text[end:start], _NO_BREAK.sub("x", text[start:reached])
                end = reached
    except (yaml.YAMLError, ValueError):  # the composer has reported it
        return "".join((*pieces, text[end:reached]))
    return "".join((*pieces, text[end:]))


def _mistake(source: Source, number: int, index: int, bare: str) -> Mistake:
    char = bare[index]
    what = "a tab" if char == "\t" else f"the blank U+{ord(char):04X}"
    place = source.place(number, index + 1)
    if not bare[:index].strip(" "):
        return Mistake(place=place, message=f"{what} is used for indentation", hint="use spaces")
    hint = "use a space, or quote the value"
    return Mistake(place=place, message=f"{what} stands where a space should be", hint=hint)
