"""A difference as a comment on a pull request: sections, the long ones folded.

Whatever comes from a file stands in code spans, so that it can mention, link and style nothing.
"""

import re
from collections.abc import Iterator

from controlplane.difference.difference import Difference
from foregate.diffsections import Row, Section, sections

OPEN = 10
"""Sections with more lines than this are folded."""

LONGEST = 60_000
"""Characters: a comment holds 65,536."""


def markdown(found: Difference) -> str:
    """The whole comment, no newline at the end."""
    lines = ["## foregate diff", ""]
    if found.same:
        lines += ["No difference in meaning.", ""]
    for section in sections(found, most=10):
        lines += _section(section)
    return _bounded(lines)


def _section(section: Section) -> Iterator[str]:
    mark = "⚠️ " if section.danger else ""
    yield f"### {mark}{section.title}: {section.summary}"
    yield ""
    folded = len(section.rows) > OPEN and not section.danger
    if folded:
        yield f"<details><summary>{len(section.rows)} lines</summary>"
        yield ""
    for row in section.rows:
        yield from _row(row)
    yield ""
    if folded:
        yield "</details>"
        yield ""


def _row(row: Row) -> Iterator[str]:
    places = "".join(f" {_code(place)}" for place in row.places)
    yield f"- {_code(row.words)}{' at' if places else ''}{places}"
    yield from (f"  - {_code(line)}" for line in row.below)


def _code(words: str) -> str:
    """A code span: its fence is longer than any run of backticks in it (CommonMark 6.1)."""
    longest = max((len(run) for run in re.findall("`+", words)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{words}{pad}{fence}"


def _bounded(lines: list[str]) -> str:
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > LONGEST:
            kept += ["", "… the rest is too long for a comment: run `foregate diff -v`."]
            break
        kept.append(line)
    return "\n".join(kept).rstrip()
