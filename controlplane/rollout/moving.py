"""Which versions are in play while one takes the place of another, and for how long."""

import asyncio
import time
from collections.abc import Callable

from controlplane.build import Build
from controlplane.snapshot import Resource

MOVE_SECONDS = 60.0
"""How long consumers that are new wait for Envoys that do not answer."""

BACK_SECONDS = 5.0
"""How long they wait at least after a start: Envoys come back within two seconds, one by one."""


class Moving:
    """The `target` that everybody is offered, the last `good` one that all Envoys took.

    `kept` outlives the process: the last that nobody refused. While an Envoy may not have moved
    yet, consumers are only those that are in `base` as well: an old route may not meet a new
    consumer. Envoys that never answer do not keep new ones away for ever: `ended` is called then.
    """

    def __init__(self, ended: Callable[[], None]) -> None:
        self.target: Build | None = None
        self.good: Build | None = None
        self.kept: Build | None = None
        self.base: Resource | None = None
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None
        self._earliest = 0.0

    @property
    def under_way(self) -> bool:
        """Whether Envoys may not have the target yet."""
        return self._timer is not None

    @property
    def standing(self) -> Build | None:
        """What everybody is offered, or was by an earlier run."""
        return self.target or self.good

    def resume(self, last: Build) -> None:
        """Know what an earlier run published: nodes have it, and come back with it."""
        self.good = last
        self._earliest = time.monotonic() + BACK_SECONDS

    def to(self, build: Build, consumers: Resource | None) -> None:
        """Begin to move from who is a consumer now to a build."""
        self.target, self.base = build, consumers
        self._end_after(MOVE_SECONDS)

    def unopposed(self) -> None:
        """Nobody is there to refuse the target."""
        self.kept = self.target

    def arrived(self) -> None:
        """All Envoys have the target: nobody judges by old routes any more."""
        self.good = self.kept = self.target
        left = self._earliest - time.monotonic()
        if left > 0:
            self._end_after(left)
        else:
            self._end()

    def before_target(self) -> Build | None:
        """Give what to go back to, now that the target is refused; None where nothing was."""
        if self.kept is self.target:
            self.kept = self.good
        return self.good or self.kept  # one that was offered while nobody was there

    def close(self) -> None:
        """Forget the time."""
        if self._timer is not None:
            self._timer.cancel()

    def _end_after(self, seconds: float) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        self.close()
        self._timer = self.base = None
        self._ended()
