"""The first change at once, later ones when it is quiet, none too late and none lost."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from foregate.debounce import LONGEST, LONGEST_QUIET, QUIET, Debounce

GAPS = st.lists(
    st.one_of(
        st.integers(0, 150),
        st.integers(0, 2_000),
        st.sampled_from((0, 99, 100, 101, 999, 1_000, 20_000)),
    ).map(lambda ms: ms / 1000),
    min_size=1,
    max_size=200,
)
"""Seconds between changes."""


def played(gaps: list[float]) -> tuple[list[float], list[float]]:
    """The times of changes, and those at which somebody who is never late acts."""
    state, now = Debounce(), 0.0
    changes, runs = [], []
    for gap in gaps:
        until = now + gap
        while state.due is not None and state.due <= until:
            runs.append(state.due)
            state = state.served(state.due)
        now = until
        changes.append(now)
        state = state.changed(now)
    while state.due is not None:
        runs.append(state.due)
        state = state.served(state.due)
    return changes, runs


@given(GAPS)
def test_every_change_is_acted_on_within_the_bound(gaps: list[float]) -> None:
    changes, runs = played(gaps)
    for one in changes:
        assert any(one <= run <= one + LONGEST for run in runs)
    assert len(runs) <= len(changes)


@given(GAPS)
def test_two_runs_are_never_closer_than_the_quiet(gaps: list[float]) -> None:
    _, runs = played(gaps)
    assert all(after >= before + QUIET for before, after in pairwise(runs))


@given(GAPS)
def test_the_first_after_a_calm_is_acted_on_at_once(gaps: list[float]) -> None:
    changes, runs = played(gaps)
    assert runs[0] == changes[0]
    for before, one in pairwise(changes):
        last = max(run for run in [*runs, *changes] if run <= before or run < one)
        if one >= max(last, before) + LONGEST_QUIET:
            assert one in runs


@given(GAPS)
def test_nothing_is_due_without_a_change(gaps: list[float]) -> None:
    state, now = Debounce(), 0.0
    for gap in gaps:
        now += gap
        state = state.changed(now).served(now)
        assert state.due is None


def test_a_burst_waits_until_it_is_quiet() -> None:
    state = Debounce().changed(5.0)
    assert state.due == 5.0
    state = state.served(5.0).changed(5.05)
    assert state.due == 5.05 + QUIET
    assert state.changed(5.1).due == 5.1 + QUIET


def test_changes_before_the_first_is_acted_on_do_not_put_it_off() -> None:
    assert Debounce().changed(5.0).changed(5.05).due == 5.0


def test_a_burst_without_end_is_acted_on_after_the_bound() -> None:
    state = Debounce().changed(0.0).served(0.0)
    for tick in range(1, 400):
        state = state.changed(tick * 0.05)
    assert state.due == 0.05 + LONGEST


def test_who_saves_again_as_soon_as_the_last_is_live_waits_no_longer_each_time() -> None:
    state, now = Debounce().changed(0.0).served(0.0), 0.0
    for _ in range(6):
        now += 0.05
        state = state.changed(now)
        assert state.due == now + QUIET
        now = state.due
        state = state.served(now)


def test_burst_after_burst_waits_longer_and_a_calm_ends_that() -> None:
    state, now, waits = Debounce().changed(0.0).served(0.0), 0.0, []
    for _ in range(6):
        now += 0.05
        state = state.changed(now - 0.01).changed(now)
        assert state.due is not None
        waits.append(round(state.due - now, 6))
        now = state.due
        state = state.served(now)
    assert waits == [0.1, 0.2, 0.4, 0.8, LONGEST_QUIET, LONGEST_QUIET]
    state = state.changed(now + LONGEST_QUIET)
    assert state.due == now + LONGEST_QUIET
    state = state.served(state.due).changed(state.due + 0.05)
    assert state.due == now + LONGEST_QUIET + 0.05 + QUIET
