"""What pure functions gave before, so that of a large gateway only what changed is made again."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Memo:
    """Calls functions, and gives again what they gave for the very same arguments.

    Objects are the same by identity, as comparing them costs as much as making them: so they must
    be frozen, and so must what is given. Text, numbers and frozen sets are the same where they are
    equal, tuples where their members are. A function must depend on nothing but its arguments.
    """

    def __init__(self) -> None:
        self._kept: dict[object, tuple[object, object]] = {}
        self._asked: set[object] = set()

    def __call__(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Give what a function gives; `named` makes no key, so there must be none."""
        key = (function, *map(_same, args))
        self._asked.add(key)
        if key in self._kept:
            return self._kept[key][1]  # type: ignore[return-value] # it was kept for this function
        made = function(*args, **named)
        self._kept[key] = (args, made)  # as long as the arguments live, their ids are theirs
        return made

    def forget(self) -> None:
        """Let go of what was not asked for since the last call."""
        self._kept = {key: kept for key, kept in self._kept.items() if key in self._asked}
        self._asked = set()


def _same(one: object) -> object:
    """Give what equals only the same; an identity equals no text or number that is given."""
    if isinstance(one, tuple):
        return tuple(map(_same, one))
    if isinstance(one, (str, int, frozenset)):
        return (type(one), one)
    return id(one)
