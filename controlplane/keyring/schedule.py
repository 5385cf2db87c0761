"""When the keys of one source are fetched next.

Pure: times are seconds of one clock that never goes back, and are given, as is the jitter. Keys are
refreshed at intervals, sooner where somebody misses one, later where the source fails; never twice
at once, and never so often that a flood of made-up key ids becomes a flood at the issuer.
"""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often, in seconds.

    `refresh` after a success that does not say how long it holds, else what it says within `least`
    and `most`. `retry` after a failure, doubling up to `retry_most`. `cool_down` after any attempt
    before a missing key brings about the next. `jitter` is the part by which each of them varies,
    so that many sources and replicas do not come at once. Files are looked at `file` after.
    """

    refresh: float = 300.0
    least: float = 60.0
    most: float = 900.0
    retry: float = 1.0
    retry_most: float = 60.0
    cool_down: float = 2.0
    jitter: float = 0.1
    file: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The state; every method returns the next one.

    `due`: when the next attempt shall begin. `failures` in a row. `free`: when a missing key may
    bring about an attempt again. `missed`: a key was missed while an attempt was under way, which
    may have come too early for it.
    """

    due: float = -math.inf
    flying: bool = False
    failures: int = 0
    free: float = -math.inf
    missed: bool = False

    def wait(self, now: float) -> float:
        """How long until the next attempt shall begin: infinite while one is under way."""
        return math.inf if self.flying else max(0.0, self.due - now)

    def wanted(self, now: float) -> "Schedule":
        """Take in that somebody misses a key: an attempt that begins from now on is due soon."""
        if self.flying:
            return replace(self, missed=True)
        return replace(self, due=min(self.due, max(now, self.free)))

    def began(self) -> "Schedule":
        """Take in that an attempt is under way. Raises TwoFlightsError when one already is."""
        if self.flying:
            raise TwoFlightsError
        return replace(self, flying=True, missed=False)

    def succeeded(self, now: float, every: float, pace: Pace, jitter: float) -> "Schedule":
        """Take in a success; the next is due after `every` seconds, `jitter` is within -1 and 1."""
        due = now + every * (1 + pace.jitter * jitter)
        return _landed(self, now, due, pace, failures=0)

    def failed(self, now: float, pace: Pace, jitter: float) -> "Schedule":
        """Take in a failure; the next attempt is due later with each in a row."""
        pause = min(pace.retry_most, pace.retry * 2.0 ** min(self.failures, 30))
        due = now + pause * (1 + pace.jitter * jitter)
        return _landed(self, now, due, pace, failures=self.failures + 1)


class TwoFlightsError(Exception):
    """A mistake of ours: an attempt began while another was under way."""


def interval(max_age: float | None, pace: Pace) -> float:
    """How long keys are good for, by the `max-age` that came with them (RFC 9111)."""
    return pace.refresh if max_age is None else min(pace.most, max(pace.least, max_age))


def _landed(was: Schedule, now: float, due: float, pace: Pace, *, failures: int) -> Schedule:
    free = now + pace.cool_down
    due = min(due, free) if was.missed else due
    return Schedule(due=due, failures=failures, free=free)
