"""A difference for people at a terminal: short, grouped, the most dangerous first."""

from collections.abc import Iterator

from controlplane.difference.difference import Difference
from foregate.diffsections import Row, Section, sections

SHOWN = 10
"""How many lines of a section are written out; `-v` shows all."""
SHOWN_BELOW = 3

_BOLD, _RED, _DIM, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[2m", "\x1b[0m"


def text(found: Difference, *, everything: bool, colour: bool) -> str:
    """The whole report, no newline at the end."""
    lines: list[str] = []
    if found.same:
        lines.append("no difference in meaning")
    for section in sections(found, most=None if everything else SHOWN_BELOW):
        lines += _section(section, everything=everything, colour=colour)
    return "\n".join(lines)


def _section(section: Section, *, everything: bool, colour: bool) -> Iterator[str]:
    title = f"{section.title.upper()}  {section.summary}"
    yield _paint(title, _BOLD + (_RED if section.danger else ""), colour=colour)
    rows = section.rows if everything or section.danger else section.rows[:SHOWN]
    for row in rows:
        yield from _row(row, colour=colour)
    if len(rows) < len(section.rows):
        yield f"  … and {len(section.rows) - len(rows)} more: -v shows all"


def _row(row: Row, *, colour: bool) -> Iterator[str]:
    places = "".join(f"  {_paint(place, _DIM, colour=colour)}" for place in row.places)
    yield f"  {row.words}{places}"
    yield from (f"      {line}" for line in row.below)


def _paint(words: str, code: str, *, colour: bool) -> str:
    return f"{code}{words}{_PLAIN}" if colour else words
