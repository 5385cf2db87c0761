"""A request as a decision sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request.

    `path` has the query. `headers` are header lines as they came: names in lower case, values as
    raw bytes, a name once for each time it was sent. `address` is the client's trusted address.
    """

    method: str
    path: str
    host: str
    headers: tuple[tuple[str, bytes], ...]
    address: str

    def values(self, name: str) -> tuple[bytes, ...]:
        """Give the values of a header (its name in lower case), one for each line of it."""
        return tuple(value for found, value in self.headers if found == name)
