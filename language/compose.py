"""PyYAML's C events become a tree with places; what strict YAML refuses becomes mistakes.

Events, not PyYAML's nodes: a fifth of the time, and anchors, tags and duplicates are still there
to be refused. One loop and a stack instead of recursion, so that a syntax error leaves the tree
read so far, and depth is a number that is compared, not Python's stack.

What is refused stays out of the tree or stands in it as an empty text, list or map. Since an
empty value is itself refused, whatever is empty in the tree has had its mistake already.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from language.mistakes import Mistake
from language.nodes import ListNode, MapNode, Node, Scalar
from language.refusals import Refusals
from language.source import Source
from language.syntax import explain


class Limits(NamedTuple):
    """How much one file may hold; the defaults are what the language promises."""

    size: int = 8 * 1024 * 1024  # bytes
    depth: int = 64  # collections within each other
    nodes: int = 2_000_000  # keys count too
    mistakes: int = 1_000  # after as many, reading on helps nobody


class Composed(NamedTuple):
    """A tree and what is wrong with it; `complete` is False where reading stopped early."""

    root: Node | None
    mistakes: list[Mistake]
    complete: bool


_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_SPECIAL = _NULLS | {"<<"}
_DROPPED = Scalar("", 0, 0, quoted=False)  # stands for a key whose value is read and thrown away


class _Open:
    """A collection whose end has not come yet."""

    __slots__ = ("children", "flow", "key", "keys", "mark", "mistakes")

    def __init__(self, event: Any, *, is_map: bool, mistakes: int) -> None:  # noqa: ANN401 # untyped
        self.mark = event.start_mark
        self.flow: bool = event.flow_style
        self.mistakes = mistakes  # how many there were when it began
        self.children: list[Any] = []  # a list's values, or a map's pairs of key and value
        self.keys: dict[str, Scalar] | None = {} if is_map else None
        self.key: Scalar | None = None  # a map's key whose value comes next

    def node(self) -> Node:
        mark = self.mark
        kind = ListNode if self.keys is None else MapNode
        return kind(tuple(self.children), mark.line + 1, mark.column + 1)


class _Enough(Exception):  # noqa: N818 # not an error: reading ends here
    """Reading on would only repeat the mistake just written down, or take too long."""


def compose(source: Source, limits: Limits) -> Composed:
    """The tree of a document and every mistake up to its end or its first syntax error."""
    composer = _Composer(source, limits)
    try:
        composer.read()
    except _Enough:
        composer.complete = False
    except (
        yaml.YAMLError,
        ValueError,
        IndexError,
        AttributeError,
        RecursionError,
    ) as error:  # what PyYAML has been seen to raise on bad input
        composer.complete = False
        composer.syntax_error(explain(error, source, composer.reached(), flow=composer.in_flow()))
    root = composer.close()
    return Composed(root, composer.mistakes, composer.complete)


class _Composer:
    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.refusals = Refusals(source)
        self.mistakes: list[Mistake] = []
        self.complete = True
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._event: Any = None
        self._documents = 0

    def reached(self) -> tuple[int, int]:
        """Where the last event that was read ends."""
        mark = self._event.end_mark if self._event is not None else None
        return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)

    def in_flow(self) -> bool:
        return bool(self._stack) and self._stack[-1].flow

    def syntax_error(self, mistake: Mistake) -> None:
        """Add the last mistake, in place of those that it explains better: `{x}/b` is one."""
        line, first = mistake.place.line, mistake.place.column
        self.mistakes = [
            known
            for known in self.mistakes
            if known.place.line != line or not first <= known.place.column < first + mistake.width
        ]
        self.mistakes.append(mistake)

    def read(self) -> None:  # noqa: C901, PLR0912 # a call for each scalar costs a tenth
        """Take event after event; what nearly every event needs is written out in the loop."""
        stack = self._stack
        nodes = self.limits.nodes
        events: Iterator[Any] = iter(yaml.CSafeLoader(self.source.parsed).get_event, None)
        for event in events:
            self._event = event
            kind = type(event)
            if kind is ScalarEvent:
                nodes -= 1
                mark = event.start_mark
                text = event.value
                scalar = Scalar(text, mark.line + 1, mark.column + 1, bool(event.style))
                above = stack[-1] if stack else None
                if above is None or text in _SPECIAL or event.anchor or event.tag:
                    self._special(scalar)
                elif above.keys is None:
                    above.children.append(scalar)
                elif above.key is None:
                    if text in above.keys:
                        self._refuse(self.refusals.duplicate(scalar, above.keys[text]))
                        above.key = _DROPPED
                    else:
                        above.keys[text] = above.key = scalar
                else:
                    if above.key is not _DROPPED:
                        above.children.append((above.key, scalar))
                    above.key = None
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                nodes -= 1
                self._open(event, is_map=kind is MappingStartEvent)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._end()
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self._document(event)
            if nodes < 0:
                self._give_up(f"more than {self.limits.nodes:,} values", "split the file")
        if self._documents == 0:
            self._refuse(self.refusals.empty_document())

    def close(self) -> Node | None:
        """The root, after what is still open has been closed as it is."""
        while self._stack:
            opened = self._stack.pop()
            self._put(opened.node())
        return self._root

    def _special(self, scalar: Scalar) -> None:
        """Take a scalar that may be refused, or that is the whole document."""
        event = self._event
        bare = not event.anchor and not event.tag
        if not bare:
            self._properties(event)
        text = scalar.text
        refused = not text or (not scalar.quoted and text in _NULLS)
        above = self._stack[-1] if self._stack else None
        if above is None or above.keys is None or above.key is not None:
            no_map = self.refusals.text_as_document(scalar) if above is None else None
            if no_map is not None:
                self._refuse(no_map)
            if refused:
                if bare:
                    self._empty(scalar)
                scalar = Scalar("", scalar.line, scalar.column, scalar.quoted)
            self._put(scalar)
        elif refused or (text == "<<" and not scalar.quoted):
            above.key = _DROPPED
            self._refuse(self.refusals.bad_key(scalar))
        elif text in above.keys:
            above.key = _DROPPED
            self._refuse(self.refusals.duplicate(scalar, above.keys[text]))
        else:
            above.keys[text] = above.key = scalar

    def _open(self, event: Any, *, is_map: bool) -> None:  # noqa: ANN401 # untyped
        opened = _Open(event, is_map=is_map, mistakes=len(self.mistakes))
        if event.anchor or event.tag:
            self._properties(event)
        self._stack.append(opened)
        if len(self._stack) > self.limits.depth:
            self._give_up(
                f"this is nested more than {self.limits.depth} levels deep", "write it flatter"
            )

    def _end(self) -> None:
        opened = self._stack.pop()
        node = opened.node()
        above = self._stack[-1] if self._stack else None
        if above is not None and above.keys is not None and above.key is None:
            # One mistake says it all: those found within the would-be key are its consequences.
            del self.mistakes[opened.mistakes :]
            above.key = _DROPPED
            self._refuse(self.refusals.collection_as_key(node))
            return
        if not opened.children and len(self.mistakes) == opened.mistakes:
            self._empty(node)
        self._put(node)

    def _empty(self, node: Node) -> None:
        key = self._stack[-1].key if self._stack else None
        if not self._stack:
            self._refuse(self.refusals.empty_document())
        elif key is None:
            self._refuse(self.refusals.empty_item(node))
        elif key is not _DROPPED:
            refused = self.refusals.empty_value(
                node, key, flow=self._stack[-1].flow, matched=self._matched(key)
            )
            self._refuse(refused)

    def _matched(self, key: Scalar) -> str:
        """The key of a list's item that an empty value stands under, or one step below."""
        stack = self._stack
        if len(stack) > 1 and stack[-2].keys is None:
            return key.text
        above = stack[-2].key if len(stack) > 2 and stack[-3].keys is None else None
        return above.text if above is not None else ""

    def _put(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        above = self._stack[-1]
        if above.keys is None:
            above.children.append(node)
            return
        if above.key is not None and above.key is not _DROPPED:
            above.children.append((above.key, node))
        above.key = None

    def _alias(self, event: Any) -> None:  # noqa: ANN401 # untyped
        mark = event.start_mark
        scalar = Scalar("", mark.line + 1, mark.column + 1, quoted=False)
        self._refuse(self.refusals.alias(scalar, flow=self.in_flow()))
        above = self._stack[-1] if self._stack else None
        if above is not None and above.keys is not None and above.key is None:
            above.key = _DROPPED
        else:
            self._put(scalar)

    def _properties(self, event: Any) -> None:  # noqa: ANN401 # untyped
        mark = event.start_mark
        for mistake in self.refusals.properties(
            mark.line + 1, mark.column + 1, event, flow=self.in_flow()
        ):
            self._refuse(mistake)

    def _document(self, event: Any) -> None:  # noqa: ANN401 # untyped
        self._documents += 1
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if self._documents > 1:
            self.mistakes.append(self.refusals.second_document(line, column))
            raise _Enough
        if event.version is not None or event.tags:
            self._refuse(self.refusals.directive(line, column))

    def _refuse(self, mistake: Mistake) -> None:
        self.mistakes.append(mistake)
        if len(self.mistakes) >= self.limits.mistakes:
            raise _Enough

    def _give_up(self, message: str, hint: str) -> None:
        line, column = self.reached()
        place = self.source.place(line, column)
        self.mistakes.append(Mistake(place=place, message=message, hint=hint))
        raise _Enough
