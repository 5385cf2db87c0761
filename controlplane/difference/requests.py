"""The requests that tell two entries apart, so few that all can be tried.

Among entries that want exact text on paths without expressions: where any request at all has one
route as its answerer before and another after, then so has one of these. It carries what both want
and nothing more, and has a word that no path names wherever neither path wants a certain one.
Whatever such entry matches it matches the other request too, so none comes before the two here
that does not come before them there. What else there is, `search` looks for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.matching.condition import Asked
from controlplane.matching.request import Request
from controlplane.matching.table import Table
from language.fields import METHODS
from language.paths import PathPattern
from language.segments import Kind

ONLY_SLASHES = ("", "")
"""`//`, the one path that arrives with an empty segment before its end: `///` becomes it as well.

Only `/**` and expressions match it: no path of a route has an empty segment there.
"""


@dataclass(slots=True, kw_only=True)
class Allowance:
    """How many requests are still tried, of all those that two gateways could be asked.

    Routes that all cross each other make as many pairs as their square.
    """

    left: int

    def spend(self) -> bool:
        """Whether there was one left."""
        self.left -= 1
        return self.left >= 0


class Trials:
    """Makes requests for the entries of two tables."""

    def __init__(self, before: Table, after: Table) -> None:
        self._tables = (before, after)
        literals = before.literals | after.literals
        self.word = next(w for n in range(len(literals) + 1) if (w := _word(n)) not in literals)
        named = before.methods | after.methods
        other = next((m for m in METHODS if m not in named), "OTHER")  # one that no route names
        known = [m for m in METHODS if m in named]
        self._methods = (*known, other, *sorted(named - set(METHODS)))

    def methods(self, one: Asked, other: Asked) -> list[str]:
        """The methods that both take, of those that anybody names and one more."""
        return [m for m in self._methods if one.takes(m) and other.takes(m)]

    def of(self, one: Asked, other: Asked) -> Iterator[Request]:
        """Requests that both match, of an entry and itself those that it matches: both exact."""
        methods = self.methods(one, other)
        if not methods:
            return
        wanted = sorted({*one.condition, *other.condition})
        headers = tuple((n, v.text) for kind, n, v in wanted if kind == "header")
        query = tuple((n, v.text) for kind, n, v in wanted if kind == "query")
        for path in self.paths(one.path, other.path):
            for method in methods:
                yield Request(method=method, path=path, headers=headers, query=query)

    def paths(self, one: PathPattern, other: PathPattern) -> Iterator[tuple[str, ...]]:
        """Paths of each length that two patterns match, where they cross and are no expression."""
        fixed = max(len(one.fixed), len(other.fixed))
        longest = fixed
        if one.rest is not None and other.rest is not None:
            start = tuple(self._segment(one, other, at) for at in range(fixed))
            longest = max(table.longest(start, self.word) for table in self._tables)
        for length in range(max(fixed, 1), max(longest, 1) + 1):
            path = tuple(self._segment(one, other, at) for at in range(length))
            yield path
            if length > fixed:
                yield (*path[:-1], "")
        if not fixed and one.rest is not None and other.rest is not None:
            yield ONLY_SLASHES

    def _segment(self, one: PathPattern, other: PathPattern, at: int) -> str:
        for path in (one, other):
            if at < len(path.fixed) and path.fixed[at].kind is Kind.LITERAL:
                return path.fixed[at].text
        return self.word


def _word(number: int) -> str:
    return f"any{number or ''}"
