"""Mistakes as people and programs read them: with the source line and a caret, or as JSON.

Whatever a user's file holds is shown, never sent to the terminal: what is not printable appears
as an escape, a line too long for a screen as the part around the caret, and a password in a URL,
a key or the hash of one not at all.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from typing_extensions import TypedDict

from language.mistakes import Mistake
from language.places import Place
from language.source import LINE_BREAK

SHOWN = 1000
"""How many mistakes are written out; nobody reads more."""

_HALF = 50  # columns of a long line that are shown to each side of the caret's start
_TAB = "    "
_LONGEST = 400  # characters of a message or hint
_USER = re.compile(r"(?<=://)[^\s\"']*(?=@)")
_KEY = re.compile(r"(?<=sha256:)[0-9A-Fa-f]{16,}|\bfg_[0-9A-Za-z]{16,}")
_BOLD, _RED, _YELLOW, _CYAN, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[0m"


class PlaceRecord(TypedDict):
    """A place in `-o json`."""

    file: str
    line: int
    column: int


class MistakeRecord(PlaceRecord):
    """A mistake in `-o json`; these keys are a promise to scripts and editors."""

    severity: Literal["error", "warning"]
    message: str
    hint: str
    also: list[PlaceRecord]


def render(mistakes: Iterable[Mistake], texts: Mapping[str, str], *, colour: bool = False) -> str:
    """Every mistake in file order with its source line, and their number; no newline at the end.

    `texts` holds each file's text by the name in its places; without it a mistake has no line.
    """
    ordered = _in_order(mistakes)
    if not ordered:
        return ""
    page = _Page(texts, [mistake for mistake in ordered if mistake.hidden], colour=colour)
    for mistake in ordered[:SHOWN]:
        page.add(mistake)
    if len(ordered) > SHOWN:
        page.lines.append(f"… and {len(ordered) - SHOWN} more: mend these first")
    page.lines.append(_count(ordered))
    return "\n".join(page.lines)


def as_json(mistakes: Iterable[Mistake]) -> list[MistakeRecord]:
    """The same in the same order, as what `json.dumps` takes; texts are as in the file."""
    return [
        MistakeRecord(
            **_record(mistake.place),
            severity=mistake.severity,
            message=without_password(mistake.message),
            hint=without_password(mistake.hint),
            also=[_record(place) for place in mistake.also],
        )
        for mistake in _in_order(mistakes)
    ]


def without_password(text: str) -> str:
    """A text in which users of URLs, keys of ours and their hashes are crossed out in place."""
    if "sha256:" in text or "fg_" in text:
        text = _KEY.sub(_crossed_out, text)
    return _USER.sub(_crossed_out, text) if "@" in text else text


def _crossed_out(found: re.Match[str]) -> str:
    return "•" * len(found[0])


def visible(text: str) -> str:
    """A text of which nothing can move a cursor, change a colour, or hide."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


class _Page:
    """The lines of a report as they come about."""

    def __init__(
        self, texts: Mapping[str, str], secret: Iterable[Mistake], *, colour: bool
    ) -> None:
        self.lines: list[str] = []
        self._secret: dict[tuple[str, int], int] = {}
        for one in secret:
            line = (one.place.file, one.place.line)
            self._secret[line] = min(one.place.column, self._secret.get(line, one.place.column))
        self._texts = texts
        self._split: dict[str, list[str]] = {}
        self._colour = colour

    def add(self, mistake: Mistake) -> None:
        shade = _RED if mistake.severity == "error" else _YELLOW
        place = self._paint(visible(str(mistake.place)), _BOLD)
        severity = self._paint(f"{mistake.severity}:", shade)
        self.lines.append(f"{place}: {severity} {_short(mistake.message)}")
        self._excerpt(mistake.place, mistake.width, _short(mistake.hint), shade)
        for other in mistake.also:
            self.lines.append(f"  also at {self._paint(visible(str(other)), _BOLD)}")
            self._excerpt(other, mistake.width, "", _CYAN)

    def _excerpt(self, place: Place, width: int, hint: str, shade: str) -> None:
        lines = self._source(place.file)
        if not 1 <= place.line <= len(lines):
            if hint:
                self.lines.append(f"      = {hint}")
            return
        line = without_password(lines[place.line - 1])
        known = self._secret.get((place.file, place.line), len(line) + 1) - 1
        line = line[:known] + "•" * len(line[known:])
        shown, indent, carets = _window(line, place.column, width)
        self.lines.append(f"{place.line:>5} | {shown}".rstrip())
        marks = self._paint("^" * carets, shade)
        self.lines.append(f"      | {' ' * indent}{marks} {hint}".rstrip())

    def _source(self, file: str) -> list[str]:
        if file not in self._split:
            text = self._texts.get(file)
            self._split[file] = [] if text is None else LINE_BREAK.split(text)
        return self._split[file]

    def _paint(self, text: str, code: str) -> str:
        return f"{code}{text}{_PLAIN}" if self._colour else text


def _window(line: str, column: int, width: int) -> tuple[str, int, int]:
    """A line as it is shown, the columns before its caret, and how many carets."""
    at = min(max(column, 1) - 1, len(line))
    left: list[str] = []
    used = 0
    start = at
    while start > 0 and used < _HALF:
        start -= 1
        left.append(_cell(line[start]))
        used += _columns(left[-1])
    right: list[str] = []
    carets = taken = 0
    end = at
    while end < len(line) and taken < _HALF:
        right.append(_cell(line[end]))
        taken += _columns(right[-1])
        end += 1
        if end - at <= width:
            carets = taken
    before = ("…" if start > 0 else "") + "".join(reversed(left))
    after = "".join(right) + ("…" if end < len(line) else "")
    return before + after, _columns(before), max(1, carets)


def _cell(char: str) -> str:
    if char.isprintable():
        return char
    return _TAB if char == "\t" else _escape(char)


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_columns(char) for char in text)


def _char_columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _escape(char: str) -> str:
    code = ord(char)
    if char in "\t\n\r":
        return {"\t": "\\t", "\n": "\\n", "\r": "\\r"}[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _short(text: str) -> str:
    text = without_password(text)
    return visible(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _in_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    return sorted(mistakes, key=lambda mistake: mistake.place)


def _record(place: Place) -> PlaceRecord:
    return PlaceRecord(file=place.file, line=place.line, column=place.column)


def _count(mistakes: list[Mistake]) -> str:
    numbers = Counter(mistake.severity for mistake in mistakes)
    words: tuple[Literal["error", "warning"], ...] = ("error", "warning")
    return ", ".join(
        f"{numbers[word]} {word}{'' if numbers[word] == 1 else 's'}"
        for word in words
        if numbers[word]
    )
