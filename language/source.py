"""A file's bytes as text in which every character has a line and a column.

YAML's own reader stops at the first character that it dislikes and often cannot say where.
So bytes are decoded and looked through here, once, and the parser is given a text that it
cannot refuse: what is forbidden has become U+FFFD, one for one, so that places stay true.
"""

import codecs
import re
from functools import cached_property

from language.mistakes import Mistake
from language.places import Place
from language.quoting import REPLACEMENT

LINE_BREAK = re.compile(r"\r\n|\r|\n")

# Control characters; U+0085, U+2028 and U+2029, which YAML takes for line breaks and editors do
# not; a byte order mark that is not the first character; non-characters; and U+DC80 to U+DCFF,
# which is how a byte that is not UTF-8 comes out of `surrogateescape`.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\udc80-\udcff]"
)
_FOREIGN_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class Source:
    """One file: its name, the text as it is to be shown, and the text as it is to be parsed."""

    def __init__(self, file: str, text: str, parsed: str) -> None:
        self.file = file
        self.text = text
        self.parsed = parsed

    @cached_property
    def lines(self) -> list[str]:
        """The parsed text without its line breaks; computed only when there is a mistake."""
        return LINE_BREAK.split(self.parsed)

    def line(self, number: int) -> str:
        """A line by its number from 1, empty where there is none."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def rest(self, line: int, column: int) -> str:
        """What a line holds from a column on, as far as a message could need it."""
        return self.line(line)[column - 1 : column - 1 + 200]

    def place(self, line: int, column: int) -> Place:
        """A place that exists: the parser's idea of the end of a file may lie behind it."""
        number = min(max(line, 1), len(self.lines))
        at_end = number == len(self.lines) and not self.lines[number - 1]
        if number < line or at_end:
            while number > 1 and not self.lines[number - 1].strip():
                number -= 1
            column = len(self.lines[number - 1]) + 1
        return Place(self.file, number, min(max(column, 1), len(self.lines[number - 1]) + 1))


def decode(file: str, data: bytes, most: int) -> tuple[Source, list[Mistake]]:
    """The text of a file and what is no text in it: one mistake a line, `most` in all."""
    for mark, name in _FOREIGN_MARKS:
        if data.startswith(mark):
            wrong = Mistake(
                place=Place(file, 1, 1), message=f"the file is {name}", hint="save it as UTF-8"
            )
            return Source(file, "", ""), [wrong]
    raw = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    if _FORBIDDEN.search(raw) is None:
        return Source(file, raw, raw), []
    text = re.sub("[\udc80-\udcff]", REPLACEMENT, raw)
    source = Source(file, text, _FORBIDDEN.sub(REPLACEMENT, raw))
    mistakes = []
    for number, line in enumerate(LINE_BREAK.split(raw), 1):
        found = _FORBIDDEN.search(line)
        if found is not None:
            mistakes.append(_refused(Place(file, number, found.start() + 1), ord(found[0])))
            if len(mistakes) >= most:
                break
    return source, mistakes


def _refused(place: Place, code: int) -> Mistake:
    if 0xDC80 <= code <= 0xDCFF:
        byte = code - 0xDC00
        return Mistake(
            place=place, message=f"byte 0x{byte:02X} is not UTF-8", hint="save the file as UTF-8"
        )
    if code == 0xFEFF:
        return Mistake(
            place=place, message="a byte order mark stands inside the file", hint="remove it"
        )
    escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return Mistake(
        place=place,
        message=f"the invisible character U+{code:04X} is not allowed",
        hint=f'remove it, or write "{escape}" in double quotes',
    )
