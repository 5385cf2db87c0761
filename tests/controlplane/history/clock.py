"""The clock of a history, and the histories that go by it."""

from collections.abc import Callable

from controlplane.history.history import History

Opened = Callable[..., History]


class Clock:
    """A clock that is set, in Unix seconds."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now
