"""Expressions read as states with moves between them.

What is read is the part of RE2's syntax that matches of paths, headers and parameters are made of.
Of anything else nothing is said, rather than something wrong.
"""

import re
from typing import TypeAlias

from language.charsets import (
    LAST,
    NAMED,
    NO_NEWLINE,
    POSIX,
    Charset,
    either_case,
    joined,
    of,
    others,
)

_QUOTED = re.compile(r"\\Q(.*?)\\E|\\.", re.DOTALL)
_MOST_STATES = 20_000
"""A path of 8,192 characters has two for each; an expression has Envoy's 100 steps."""

_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_NAME = re.compile(r"\(\?P?<[A-Za-z_][A-Za-z0-9_]*>")
_CONTROLS = {"a": 7, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")
Part: TypeAlias = tuple[int, int]
"""The first and the last state of what was read."""


class UnreadExpressionError(Exception):
    """An expression of which nothing can be said, though it may be a good one."""

    def __init__(self, expression: str) -> None:
        super().__init__(expression)
        self.expression = expression


def unquoted(expression: str) -> str:
    r"""An expression with each character between `\Q` and `\E` escaped by itself."""
    return _QUOTED.sub(lambda e: e[0] if e[1] is None else re.escape(e[1]), expression)


class ExpressionReader:
    """The states of one expression: `free` leads on without a character, `moves` by one of a set.

    Raises UnreadExpressionError where it is not understood.
    """

    def __init__(self, expression: str) -> None:
        self.free: dict[int, list[int]] = {}
        self.moves: dict[int, tuple[Charset, int]] = {}
        self._expression = expression
        self._text = unquoted(expression)
        self._at = 0
        self._states = 0
        self._depth = 0
        self._any_case = False

    def whole(self) -> Part:
        """The first state and the last of the whole expression."""
        part = self._branches()
        if self._at < len(self._text):
            raise self._unread()
        return part

    def _branches(self) -> Part:
        start, end = self._state(), self._state()
        while True:
            first, last = self._sequence()
            self._link(start, first)
            self._link(last, end)
            if not self._found("|"):
                return start, end

    def _sequence(self) -> Part:
        start = end = self._state()
        if self._depth == 0:
            self._found("^")  # the whole text is matched anyway
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            first, last = self._repeated()
            self._link(end, first)
            end = last
        return start, end

    def _repeated(self) -> Part:
        begin = self._at
        part = self._atom()
        count = self._count()
        if count is None:
            return part
        behind = self._at
        least, most = count
        start = end = self._state()
        for _ in range(least):
            first, last = self._again(begin)
            self._link(end, first)
            end = last
        if most is None:
            first, last = self._again(begin)
            loop = self._state()
            self._link(end, loop)
            self._link(loop, first)
            self._link(last, loop)
            end = loop
        else:
            final = self._state()
            for _ in range(most - least):
                self._link(end, final)
                first, last = self._again(begin)
                self._link(end, first)
                end = last
            self._link(end, final)
            end = final
        self._at = behind
        return start, end

    def _again(self, begin: int) -> Part:
        self._at = begin
        return self._atom()

    def _count(self) -> tuple[int, int | None] | None:
        """How often the last atom stands there."""
        found: tuple[int, int | None]
        if self._found("*"):
            found = (0, None)
        elif self._found("+"):
            found = (1, None)
        elif self._found("?"):
            found = (0, 1)
        elif written := _COUNT.match(self._text, self._at):
            self._at = written.end()
            least = int(written[1])
            most = int(written[3]) if written[3] else None
            found = (least, most if written[2] else least)
        else:
            return None
        self._found("?")  # as little as can be: it is the whole text in either case
        if self._text[self._at : self._at + 1] in {"*", "+", "?", "{"}:
            raise self._unread()
        return found

    def _atom(self) -> Part:
        char = self._text[self._at]
        if char == "(":
            return self._group()
        if char == "$":
            self._at += 1
            if self._depth or self._text[self._at : self._at + 1] not in {"", "|"}:
                raise self._unread()
            state = self._state()
            return state, state
        if char in "^*+?" or _COUNT.match(self._text, self._at):
            raise self._unread()
        self._at += 1
        if char == ".":
            return self._move(NO_NEWLINE)
        if char == "[":
            return self._move(self._class())
        return self._move(self._cased(self._escape() if char == "\\" else of(char)))

    def _group(self) -> Part:
        any_case = self._any_case
        if self._found("(?i)"):
            self._any_case = True  # until the group around ends
            state = self._state()
            return state, state
        if self._found("(?i:"):
            self._any_case = True
        elif name := _NAME.match(self._text, self._at):
            self._at = name.end()
        elif not self._found("(?:"):
            self._at += 1
            if self._text[self._at : self._at + 1] == "?":
                raise self._unread()
        self._depth += 1
        part = self._branches()
        self._depth -= 1
        self._any_case = any_case
        if not self._found(")"):
            raise self._unread()
        return part

    def _class(self) -> Charset:
        negated = self._found("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._found("]"):
            first = False
            ranges += self._of_class()
        found = self._cased(joined(ranges))
        return others(found) if negated else found

    def _of_class(self) -> Charset:
        if self._text.startswith("[:", self._at):
            end = self._text.find(":]", self._at)
            name = self._text[self._at + 2 : end]
            if end < 0 or name not in POSIX:
                raise self._unread()
            self._at = end + 2
            return POSIX[name]
        low = self._char_of_class()
        ranged = self._text[self._at : self._at + 1] == "-"
        if not ranged or self._text[self._at + 1 : self._at + 2] in {"]", ""}:
            return low
        if len(low) != 1 or low[0][0] != low[0][1]:
            return low  # a class and then '-' itself
        self._at += 1
        high = self._char_of_class()
        if len(high) != 1 or high[0][0] != high[0][1]:
            raise self._unread()
        return ((low[0][0], high[0][0]),)

    def _char_of_class(self) -> Charset:
        if self._at >= len(self._text):
            raise self._unread()
        char = self._text[self._at]
        self._at += 1
        return self._escape() if char == "\\" else of(char)

    def _escape(self) -> Charset:
        char = self._text[self._at : self._at + 1]
        if hexed := _HEX.match(self._text, self._at):
            self._at = hexed.end()
            code = int(hexed[1] or hexed[2], 16)
            return ((code, code),)
        self._at += 1
        if char in NAMED:
            return NAMED[char]
        if char in _CONTROLS:
            return ((_CONTROLS[char], _CONTROLS[char]),)
        if not char or not char.isascii() or char.isalnum():
            raise self._unread()
        return of(char)

    def _cased(self, chars: Charset) -> Charset:
        if not self._any_case:
            return chars
        if chars and chars[-1][1] > 0x7F and chars[-1][1] != LAST:
            raise self._unread()
        return either_case(chars)

    def _found(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _move(self, chars: Charset) -> Part:
        start, end = self._state(), self._state()
        self.moves[start] = (chars, end)
        return start, end

    def _link(self, start: int, end: int) -> None:
        self.free.setdefault(start, []).append(end)

    def _state(self) -> int:
        self._states += 1
        if self._states > _MOST_STATES:
            raise self._unread()
        return self._states

    def _unread(self) -> UnreadExpressionError:
        return UnreadExpressionError(self._expression)
