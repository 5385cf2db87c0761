"""The requests that tell two entries apart, so few that all can be tried.

Where any request at all has one route as its answerer before and another after, then so has one of
these: it carries what both want and nothing more, and has a word that no path names wherever
neither path wants a certain one. Whatever matches it matches the other request too, so no route
comes before the two here that does not come before them there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.difference.difference import Request
from controlplane.difference.matcher import Table, condition, pattern, takes
from controlplane.plan.plan import Entry
from language.fields import METHODS
from language.paths import PathPattern
from language.segments import Kind


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
        self._word = next(w for n in range(len(literals) + 1) if (w := _word(n)) not in literals)
        named = before.methods | after.methods
        other = next((m for m in METHODS if m not in named), "OTHER")  # one that no route names
        known = [m for m in METHODS if m in named]
        self._methods = (*known, other, *sorted(named - set(METHODS)))

    def of(self, one: Entry, other: Entry) -> Iterator[Request]:
        """Requests that both match; of an entry and itself, those that it matches."""
        methods = [m for m in self._methods if takes(one, m) and takes(other, m)]
        if not methods:
            return
        wanted = sorted({*condition(one), *condition(other)})
        headers = tuple((n, v.text) for kind, n, v in wanted if kind == "header")
        query = tuple((n, v.text) for kind, n, v in wanted if kind == "query")
        for path in self._paths(pattern(one), pattern(other)):
            for method in methods:
                yield Request(method=method, path=path, headers=headers, query=query)

    def _paths(self, one: PathPattern, other: PathPattern) -> Iterator[tuple[str, ...]]:
        fixed = max(len(one.fixed), len(other.fixed))
        longest = fixed
        if one.rest is not None and other.rest is not None:
            start = tuple(self._segment(one, other, at) for at in range(fixed))
            longest = max(table.longest(start, self._word) for table in self._tables)
        for length in range(max(fixed, 1), max(longest, 1) + 1):
            path = tuple(self._segment(one, other, at) for at in range(length))
            yield path
            if length > fixed:
                yield (*path[:-1], "")

    def _segment(self, one: PathPattern, other: PathPattern, at: int) -> str:
        for path in (one, other):
            if at < len(path.fixed) and path.fixed[at].kind is Kind.LITERAL:
                return path.fixed[at].text
        return self._word


def _word(number: int) -> str:
    return f"any{number or ''}"
