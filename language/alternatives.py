"""Empty alternatives of an expression: `a|`, `|a`, `(|b)`, `a||b`, which match what none wrote."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)"
    r"|(?P<flags>\(\?[A-Za-z-]*\))"
    r"|(?P<opens>\((?:\?(?:P?<[^>]*>|[A-Za-z-]*:))?)"
    r"|(?P<bar>\|)"
    r"|(?P<closes>\))"
    r"|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\]"
    r"|\\."
    r"|.",
    re.DOTALL,
)
"""The parts of an expression that RE2 takes (its syntax page): each is one of these."""


def empty_alternative(expression: str) -> int | None:
    """Where one of the alternatives is empty, in characters; None where none is."""
    open_groups = [_Alternatives(0)]
    for kind, start, end in _tokens(expression):
        here = open_groups[-1]
        if kind == "opens":
            open_groups.append(_Alternatives(end))
        elif kind == "bar":
            if here.empty:
                return start
            here.next(start)
        elif kind == "closes":
            if here.empty:
                return here.start
            open_groups.pop()
            open_groups[-1].empty = False
        elif kind == "text":
            here.empty = False
    last = open_groups[-1]
    return last.start if last.empty else None


class _Alternatives:
    """Those of a group: whether the one that is read is empty, and what stands before it."""

    __slots__ = ("empty", "start")

    def __init__(self, start: int) -> None:
        self.empty = True
        self.start = start

    def next(self, bar: int) -> None:
        self.empty = True
        self.start = bar


def _tokens(expression: str) -> Iterator[tuple[str, int, int]]:
    for found in _TOKEN.finditer(expression):
        kind = found.lastgroup or "text"
        if kind == "quoted":
            kind = "text" if found["quoted"] else "flags"
        yield kind, found.start(), found.end()
