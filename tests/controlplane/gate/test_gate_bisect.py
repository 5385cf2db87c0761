"""The search finds what causes a refusal, with few questions."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from controlplane.gate.bisect import RUNS, Found, search

Refuses = Callable[[frozenset[int]], bool | None]


def ask(count: int, refuses: Refuses, runs: int = RUNS) -> tuple[Found, int]:
    steps = search(count, runs)
    asked = 0
    try:
        question = next(steps)
        while True:
            asked += 1
            question = steps.send(refuses(frozenset(question)))
    except StopIteration as done:
        found = done.value
        assert isinstance(found, Found)
        return found, asked


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_one_cause_is_found_among_ten_thousand(case: tuple[int, int]) -> None:
    count, cause = case
    found, asked = ask(count, lambda tried: cause in tried)
    assert (found.certain, found.among) == ((cause,), ())
    assert asked == found.runs <= 16


@given(
    st.integers(2, 256).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=2, max_size=2))
    )
)
def test_two_that_are_refused_only_together_are_both_found(case: tuple[int, set[int]]) -> None:
    count, cause = case
    found, asked = ask(count, cause.issubset)
    assert (set(found.certain), found.among) == (cause, ())
    assert asked == found.runs <= RUNS


@given(
    st.integers(257, 10_000).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1, max_size=4))
    ),
    st.integers(0, RUNS),
)
def test_what_is_reported_is_true_even_when_the_runs_are_over(
    case: tuple[int, set[int]], runs: int
) -> None:
    """`certain` holds nothing that is not needed, `among` whatever else is."""
    count, cause = case
    found, asked = ask(count, cause.issubset, runs)
    assert asked == found.runs <= runs
    assert set(found.certain) <= cause
    missing = cause - set(found.certain)
    assert bool(missing & set(found.among)) == bool(missing)
    assert found.among or not missing
    assert found.certain or found.among


def test_half_of_a_pair_among_ten_thousand_is_exact_and_the_other_narrowed_down() -> None:
    found, _ = ask(10_000, {1234, 8765}.issubset)
    assert found.certain == (8765,)
    assert 1234 in found.among
    assert len(found.among) < 500


def test_an_envoy_that_refuses_everything_accuses_nobody() -> None:
    assert ask(1000, lambda _: True) == (Found(certain=(), among=(), runs=1), 1)


def test_without_an_answer_the_search_ends_with_what_it_knows() -> None:
    answers = iter([False, True, False, None])
    found, _ = ask(100, lambda _: next(answers))
    assert found == Found(certain=(), among=tuple(range(25, 50)), runs=3)
