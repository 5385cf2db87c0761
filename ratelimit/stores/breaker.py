"""When Redis is asked and when it is left alone: a state machine without a clock.

Closed: it is asked. Open: it is not, and a probe in the background finds out when it is back
(half open: no request ever is the probe).
"""

from dataclasses import dataclass, replace
from enum import Enum

FAILURES = 3
"""How many failed round trips in a row open it."""

SHORTEST, LONGEST = 0.05, 2.0
"""Seconds between probes: doubled from the shortest to the longest."""


class Phase(Enum):
    """What the breaker lets through."""

    CLOSED = "closed"
    HALF_OPEN = "half open"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A value; each event gives the next one. `wait` is seconds until the next probe."""

    phase: Phase = Phase.OPEN
    failures: int = 0
    wait: float = 0.0

    def failed(self) -> "Breaker":
        """A round trip failed, or came too late."""
        failures = self.failures + 1
        if self.phase is Phase.CLOSED and failures >= FAILURES:
            return replace(self, phase=Phase.OPEN, failures=0)
        return replace(self, failures=failures)

    def answered(self) -> "Breaker":
        """A round trip was good, so failures before it are not in a row with later ones."""
        if self.phase is Phase.CLOSED and (self.failures or self.wait):
            return replace(self, failures=0, wait=0.0)
        return self

    def lost(self) -> "Breaker":
        """The connection ended: there is nobody to ask."""
        return replace(self, phase=Phase.OPEN, failures=0)

    def probing(self) -> "Breaker":
        """A probe starts, so the next one waits longer."""
        wait = min(max(self.wait * 2, SHORTEST), LONGEST)
        return replace(self, phase=Phase.HALF_OPEN, wait=wait)

    def probed(self, *, good: bool) -> "Breaker":
        """The probe ended. The wait is forgotten only by the first good round trip of a request."""
        return replace(self, phase=Phase.CLOSED if good else Phase.OPEN, failures=0)
