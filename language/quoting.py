"""The hint "quote it", with the value as it should be written."""

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # stands for what cannot be in a file, so not in a hint
_LONGEST = 80  # characters that a hint repeats; a longer value is described, not shown
_NEARBY = 200  # characters each way that are looked at: a line may be the whole file
_VALUE_STARTS = re.compile(r"(?:[,\[{]|: |^\s*(?:- )*|(?<=\s)- )\s*")
_OPENING = {"[": "]", "{": "}"}


def quoted(text: str) -> str:
    """A text as a quoted scalar that means exactly it."""
    if "\\" not in text and '"' not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def quote_it(text: str) -> str:
    """The hint for a value that YAML does not take for text."""
    shown = text and len(text) <= _LONGEST and REPLACEMENT not in text
    return f"quote it: {quoted(text)}" if shown else "quote it"


def value_at(line: str, column: int, *, flow: bool) -> tuple[int, str]:
    """The value that the writer meant around a column: where it starts, and its text.

    Inside `[…]` or `{…}` a value ends at a comma or at the bracket that closes the collection;
    brackets that the value itself opens belong to it. Elsewhere it ends with the line or comment.
    """
    cut = max(0, column - 1 - _NEARBY)
    near = line[cut : column - 1 + _NEARBY]
    index = column - 1 - cut
    inside = flow or _unclosed(near[:index])
    start = _start(near, index, inside=inside)
    end = _end_in_flow(near, start) if inside else _end_of_line(near, start)
    return cut + start + 1, near[start:end].rstrip()


def _unclosed(prefix: str) -> bool:
    """Whether a bracket stands open after a piece of a line (quotes are not looked into)."""
    return sum(prefix.count(c) for c in "[{") > sum(prefix.count(c) for c in "]}")


def _start(line: str, index: int, *, inside: bool) -> int:
    start = 0
    for found in _VALUE_STARTS.finditer(line, 0, index):
        if inside or found[0][:1] not in ("[", "{", ","):
            start = found.end()
    return min(start, index)


def _end_in_flow(line: str, start: int) -> int:
    open_brackets: list[str] = []
    for index in range(start, len(line)):
        char = line[index]
        if char in _OPENING:
            open_brackets.append(_OPENING[char])
        elif open_brackets and char == open_brackets[-1]:
            open_brackets.pop()
        elif not open_brackets and char in ",]}":
            return index
    return len(line)


def _end_of_line(line: str, start: int) -> int:
    comment = line.find(" #", start)
    return len(line) if comment < 0 else comment
