"""Which mistakes of a model stand by themselves, and which only follow from what was not read.

The reader refuses what is no YAML and keeps the rest; whoever reads on must not call missing what
a mistake has hidden. One mistake of the user is one mistake of the report.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace

from language.mistakes import Mistake, errors
from language.nodes import ListNode, MapNode, Node
from language.reader import Document
from language.source import LINE_BREAK

_END = 10**9  # a line behind every file


class Doubts:
    """What the reader's mistakes leave in doubt."""

    def __init__(self, document: Document) -> None:
        self._document = document
        wrong = errors(document.mistakes)
        self._lines = sorted({p.line for m in wrong for p in (m.place, *m.also)})
        self._ends = dict(_spans(document.root)) if wrong else {}
        self._cut = (_END, 0) if document.complete else _last_child(document.root)

    def about(self, node: Node) -> bool:
        """Whether something within a node was refused, so that it says too little."""
        if not self._lines:
            return False
        return self._cut <= (node.line, node.column) or self._refused_in(node)

    def certain(self, mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
        """The mistakes that do not follow from those of the reader, each once.

        Dropped are those on a line that the reader has refused something on; those at the start of
        a mapping that it has refused something in, which is where something missing is told; and,
        where reading stopped early, those in the last route or backend that it reached.
        """
        told = tuple(dict.fromkeys(self._within_lines(mistakes)))
        if not self._lines:
            return told
        refused = set(self._lines)
        hollow = set(self._hollow())
        at = ((m, (m.place.line, m.place.column)) for m in told)
        return tuple(m for m, p in at if p[0] not in refused and p not in hollow and p < self._cut)

    def _refused_in(self, node: Node) -> bool:
        end = self._ends.get(id(node), node.line + 1)
        position = bisect_left(self._lines, node.line)
        return position < len(self._lines) and self._lines[position] < max(end, node.line + 1)

    def _hollow(self) -> Iterator[tuple[int, int]]:
        """Where what is missing in a spoilt mapping would be told: it, its first key, its own."""
        if self._document.root is None:
            return
        for node in _within(self._document.root):
            if not isinstance(node, MapNode):
                continue
            for key, value in node.entries:
                if isinstance(value, MapNode) and self._refused_in(value):
                    yield key.line, key.column
            if node is not self._document.root and node.entries and self._refused_in(node):
                first = node.entries[0][0]
                yield from ((first.line, first.column), (node.line, node.column))

    def _within_lines(self, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
        """The mistakes at columns that exist: those counted in a text's characters may lie further.

        A text may have escapes, or go on in the next line.
        """
        lines: list[str] | None = None
        for mistake in mistakes:
            lines = lines or LINE_BREAK.split(self._document.text)
            place = mistake.place
            line = lines[place.line - 1] if place.line <= len(lines) else ""
            last = max(1, len(line))
            yield (
                replace(mistake, place=place._replace(column=last), width=1)
                if place.column > last
                else mistake
            )


def _spans(root: Node | None) -> Iterator[tuple[int, int]]:
    """For each node (by its id) the line before which it ends: where what follows it begins."""
    stack = [(root, _END)] if root is not None else []
    while stack:
        node, end = stack.pop()
        yield id(node), end
        below: list[tuple[Node, int]] = []
        if isinstance(node, MapNode):
            below = [(value, key.line) for key, value in node.entries]
        elif isinstance(node, ListNode):
            below = [(item, item.line) for item in node.items]
        starts = [start for _, start in below[1:]] + [end]
        stack.extend((value, stop) for (value, _), stop in zip(below, starts, strict=False))


def _last_child(root: Node | None) -> tuple[int, int]:
    """Where the last child of the last uppermost key begins."""
    if not isinstance(root, MapNode) or not root.entries:
        return (1, 1)
    key, value = root.entries[-1]
    last: Node = key
    if isinstance(value, ListNode) and value.items:
        last = value.items[-1]
    elif isinstance(value, MapNode) and value.entries:
        last = value.entries[-1][0]
    return (last.line, last.column)


def _within(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, MapNode):
        for key, value in node.entries:
            yield key
            yield from _within(value)
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _within(item)
