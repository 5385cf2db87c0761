"""Limits that no route names any more are still served, with their last numbers, in bounds."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from controlplane.retired import Retired
from controlplane.snapshot import resource
from protos import LIMITS, LIMITS_NAME
from protos.limits_pb2 import ALLOW, GCRA, LimitSet


def served(retired: Retired, **amounts: int) -> dict[str, int]:
    """Show it a set of limits; the ids and amounts that come back."""
    shown = LimitSet(redis_down=ALLOW)
    for name, amount in amounts.items():
        shown.limits.add(id=name, name=name, kind=GCRA, amount=amount, period_us=1, burst=1)
    made = retired.beside(resource(LIMITS, LIMITS_NAME, shown))
    assert (made.type_url, made.name) == (LIMITS, LIMITS_NAME)
    back = LimitSet.FromString(made.body)
    assert back.redis_down == ALLOW
    assert list(back.limits)[: len(amounts)] == list(shown.limits)
    found = {limit.id: limit.amount for limit in back.limits}
    assert len(found) == len(back.limits)  # ratelimit refuses a set with one twice
    assert made.version == resource(LIMITS, LIMITS_NAME, back).version
    return found


def test_a_limit_that_is_gone_stays_with_its_last_amount() -> None:
    retired = Retired()
    assert served(retired, a=1, b=2) == {"a": 1, "b": 2}
    assert served(retired, a=3, b=2) == {"a": 3, "b": 2}
    assert served(retired, b=2) == {"b": 2, "a": 3}
    assert served(retired) == {"a": 3, "b": 2}


def test_what_is_served_now_wins_over_what_is_remembered() -> None:
    retired = Retired()
    served(retired, a=1)
    served(retired)
    assert served(retired, a=9) == {"a": 9}
    assert served(retired) == {"a": 9}


def test_the_oldest_leave_first_and_never_what_is_served_now() -> None:
    retired = Retired(most=2)
    for name in ("a", "b", "c", "d"):
        served(retired, **{name: 1})
    assert served(retired) == {"c": 1, "d": 1}
    assert served(retired, e=1, f=1, g=1) == {"e": 1, "f": 1, "g": 1, "c": 1, "d": 1}
    assert served(retired, g=1) == {"g": 1, "e": 1, "f": 1}


def test_a_limit_that_was_back_for_a_while_is_not_the_oldest() -> None:
    retired = Retired(most=2)
    for name in ("a", "b", "a", "c", "d"):
        served(retired, **{name: 1})
    assert served(retired, d=1) == {"d": 1, "a": 1, "c": 1}


def test_the_same_set_again_is_the_same_resource() -> None:
    """Else each change of a key or an instance would be a push to every ratelimit."""
    retired = Retired()
    sets = []
    for name in ("a", "b", "b"):
        shown = LimitSet()
        shown.limits.add(id=name, name=name, kind=GCRA, amount=1, period_us=1, burst=1)
        sets.append(retired.beside(resource(LIMITS, LIMITS_NAME, shown)))
    assert sets[1] == sets[2]
    assert sets[0] != sets[1]


@given(
    st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9)), max_size=9),
    st.integers(0, 4),
)
def test_everything_of_now_and_at_most_so_many_others(
    history: list[Mapping[str, int]], most: int
) -> None:
    retired, last = Retired(most=most), dict[str, int]()
    for amounts in history:
        last |= amounts
        found = served(retired, **amounts)
        assert amounts.items() <= found.items() <= last.items()
        assert len(found) - len(amounts) <= most
