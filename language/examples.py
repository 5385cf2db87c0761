"""A text that some expressions match and others do not, or that there is none."""

from collections import deque
from functools import lru_cache
from itertools import pairwise

from language.automata import Automaton, States, UnreadExpressionError, automaton
from language.charsets import pleasant
from language.regexes import matches

_MOST = 3000
"""How many states of all automata together are looked at: some 100 ms at worst."""

_At = tuple[States, ...]


@lru_cache(maxsize=16_384)
def example(wanted: tuple[str, ...], unwanted: tuple[str, ...] = ()) -> str | None:
    """A shortest text that is wholly matched by all of `wanted` and by none of `unwanted`.

    None: there is none. Raise UnreadExpressionError where that cannot be said.
    """
    found = _shortest(wanted, unwanted)
    if found is None:
        return None
    wrong = [one for one in wanted if not matches(one, found)]
    wrong += [one for one in unwanted if matches(one, found)]
    if wrong:  # read otherwise than RE2 does: whatever else was read of it is worth nothing
        raise UnreadExpressionError(wrong[0])
    return found


def _shortest(wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> str | None:
    every = tuple(automaton(one) for one in (*wanted, *unwanted))
    longest = max(*wanted, *unwanted, "", key=len)
    most = _MOST + 2 * len(longest)
    start = tuple(one.start for one in every)
    came: dict[_At, tuple[_At, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        at = waiting.popleft()
        ends = [one.accepts(states) for one, states in zip(every, at, strict=True)]
        if all(ends[: len(wanted)]) and not any(ends[len(wanted) :]):
            return _read(came, at)
        for char in _told_apart(every, at):
            to = tuple(one.step(states, ord(char)) for one, states in zip(every, at, strict=True))
            if to not in came and all(to[: len(wanted)]):
                came[to] = (at, char)
                waiting.append(to)
        if len(came) > most:
            raise UnreadExpressionError(longest)
    return None


def _told_apart(every: tuple[Automaton, ...], at: _At) -> list[str]:
    """A character of each kind that leads somewhere of its own from here."""
    cuts: set[int] = set().union(*(one.cuts(states) for one, states in zip(every, at, strict=True)))
    return [pleasant(((low, end - 1),)) for low, end in pairwise(sorted(cuts))]


def _read(came: dict[_At, tuple[_At, str] | None], at: _At) -> str:
    chars: list[str] = []
    step = came[at]
    while step is not None:
        chars.append(step[1])
        step = came[step[0]]
    return "".join(reversed(chars))
