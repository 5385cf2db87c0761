"""Which route of a virtual host answers a request, and which routes one request could meet both.

The entries of a virtual host are put into a tree by the segments of their paths; at each path by
the conditions of its routes. So one of 10,000 routes is found in a few steps, and a route meets
only those that can take a request of its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import TypeAlias

from controlplane.difference.difference import Request
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.plan.precedence import headers, query
from language.matches import How, TextMatch, exact
from language.paths import PathPattern
from language.segments import Kind

Condition: TypeAlias = tuple[tuple[str, str, TextMatch], ...]
"""Sorted (kind, name, value) of what a request must carry."""

Names: TypeAlias = tuple[tuple[str, str], ...]

_PREFLIGHT: Condition = tuple(
    ("header", name, TextMatch(How.PRESENT)) for name in ("access-control-request-method", "origin")
)
"""What makes an OPTIONS a preflight; which methods one answers is more than it says."""


def pattern(entry: Entry) -> PathPattern:
    """The path that an entry matches."""
    return entry.route.path if isinstance(entry, PlannedRoute) else entry.path


def condition(entry: Entry) -> Condition:
    """What a request must carry besides its path and method."""
    if isinstance(entry, MethodNotAllowed):
        return ()
    if isinstance(entry, Preflight):
        return _PREFLIGHT
    pairs = [("header", n, v) for n, v in headers(entry.route)]
    return tuple(sorted([*pairs, *(("query", n, v) for n, v in query(entry.route))]))


def takes(entry: Entry, method: str) -> bool:
    """Whether an entry matches a request of this method; a 405 is for those not allowed."""
    if isinstance(entry, MethodNotAllowed):
        return method not in entry.allow
    if isinstance(entry, Preflight):
        return method == "OPTIONS"
    return not entry.route.match.methods or method in entry.route.match.methods


@dataclass(slots=True)
class _Group:
    """The entries of one path, by the names that they look at and the values that they want."""

    by_names: dict[Names, dict[Condition, list[int]]] = field(default_factory=dict)
    _by_part: dict[tuple[Names, Names], dict[Condition, list[Condition]]] = field(
        default_factory=dict
    )

    def add(self, position: int, wanted: Condition) -> None:
        names = tuple((kind, name) for kind, name, _ in wanted)
        self.by_names.setdefault(names, {}).setdefault(wanted, []).append(position)

    def carried(self, has: dict[tuple[str, str], TextMatch]) -> Iterator[int]:
        """The positions whose conditions a request meets that carries these."""
        for names in self._named(tuple(sorted(has))):
            wanted = self.by_names.get(names)
            if wanted is not None:
                yield from wanted.get(tuple((*name, has[name]) for name in names), ())

    def _named(self, names: Names) -> Iterable[Names]:
        """The names among these that entries may look at: every choice, or all that there are."""
        if 2 ** len(names) > len(self.by_names):
            return [one for one in self.by_names if set(one) <= set(names)]
        return chain.from_iterable(combinations(names, n) for n in range(len(names) + 1))

    def beside(self, wanted: Condition) -> Iterator[int]:
        """The positions whose conditions one request can meet beside these."""
        have = {(kind, name): value for kind, name, value in wanted}
        for names, conditions in self.by_names.items():
            shared = tuple(name for name in names if name in have)
            part = tuple((*name, have[name]) for name in shared)
            if (names, shared) not in self._by_part:
                index: dict[Condition, list[Condition]] = defaultdict(list)
                for one in conditions:
                    index[tuple(c for c in one if (c[0], c[1]) in shared)].append(one)
                self._by_part[names, shared] = index
            for one in self._by_part[names, shared].get(part, ()):
                yield from conditions[one]


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    variable: "_Node | None" = None
    end: _Group | None = None
    rest: _Group | None = None

    def all(self) -> Iterator[_Group]:
        """Every group here and below."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield from (one for one in (node.end, node.rest) if one is not None)
            waiting += node.literals.values()
            waiting += () if node.variable is None else (node.variable,)


class Table:
    """The entries of a virtual host, in order, made to be asked."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self.methods = {m for one in entries for m in _methods(one)}
        self.literals: set[str] = set()
        self._root = _Node()
        for position, entry in enumerate(entries):
            self._add(position, entry)

    def winner(self, request: Request) -> int | None:
        """The position of the entry that answers; None where that is a 404."""
        has = {("header", n): exact(v) for n, v in request.headers}
        has |= {("query", n): exact(v) for n, v in request.query}
        return min(
            (
                position
                for group in self._at(request.path)
                for position in group.carried(has)
                if takes(self.entries[position], request.method)
            ),
            default=None,
        )

    def longest(self, path: tuple[str, ...], word: str) -> int:
        """How many segments tell entries apart, of a path that goes on with this word for ever.

        All that are longer are alike to every entry.
        """
        waiting = [self._root]
        depth = 0
        while waiting:
            text = path[depth] if depth < len(path) else word
            below = (node.literals.get(text) for node in waiting)
            free = (node.variable for node in waiting if text)
            waiting = [node for node in chain(below, free) if node is not None]
            depth += 1
        return depth

    def meeting(self, entry: Entry) -> Iterator[int]:
        """The positions of those that some request could match beside this one, but for methods."""
        wanted = condition(entry)
        for group in self._crossing(pattern(entry)):
            yield from group.beside(wanted)

    def _add(self, position: int, entry: Entry) -> None:
        path = pattern(entry)
        node = self._root
        for segment in path.fixed:
            if segment.kind is Kind.VARIABLE:
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                self.literals.add(segment.text)
                node = node.literals.setdefault(segment.text, _Node())
        if path.rest is not None:
            node.rest = node.rest or _Group()
            node.rest.add(position, condition(entry))
        else:
            node.end = node.end or _Group()
            node.end.add(position, condition(entry))

    def _at(self, path: tuple[str, ...]) -> Iterator[_Group]:
        waiting = [(self._root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if node.rest is not None:
                yield node.rest
            if depth == len(path):
                if node.end is not None:
                    yield node.end
                continue
            below = node.literals.get(path[depth])
            waiting += () if below is None else ((below, depth + 1),)
            if node.variable is not None and path[depth]:
                waiting.append((node.variable, depth + 1))

    def _crossing(self, path: PathPattern) -> Iterator[_Group]:
        fixed = path.fixed
        waiting = [(self._root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if depth == len(fixed):
                if path.rest is not None:
                    yield from node.all()
                else:
                    yield from (one for one in (node.end, node.rest) if one is not None)
                continue
            if node.rest is not None:
                yield node.rest
            segment = fixed[depth]
            found: Iterable[_Node]
            if segment.kind is Kind.VARIABLE:
                found = (n for text, n in node.literals.items() if text)
            else:
                found = (n for n in (node.literals.get(segment.text),) if n is not None)
            waiting += ((n, depth + 1) for n in found)
            if node.variable is not None and (segment.kind is Kind.VARIABLE or segment.text):
                waiting.append((node.variable, depth + 1))


def _methods(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry, Preflight):
        return ("OPTIONS",)
    return entry.allow if isinstance(entry, MethodNotAllowed) else entry.route.match.methods
