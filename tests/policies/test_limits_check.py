"""The limiter's core against oracles that know no ticks and no units: fractions, and a dict."""

from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision.counters import DAY_US, MOST_UNITS, Charge, Kind, Limit, State
from policies.limits.check import LONGEST_US, MOST_AMOUNT, decide, fault, level_at
from policies.limits.rate import MOST, UNITS, Rate

NOON = 1_900_000_000_000_000
PERIODS = (1, 7, 1000, 1_000_000, 60_000_000, 3_600_000_000, DAY_US, 7 * DAY_US, 30 * DAY_US)


def limit(kind: Kind, amount: int, period_us: int, burst: int = 1, name: str = "a") -> Limit:
    return Limit(id=name, name=name, kind=kind, amount=amount, period_us=period_us, burst=burst)


@st.composite
def limits(draw: st.DrawFn, kind: Kind | None = None, name: str = "a") -> Limit:
    made = limit(
        kind or draw(st.sampled_from(Kind)),
        draw(st.one_of(st.integers(1, 12), st.integers(1, 10**6))),
        draw(st.sampled_from(PERIODS)),
        draw(st.one_of(st.integers(1, 12), st.integers(1, 1000))),
        name,
    )
    assert fault(made) is None
    return made


def steps(limit: Limit) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Calls one after the other: microseconds since the last one, and hits."""
    hit = max(1, limit.period_us // limit.amount)
    passed = st.one_of(
        st.just(0),
        st.integers(0, 3 * hit),
        st.integers(0, 2 * limit.period_us),
        st.sampled_from([hit - 1, hit, hit + 1, limit.period_us]),
    )
    hits = st.one_of(st.just(1), st.integers(0, 5), st.integers(0, 2 * max(limit.burst, 1)))
    return st.lists(st.tuples(passed, hits), max_size=40)


def run(limit: Limit, calls: list[tuple[int, int]], now: int = NOON) -> list[tuple[int, int, bool]]:
    """What becomes of calls on one counter: when, how many hits, whether they passed."""
    states: dict[bytes, State] = {}
    seen = []
    for passed, hits in calls:
        now += passed
        outcome, changed = decide([Charge(limit, b"k", hits)], states, now)
        states |= changed
        seen.append((now, hits, outcome.admitted))
    return seen


@given(st.data())
def test_gcra_is_a_bucket_that_refills_evenly(data: st.DataObject) -> None:
    gcra = data.draw(limits(Kind.GCRA))
    tokens, last = Fraction(gcra.burst), None
    for now, hits, admitted in run(gcra, data.draw(steps(gcra))):
        time = now if gcra.tick_us == 1 else now // 1000 * 1000
        if last is not None:
            tokens += Fraction((time - last) * gcra.amount, gcra.period_us)
            tokens = min(tokens, Fraction(gcra.burst))
        last = time
        assert admitted == (hits <= tokens)
        if admitted:
            tokens -= hits


@given(st.data())
def test_a_fixed_window_is_a_count_for_each_window_of_the_epoch(data: st.DataObject) -> None:
    window = data.draw(limits(Kind.FIXED_WINDOW))
    counts: dict[int, int] = {}
    for now, hits, admitted in run(window, data.draw(steps(window))):
        number = now // window.period_us
        assert admitted == (counts.get(number, 0) + hits <= window.amount)
        if admitted:
            counts[number] = counts.get(number, 0) + hits


@given(st.data())
def test_no_stretch_of_time_admits_more_than_burst_and_rate(data: st.DataObject) -> None:
    gcra = data.draw(limits(Kind.GCRA))
    passed = [(now, hits) for now, hits, ok in run(gcra, data.draw(steps(gcra))) if ok]
    slack = 0 if gcra.tick_us == 1 else 999  # a coarse tick may come so much early
    for i, (begin, _) in enumerate(passed):
        total = 0
        for now, hits in passed[i:]:
            total += hits
            most = gcra.burst + Fraction((now - begin + slack) * gcra.amount, gcra.period_us)
            assert total <= most


@given(st.data())
def test_a_denied_request_charges_none_and_an_admitted_one_all(data: st.DataObject) -> None:
    group = [data.draw(limits(name=name)) for name in "abc"]
    keys = {one.id: one.id.encode() for one in group}
    states: dict[bytes, State] = {}
    now = NOON
    for passed, hits in data.draw(steps(group[0])):
        now += passed
        charges = [Charge(one, keys[one.id], hits) for one in group]
        before = {c.key: level_at(c.limit, states.get(c.key), now) for c in charges}
        outcome, changed = decide(charges, states, now)
        alone = [decide([c], states, now)[0].admitted for c in charges]
        assert [s.admitted for s in outcome.standings] == alone
        assert outcome.admitted == all(alone)
        assert bool(changed) == (outcome.admitted and hits > 0)
        states |= changed
        for c in charges:
            charged = c.hits * c.limit.unit if outcome.admitted else 0
            assert level_at(c.limit, states.get(c.key), now) == before[c.key] + charged


@given(st.data())
def test_the_order_of_limits_is_irrelevant(data: st.DataObject) -> None:
    group = [data.draw(limits(name=name)) for name in "abc"]
    hits = [data.draw(st.integers(0, 3)) for _ in group]
    states: dict[bytes, State] = {}
    for one in group:
        if data.draw(st.booleans()):
            level = data.draw(st.integers(0, one.capacity))
            states[one.id.encode()] = (level, NOON // one.tick_us)
    charges = [Charge(one, one.id.encode(), n) for one, n in zip(group, hits, strict=True)]
    told = []
    for order in permutations(charges):
        outcome, changed = decide(order, states, NOON)
        standings = {c.key: s for c, s in zip(order, outcome.standings, strict=True)}
        told.append((outcome.admitted, standings, changed))
    assert all(one == told[0] for one in told)


@given(st.data())
def test_what_is_told_about_later_comes_true(data: st.DataObject) -> None:
    one = data.draw(limits())
    level = data.draw(st.integers(0, one.capacity))
    hits = data.draw(st.integers(0, one.capacity // one.unit))
    now = NOON + data.draw(st.integers(0, 10**9))
    states = {b"k": (level, now // one.tick_us)}
    outcome, changed = decide([Charge(one, b"k", hits)], states, now)
    standing = outcome.standings[0]
    states |= changed
    rest = decide([Charge(one, b"k", standing.remaining)], states, now)[0]
    more = decide([Charge(one, b"k", standing.remaining + 1)], states, now)[0]
    assert (rest.admitted, more.admitted) == (True, False)
    assert level_at(one, states[b"k"], now + standing.reset_us) == 0
    if standing.reset_us:
        assert level_at(one, states[b"k"], now + standing.reset_us - 1) > 0
    assert (standing.retry_us > 0) == (not outcome.admitted)
    if not outcome.admitted:
        charge = [Charge(one, b"k", hits)]
        assert decide(charge, states, now + standing.retry_us)[0].admitted
        assert not decide(charge, states, now + standing.retry_us - 1)[0].admitted


@given(st.data())
def test_a_clock_that_steps_back_gives_nothing(data: st.DataObject) -> None:
    """No more passes than by a clock that stands still where this one steps back."""
    one = data.draw(limits())
    calls = data.draw(steps(one))
    back = data.draw(st.lists(st.integers(0, 3 * one.period_us), max_size=len(calls)))
    steady: dict[bytes, State] = {}
    stepping: dict[bytes, State] = {}
    time, highest = NOON, 0
    for i, (passed, hits) in enumerate(calls):
        time += passed - (back[i] if i < len(back) else 0)
        charge = [Charge(one, b"k", hits)]
        mine, changed = decide(charge, stepping, time)
        stepping |= changed
        if mine.admitted and hits:
            highest = max(highest, time)
            oracle, changed = decide(charge, steady, highest)
            steady |= changed
            assert oracle.admitted


def test_more_than_fits_never_passes_and_says_when_all_is_free() -> None:
    gcra = limit(Kind.GCRA, 10, 1_000_000, 5)
    states: dict[bytes, State] = {b"k": (3 * gcra.unit, NOON)}
    outcome, changed = decide([Charge(gcra, b"k", 6)], states, NOON)
    assert (outcome.admitted, changed) == (False, {})
    assert outcome.standings[0].retry_us == outcome.standings[0].reset_us == 300_000


def test_one_key_twice_in_a_request_is_charged_twice() -> None:
    window = limit(Kind.FIXED_WINDOW, 3, 1_000_000)
    twice = [Charge(window, b"k"), Charge(window, b"k")]
    first, states = decide(twice, {}, NOON)
    second, changed = decide(twice, states, NOON)
    assert (first.admitted, second.admitted, changed) == (True, False, {})
    assert [s.admitted for s in second.standings] == [True, False]


@pytest.mark.parametrize("kind", Kind)
def test_a_change_of_numbers_resets_nothing(kind: Kind) -> None:
    old = limit(kind, 10, 60_000_000, 10)
    _, states = decide([Charge(old, b"k", 6)], {}, NOON)
    for amount in (7, 10, 1000):
        new = replace(old, amount=amount, burst=amount)
        standing = decide([Charge(new, b"k", 0)], states, NOON)[0].standings[0]
        assert standing.remaining == amount - 6
    smaller = replace(old, amount=5, burst=5)
    outcome, _ = decide([Charge(smaller, b"k", 0)], states, NOON)
    assert (outcome.admitted, outcome.standings[0].remaining) == (False, 0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (limit(Kind.GCRA, 0, 1), "amount 0"),
        (limit(Kind.GCRA, MOST_AMOUNT + 1, 1), "amount"),
        (limit(Kind.FIXED_WINDOW, 1, 0), "period 0"),
        (limit(Kind.FIXED_WINDOW, 1, LONGEST_US + 1), "period"),
        (limit(Kind.GCRA, 1, 1, 0), "burst 0"),
        (limit(Kind.GCRA, 1, DAY_US, 10**9), "at most 52124995"),
    ],
)
def test_numbers_that_can_not_be_counted_are_told(wrong: Limit, words: str) -> None:
    assert words in (fault(wrong) or "")


@pytest.mark.parametrize("unit", UNITS)
def test_whatever_a_file_may_say_can_be_counted(unit: str) -> None:
    most = Rate(amount=MOST, unit=unit)
    for burst in (most.in_a_second, 1_000_000):
        assert fault(limit(Kind.GCRA, MOST, most.period_us, burst)) is None


def test_bounds_are_what_a_double_holds() -> None:
    most = limit(Kind.GCRA, MOST_AMOUNT, 10**6, MOST_UNITS // 10**6)
    assert fault(most) is None
    assert float(most.capacity + most.unit) == most.capacity + most.unit
