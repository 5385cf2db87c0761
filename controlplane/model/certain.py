"""Which mistakes of a model stand by themselves, and which only follow from what was not read.

The reader refuses what is no YAML and keeps the rest; whoever reads on must not call missing what
a mistake has hidden. One mistake of the user is one mistake of the report.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from language.decode import blank
from language.mistakes import Mistake, errors
from language.nodes import ListNode, MapNode, Node
from language.reader import Document
from language.source import LINE_BREAK


def certain(document: Document, mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """The mistakes that do not follow from those of the reader, each once.

    Dropped are those on a line that the reader has refused something on; those at the start of a
    mapping that it has refused something in, which is where something missing is told; and, where
    reading stopped early, those in the last route or backend that it reached.
    """
    told = tuple(dict.fromkeys(_within_lines(document, mistakes)))
    if not errors(document.mistakes):
        return told
    refused = _refused_lines(document)
    hollow = set(_hollow(document))
    end = (10**9, 0) if document.complete else _cut(document.root)
    return tuple(
        mistake
        for mistake in told
        if mistake.place.line not in refused
        and (mistake.place.line, mistake.place.column) not in hollow
        and (mistake.place.line, mistake.place.column) < end
    )


def _within_lines(document: Document, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """The mistakes at columns that exist: what is counted in a text's characters may lie further.

    A text may have escapes, or go on in the next line.
    """
    lines: list[str] | None = None
    for mistake in mistakes:
        lines = lines or LINE_BREAK.split(document.text)
        place = mistake.place
        last = max(1, len(lines[place.line - 1]))
        yield (
            replace(mistake, place=place._replace(column=last), width=1)
            if place.column > last
            else mistake
        )


def spoilt(document: Document, node: Node) -> bool:
    """Whether something within a node was refused by the reader, so that it says too little."""
    if not errors(document.mistakes):
        return False
    if not document.complete and _cut(document.root) <= (node.line, node.column):
        return True
    refused = _refused_lines(document)
    return any(blank(n) or n.line in refused for n in _within(node))


def _hollow(document: Document) -> Iterator[tuple[int, int]]:
    """Where what is missing in a spoilt mapping would be told: it, its first key, its own key."""
    if document.root is None:
        return
    for node in _within(document.root):
        if not isinstance(node, MapNode):
            continue
        below = [(key, value) for key, value in node.entries if isinstance(value, MapNode)]
        yield from ((key.line, key.column) for key, value in below if spoilt(document, value))
        if node is not document.root and node.entries and spoilt(document, node):
            first = node.entries[0][0]
            yield from ((first.line, first.column), (node.line, node.column))


def _refused_lines(document: Document) -> set[int]:
    wrong = errors(document.mistakes)
    return {p.line for m in wrong for p in (m.place, *m.also)}


def _cut(root: Node | None) -> tuple[int, int]:
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
