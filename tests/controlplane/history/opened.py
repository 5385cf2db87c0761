"""What opens the history of a test's folder."""

from collections.abc import Callable

from controlplane.history.history import History

Opened = Callable[..., History]
