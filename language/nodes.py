"""A YAML document as a tree in which each value and each key keeps its place."""

from typing import NamedTuple, TypeAlias


class Scalar(NamedTuple):
    """A text as it was written; what it means (number, duration, name) is its reader's to say."""

    text: str
    line: int
    column: int
    quoted: bool


class ListNode(NamedTuple):
    """A block or flow sequence."""

    items: tuple["Node", ...]
    line: int
    column: int


class MapNode(NamedTuple):
    """A block or flow mapping, in file order; keys are unique."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    line: int
    column: int

    def get(self, key: str) -> "Node | None":
        """The value of a key, or None."""
        for name, value in self.entries:
            if name.text == key:
                return value
        return None

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place, or None."""
        for name, _ in self.entries:
            if name.text == key:
                return name
        return None


Node: TypeAlias = Scalar | ListNode | MapNode
Step: TypeAlias = str | int
"""One step down a tree: a mapping's key or a list's position."""


def descend(node: Node, path: tuple[Step, ...]) -> Node:
    """The deepest node on a path: where a step leads nowhere, the node reached so far."""
    for step in path:
        below: Node | None = None
        if isinstance(node, MapNode) and isinstance(step, str):
            below = node.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
            below = node.items[step]
        if below is None:
            return node
        node = below
    return node
