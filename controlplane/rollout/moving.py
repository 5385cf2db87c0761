"""Which versions are in play while one takes the place of another, and for how long."""

import asyncio
import time
from collections.abc import Callable

from controlplane.build import Build
from controlplane.rollout.consumers import Grant, Seniority

MOVE_SECONDS = 60.0
"""How long what a consumer is newly granted waits for Envoys that do not move."""

BACK_SECONDS = 5.0
"""How long it waits at least after a start: Envoys come back one by one, by a back-off of 2 s."""


class Moving:
    """The `target` that everybody is offered, the last `good` one that all Envoys took.

    `kept` outlives the process: the last that nobody refused. While an Envoy may not have moved
    yet, consumers have no more than is `allowed` (None: all): an old route may not meet a new
    consumer. Envoys that never move do not keep new ones away for ever. `changed` is called when
    more is allowed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.target: Build | None = None
        self.good: Build | None = None
        self.kept: Build | None = None
        self.allowed: frozenset[Grant] | None = None
        self._seniority = Seniority()
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._resumed = False
        self._earliest = 0.0

    @property
    def under_way(self) -> bool:
        """Whether Envoys may not have the target yet."""
        return self._timer is not None

    @property
    def standing(self) -> Build | None:
        """What everybody is offered, or was by an earlier run."""
        return self.target or self.good

    @property
    def fallback(self) -> Build | None:
        """What is gone back to if the target is refused, None where there is nothing."""
        return self.good or (self.kept if self.kept is not self.target else None)

    def resume(self, last: Build) -> None:
        """Know what an earlier run published: nodes have it, and come back with it."""
        self.good = last
        self._resumed = True

    def offered(self) -> None:
        """Know that Envoys can come back from now on."""
        if self._resumed:
            self._resumed = False
            self._earliest = time.monotonic() + BACK_SECONDS

    def to(self, build: Build, granted: frozenset[Grant], allowed: frozenset[Grant] | None) -> None:
        """Begin to move to a build that grants so much, of which so much was granted before."""
        self.target, self.allowed = build, allowed
        self._seniority = self._seniority.with_version(granted, time.monotonic())
        self._arm()

    def unopposed(self) -> None:
        """Nobody is there to refuse the target."""
        self.kept = self.target

    def arrived(self, *, all_of_them: bool) -> None:
        """Envoys have the target: all, or all that answer; others may judge by old routes yet."""
        self.good = self.kept = self.target
        left = self._earliest - time.monotonic()
        if all_of_them and left <= 0:
            self._end()
        elif all_of_them:
            self._after(left, self._end)

    def before_target(self) -> Build | None:
        """Give what to go back to, now that the target is refused; None where nothing was."""
        back = self.fallback
        if self.kept is self.target:
            self.kept = self.good
        return back  # one that was offered while nobody was there

    def close(self) -> None:
        """Forget the time."""
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        due = None
        if self.allowed is not None:
            due = self._seniority.next(self.allowed, MOVE_SECONDS)
        self._after(MOVE_SECONDS if due is None else due - time.monotonic(), self._due)

    def _due(self) -> None:
        """Allow what has waited long enough."""
        if self.allowed is not None:
            self.allowed |= self._seniority.older(time.monotonic(), MOVE_SECONDS)
            if self._seniority.since.keys() - self.allowed:
                self._arm()
                self._changed()
                return
        self._end()

    def _after(self, seconds: float, then: Callable[[], None]) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, seconds), then)

    def _end(self) -> None:
        self.close()
        self._timer = self.allowed = None
        self._changed()
