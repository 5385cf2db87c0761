"""What the journal's lines say in the end: which sets each node may hold."""

from collections.abc import Callable, Iterator

from controlplane.store.lines import Defined, Held, Line


class Holdings:
    """The last word on each node: at most `nodes` of them, each for `seconds`; the oldest leave.

    A line that names sets which cannot be read says nothing: the node's line before it stands.
    """

    def __init__(self, *, nodes: int, seconds: float) -> None:
        self._most = nodes
        self._seconds = seconds
        self._defined: dict[str, Defined] = {}
        self._nodes: dict[str, Held] = {}

    def take(self, line: Line, readable: Callable[[str], bool]) -> None:
        """Go on by one line; `readable` judges a set."""
        if isinstance(line, Defined):
            if all(map(readable, line.sets)):
                self._defined[line.id] = line
        elif line.id in self._defined:
            self._nodes.pop(line.node, None)
            self._nodes[line.node] = line
            if len(self._nodes) > self._most:
                del self._nodes[next(iter(self._nodes))]

    def knows(self, name: str) -> bool:
        """Tell whether lines may name this id."""
        return name in self._defined

    def last(self, node: str, now: float) -> Held | None:
        """The last word on a node, unless it is too old."""
        held = self._nodes.get(node)
        return held if held is not None and held.at > now - self._seconds else None

    def sets(self, node: str, now: float) -> tuple[str, ...]:
        """The sets that a node may hold, none where nothing is known."""
        held = self.last(node, now)
        return () if held is None else self._defined[held.id].sets

    def held(self, now: float) -> frozenset[str]:
        """The sets that some node may hold."""
        return frozenset(name for node in self._nodes for name in self.sets(node, now))

    def forget(self, now: float) -> None:
        """Leave out nodes that are too old, and what no node names any more."""
        self._nodes = {n: h for n, h in self._nodes.items() if self.last(n, now) is not None}
        named = {held.id for held in self._nodes.values()}
        self._defined = {name: one for name, one in self._defined.items() if name in named}

    def named(self) -> frozenset[str]:
        """Every set that some line may still lead to."""
        return frozenset(name for one in self._defined.values() for name in one.sets)

    def lines(self) -> Iterator[Line]:
        """All of it, as the lines of a new journal."""
        yield from self._defined.values()
        yield from self._nodes.values()
