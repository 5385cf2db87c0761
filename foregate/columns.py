"""Rows of cells below each other. What is in them may be anybody's: it is made visible."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from language.report import visible

GAP = 2
"""Columns between two cells."""

_LONGEST = 64  # columns of one cell


def cell(text: str) -> str:
    """Give a text as a cell, `-` for none."""
    shown = Text(visible(text))
    shown.truncate(_LONGEST, overflow="ellipsis")
    return shown.plain or "-"


def line(row: Sequence[str], widths: Sequence[int], *, last: bool = False) -> str:
    """A row as text; `last`: also the last cell is as wide as its column."""
    cells = [c + " " * (w - cell_len(c)) for c, w in zip(row, widths, strict=True)]
    joined = (" " * GAP).join(cells)
    return joined if last else joined.rstrip()
