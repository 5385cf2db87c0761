"""What pure functions gave before, so that of a large gateway only what changed is made again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Memo:
    """Calls functions, and gives again what they gave for the very same arguments.

    Objects are the same by identity, as comparing them costs as much as making them: so they must
    be frozen, and so must what is given. Text, numbers and frozen sets are the same where they are
    equal, tuples where their members are. A function must depend on nothing but its arguments; one
    of them may be the memo, for the parts that it is made of.
    """

    def __init__(self) -> None:
        self._kept: dict[object, _Made] = {}
        self._asked: set[object] = set()

    def __call__(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Give what a function gives; `named` makes no key, so there must be none."""
        key = (function, *map(_same, args))
        self._asked.add(key)
        kept = self._kept.get(key)
        if kept is not None:
            return kept.value  # type: ignore[return-value] # it was kept for this function
        around, self._asked = self._asked, set()
        try:
            made = function(*args, **named)
        finally:
            parts, self._asked = self._asked, around
        # as long as the arguments live, their ids are theirs
        self._kept[key] = _Made(args=args, value=made, parts=parts)
        return made

    def forget(self) -> None:
        """Let go of what was not asked for since the last call, and is no part of what was."""
        asked: set[object] = set()
        more = self._asked
        while more:
            asked |= more
            more = set().union(*(self._kept[key].parts for key in more if key in self._kept))
            more -= asked
        self._kept = {key: kept for key, kept in self._kept.items() if key in asked}
        self._asked = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What was made of arguments, and the keys of what was asked for meanwhile."""

    args: tuple[object, ...]
    value: object
    parts: set[object]


def _same(one: object) -> object:
    """Give what equals only the same; an identity equals no text or number that is given."""
    if isinstance(one, tuple):
        return tuple(map(_same, one))
    if isinstance(one, (str, int, frozenset)):
        return (type(one), one)
    return id(one)
