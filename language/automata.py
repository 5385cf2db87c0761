"""Expressions as automata, so that it can be looked for what several have in common.

A text is followed through the states of each at once; `language.examples` walks them.
"""

from collections import deque
from functools import cached_property, lru_cache
from typing import TypeAlias

from language.charsets import Charset, holds, joined, pleasant, shared
from language.reading import ExpressionReader, UnreadExpressionError

__all__ = ["Automaton", "States", "UnreadExpressionError", "automaton"]

States: TypeAlias = frozenset[int]


class Automaton:
    """The states that an expression goes through while it reads a whole text."""

    def __init__(self, expression: str) -> None:
        reader = ExpressionReader(expression)
        first, self._last = reader.whole()
        self._first = first
        self._free = reader.free
        self._moves = reader.moves
        self._known: dict[States, States] = {}
        self._steps: dict[tuple[States, int], States] = {}
        self._cuts: dict[States, frozenset[int]] = {}
        self.start = self._freely(frozenset((first,)))

    def step(self, states: States, char: int) -> States:
        """Where a character leads; nowhere where the text cannot match any more."""
        key = (states, char)
        if key not in self._steps:
            moves = (self._moves.get(one) for one in states)
            to = frozenset(to for chars, to in filter(None, moves) if holds(chars, char))
            self._steps[key] = self._freely(to)
        return self._steps[key]

    def accepts(self, states: States) -> bool:
        """Whether the text may end here."""
        return self._last in states

    def cuts(self, states: States) -> frozenset[int]:
        """The characters from which on it goes on otherwise than with those before."""
        if states not in self._cuts:
            moves = (self._moves.get(one) for one in states)
            ranges = (one for chars, _ in filter(None, moves) for one in chars)
            self._cuts[states] = frozenset(cut for low, high in ranges for cut in (low, high + 1))
        return self._cuts[states]

    @cached_property
    def alphabet(self) -> Charset:
        """The characters that texts may have which match."""
        return joined(one for chars, _ in self._moves.values() for one in chars)

    def text_of(self, allowed: Charset) -> str | None:
        """A short text that matches, of allowed characters alone; None: there is none."""
        read: dict[int, str] = {self._first: ""}
        waiting = deque([self._first])
        while waiting:
            at = waiting.popleft()
            if at == self._last:
                return read[at]
            for to in self._free.get(at, ()):
                if to not in read:
                    read[to] = read[at]
                    waiting.appendleft(to)
            chars, to = self._moves.get(at, ((), at))
            both = shared(chars, allowed)
            if both and to not in read:
                read[to] = read[at] + pleasant(both)
                waiting.append(to)
        return None

    def _freely(self, states: States) -> States:
        """These states, and those that are reached from them without a character."""
        if states not in self._known:
            found = set(states)
            waiting = list(states)
            while waiting:
                further = [one for one in self._free.get(waiting.pop(), ()) if one not in found]
                found.update(further)
                waiting += further
            self._known[states] = frozenset(found)
        return self._known[states]


@lru_cache(maxsize=4096)
def automaton(expression: str) -> Automaton:
    """The automaton of an expression; raise UnreadExpressionError where it is not understood."""
    return Automaton(expression)
