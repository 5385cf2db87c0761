"""A request as entries see it."""

from dataclasses import dataclass
from typing import TypeAlias

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: `path` are its segments, and each header and parameter has one value."""

    method: str
    path: tuple[str, ...]
    headers: Pairs
    query: Pairs

    @property
    def whole_path(self) -> str:
        """The path as it is sent, without the query."""
        return "".join(f"/{segment}" for segment in self.path)

    def __str__(self) -> str:
        """Give method, path and query on one line."""
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.method} {self.whole_path}{'?' if query else ''}{query}"
