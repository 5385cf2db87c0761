"""Which route of a virtual host answers a request, and which routes one request could meet both.

The entries of a virtual host are put into a tree by the segments of their paths; at each path by
the conditions of its routes. So one of 10,000 routes is found in a few steps, and a route meets
only those that can take a request of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from controlplane.matching.condition import Asked, Name, asked
from controlplane.matching.crossing import beginning, may_cross, may_match
from controlplane.matching.group import Group
from controlplane.matching.request import Request
from controlplane.plan.plan import Entry
from language.paths import PathPattern
from language.regexes import matches
from language.segments import ESCAPE, Kind


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    variable: "_Node | None" = None
    end: Group | None = None
    rest: Group | None = None

    def all(self) -> Iterator[Group]:
        """Every group here and below."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield from (one for one in (node.end, node.rest) if one is not None)
            waiting += node.literals.values()
            waiting += () if node.variable is None else (node.variable,)


class Table:
    """The entries of a virtual host, in order, made to be asked.

    `asking` is what entries ask of a request, where it is not the request itself that is told.
    """

    def __init__(
        self, entries: tuple[Entry, ...], asking: Callable[[Entry], Asked] = asked
    ) -> None:
        self.entries = entries
        self.asked = tuple(asking(one) for one in entries)
        self.methods = {method for one in self.asked for method in one.methods}
        self.literals: set[str] = set()
        self._root = _Node()
        self._expressions: dict[str, Group] = {}
        self._patterns: list[Group] = []
        for position in range(len(entries)):
            self._add(position)

    def winner(self, request: Request) -> int | None:
        """The position of the entry that answers; None where that is a 404."""
        has = {("header", name): value for name, value in request.headers}
        has |= {("query", name): value for name, value in request.query}
        best: int | None = None
        for group in self._at(request.path):
            best = self._better(best, group, has, request.method)
        path = request.whole_path if self._expressions else ""
        raw = path.encode()
        for expression, group in self._expressions.items():
            if best is not None and group.least > best:
                break  # as are those that follow
            if may_match(expression, raw) and matches(expression, path):
                best = self._better(best, group, has, request.method)
        return best

    def _better(
        self, best: int | None, group: Group, has: dict[Name, str], method: str
    ) -> int | None:
        """The first position of a group that takes a request, if that is before the best."""
        if best is not None and group.least > best:
            return best
        for position in group.carried(has):
            if (best is None or position < best) and self.asked[position].takes(method):
                best = position
        return best

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

    def meeting(self, wanted: Asked) -> Iterator[int]:
        """The positions of those that some request may match beside this, but for methods.

        Of expressions there may be more: which path both match is not looked for here.
        """
        for group in self._crossing(wanted.path):
            yield from group.beside(wanted.condition)

    def _add(self, position: int) -> None:
        path, condition = self.asked[position].path, self.asked[position].condition
        if path.is_regex:
            if path.regex not in self._expressions:
                self._expressions[path.regex] = self._group(path)
            self._expressions[path.regex].add(position, condition)
            return
        node = self._root
        for segment in path.fixed:
            if segment.kind is Kind.VARIABLE:
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                self.literals.add(segment.text)
                node = node.literals.setdefault(segment.text, _Node())
        if path.rest is not None:
            node.rest = node.rest or self._group(path)
            node.rest.add(position, condition)
        else:
            node.end = node.end or self._group(path)
            node.end.add(position, condition)

    def _at(self, path: tuple[str, ...]) -> Iterator[Group]:
        path = tuple(ESCAPE.sub(lambda e: e[0].upper(), s) if "%" in s else s for s in path)
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

    def _crossing(self, path: PathPattern) -> Iterator[Group]:
        """The groups that some path may belong to which this pattern matches."""
        begins = beginning(path)
        for expression, group in self._expressions.items():
            if may_cross(expression, path, begins):
                yield group
        if not path.is_regex:
            yield from self._crossed(path)
            return
        for group in self._patterns:
            if may_cross(path.regex, group.path, group.begins):
                yield group

    def _group(self, path: PathPattern) -> Group:
        group = Group(path=path, begins=beginning(path))
        if not path.is_regex:
            self._patterns.append(group)
        return group

    def _crossed(self, path: PathPattern) -> Iterator[Group]:
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
