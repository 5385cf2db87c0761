"""When keys are fetched: by example, and for every order of events."""

import math
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controlplane.keyring.schedule import Pace, Schedule, TwoFlightsError, interval

PACE = Pace()
JITTERS = st.floats(-1, 1)


def test_a_source_is_due_at_once_and_then_at_intervals_with_jitter() -> None:
    new = Schedule()
    assert new.wait(7) == 0
    for jitter, wait in ((-1, 270), (0, 300), (1, 330)):
        after = new.began().succeeded(7, 300, PACE, jitter)
        assert after.wait(7) == pytest.approx(wait)


def test_max_age_counts_within_bounds() -> None:
    ages = (None, 0, 59, 61, 899, 901, 10**9)
    assert [interval(a, PACE) for a in ages] == [300, 60, 60, 61, 899, 900, 900]


def test_failures_are_tried_again_later_each_time() -> None:
    now, waits = Schedule(), []
    for _ in range(9):
        now = now.began().failed(0, PACE, 0)
        waits.append(now.wait(0))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert now.began().succeeded(0, 300, PACE, 0).began().failed(0, PACE, 0).wait(0) == 1


def test_a_source_that_always_fails_does_not_overflow() -> None:
    assert replace(Schedule(), failures=10**6).began().failed(0, PACE, 0).wait(0) == 60


def test_a_missing_key_is_looked_for_at_once() -> None:
    rested = Schedule().began().succeeded(0, 300, PACE, 0)
    assert rested.wait(10) == 290
    assert rested.wanted(10).wait(10) == 0


def test_a_missing_key_waits_for_the_end_of_the_cool_down() -> None:
    fresh = Schedule().began().succeeded(0, 300, PACE, 0)
    assert fresh.wanted(0.5).wait(0.5) == 1.5
    assert fresh.wanted(0.5).wanted(1).wait(1) == 1
    failing = replace(Schedule(), failures=9).began().failed(0, PACE, 0)
    assert (failing.wait(0), failing.wanted(0).wait(0)) == (60, 2)


def test_a_key_that_is_missed_during_an_attempt_brings_about_one_more() -> None:
    flying = Schedule().began().wanted(1).wanted(1)
    assert flying.wait(1) == math.inf
    landed = flying.succeeded(2, 300, PACE, 0)
    assert landed.wait(2) == 2
    assert landed.began().succeeded(4, 300, PACE, 0).wait(4) == 300


def test_there_is_one_attempt_at_a_time() -> None:
    with pytest.raises(TwoFlightsError):
        Schedule().began().began()


class AnyOrder(RuleBasedStateMachine):
    """A caller that begins whenever it may, with the clock, failures and wants in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.schedule = Schedule()
        self.ended = -math.inf
        self.failed = 0
        self.latest = math.inf
        self.missed = False

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.floats(0, 2.5))
    def a_moment_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_misses_a_key(self) -> None:
        before = self.schedule.wait(self.now)
        self.schedule = self.schedule.wanted(self.now)
        assert self.schedule.wait(self.now) <= before
        self.missed = self.schedule.flying
        if not self.schedule.flying:
            self.latest = min(self.latest, max(self.now, self.ended + PACE.cool_down))
            assert self.schedule.wait(self.now) <= PACE.cool_down + 1e-9  # sums of floats

    @precondition(lambda self: self.schedule.wait(self.now) == 0)
    @rule()
    def it_begins(self) -> None:
        since = self.now - self.ended
        gap = min(PACE.cool_down, 0.9 * PACE.retry * 2 ** (self.failed - 1) if self.failed else 9)
        assert since >= gap - 1e-6
        self.schedule = self.schedule.began()
        self.latest = math.inf

    @precondition(lambda self: self.schedule.flying)
    @rule(jitter=JITTERS, every=st.floats(60, 900))
    def it_succeeds(self, jitter: float, every: float) -> None:
        self.schedule = self.schedule.succeeded(self.now, every, PACE, jitter)
        self._lands(0, every * 1.1)

    @precondition(lambda self: self.schedule.flying)
    @rule(jitter=JITTERS)
    def it_fails(self, jitter: float) -> None:
        self.schedule = self.schedule.failed(self.now, PACE, jitter)
        self._lands(self.failed + 1, 66)

    def _lands(self, failed: int, longest: float) -> None:
        self.ended = self.now
        self.failed = failed
        self.latest = self.now + longest
        if self.missed:
            self.missed = False
            self.latest = min(self.latest, self.now + PACE.cool_down)

    @invariant()
    def nobody_starves(self) -> None:
        """What is due is due by the latest time that is right; a wait is never a surprise."""
        if not self.schedule.flying:
            assert self.now + self.schedule.wait(self.now) <= max(self.now, self.latest) + 1e-6


TestAnyOrder = AnyOrder.TestCase
