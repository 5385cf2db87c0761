"""Where something stands in a file that a user wrote."""

from typing import NamedTuple


class Place(NamedTuple):
    """A position in a file; line and column count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Give `file:line:column`, which editors and terminals make a link of."""
        return f"{self.file}:{self.line}:{self.column}"
