"""Counters in this process: for one instance alone, and for the share of one without Redis.

Memory is bounded by `most` keys, however many values a hostile client invents. A key goes when
nothing of it is spent, and never earlier: nobody gets a counter back by pushing it out. While the
table is full of counters in use, newcomers of a limit share one overflow counter of that limit:
they are held more strictly, and are never uncounted. Who gets a place of its own afterwards begins
where the overflow counter stands, so moving gains nothing.
"""

import heapq
import time
from collections.abc import Callable, Sequence

from decision.clock import Clock
from decision.counters import Charge, Outcome, State
from policies.limits.check import decide, full_at

MOST_KEYS = 100_000
SWEPT_AT_ONCE = 16
"""How many due keys one newcomer drops at most: more than come, and never a pause."""

OVERFLOW = b"\0overflow:"
"""No caller's key begins so."""


class WallClock:
    """The system's time of day."""

    def now(self) -> int:
        """As `Clock` says."""
        return time.time_ns() // 1000


class MemoryStore:
    """A CounterStore that is never down. `overflowed` is told of each charge without a place."""

    def __init__(
        self,
        *,
        clock: Clock,
        most: int = MOST_KEYS,
        overflowed: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._most = most
        self._overflowed = overflowed
        self._states: dict[bytes, State] = {}
        self._shared: dict[bytes, State] = {}
        self._until: dict[bytes, int] = {}
        self._due: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        """How many counters have a place of their own."""
        return len(self._states)

    async def decide(self, charges: Sequence[Charge], within: float) -> Outcome:
        """As `CounterStore` says."""
        del within
        return self.decided(charges)

    def decided(self, charges: Sequence[Charge]) -> Outcome:
        """The same, at once."""
        now = self._clock.now()
        states: dict[bytes, State] = {}
        placed: list[Charge] = []
        for charge in charges:
            key = charge.key
            state = self._states.get(key)
            if state is None:
                placed.append(self._newcomer(charge, states, now, len(placed)))
            else:
                states[key] = state
                placed.append(charge)
        outcome, changed = decide(placed, states, now)
        for charge in placed:
            key = charge.key
            if key in changed:
                self._keep(charge, changed[key], now)
        return outcome

    def _newcomer(
        self, charge: Charge, states: dict[bytes, State], now: int, before: int
    ) -> Charge:
        """Find a place for a counter that has none; `states` gets what it begins with.

        Each of the `before` charges of the same request may need a place too.
        """
        self._sweep(now)
        shared_key = OVERFLOW + charge.limit.id.encode()
        shared = self._shared.get(shared_key)
        if len(self._states) + before < self._most:
            if shared is not None:
                states[charge.key] = shared
            return charge
        self._overflowed()
        if shared is not None:
            states[shared_key] = shared
        return charge._replace(key=shared_key)

    def _keep(self, charge: Charge, state: State, now: int) -> None:
        key = charge.key
        if key.startswith(OVERFLOW):
            self._shared[key] = state
            return
        until = full_at(charge.limit, state[0], now)
        if key not in self._states:
            heapq.heappush(self._due, (until, key))
        self._states[key] = state
        self._until[key] = until

    def _sweep(self, now: int) -> None:
        """Drop keys that are due; one whose time has moved on meanwhile is put back."""
        for _ in range(SWEPT_AT_ONCE):
            if not self._due or self._due[0][0] > now:
                return
            until, key = heapq.heappop(self._due)
            until = self._until[key]
            if until > now:
                heapq.heappush(self._due, (until, key))
            else:
                del self._states[key], self._until[key]
