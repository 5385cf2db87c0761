"""Which instances Envoys call."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from controlplane.rollout.members import Members

ADDRESSES = st.frozensets(st.sampled_from([f"unix:/{n}" for n in range(6)])).map(sorted).map(tuple)


@given(ADDRESSES, ADDRESSES)
def test_who_is_late_is_left_out_but_never_more_than_half(
    ready: tuple[str, ...], late: tuple[str, ...]
) -> None:
    members = Members().with_ready(ready).with_late(late)
    timely = set(ready) - set(late)
    assert 2 * len(members.called) >= len(ready)
    assert set(members.called) in ({*ready}, timely)
    assert members.crowded is bool(set(members.called) & set(late))
    if 2 * len(timely) >= len(ready):
        assert set(members.called) == timely


def test_one_of_one_and_one_of_two() -> None:
    assert Members(ready=("a",)).with_late(("a",)).called == ("a",)
    assert Members(ready=("a", "b")).with_late(("a",)).called == ("b",)
    assert Members(ready=("a", "b", "c")).with_late(("a", "b")).called == ("a", "b", "c")


def test_the_last_ones_stay_where_none_is_ready() -> None:
    assert Members(ready=("a",)).with_ready(()).called == ("a",)


def test_those_of_an_earlier_run_count_until_their_time_is_over() -> None:
    members = Members(before=("a", "b")).with_ready(("b", "c"))
    assert members.called == ("a", "b", "c")
    assert replace(members, before=()).called == ("b", "c")
