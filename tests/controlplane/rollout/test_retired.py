"""Limits that no route names any more are still served, with their last numbers, in bounds."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from controlplane.rollout.retired import Retired
from controlplane.snapshot import resource
from protos import LIMITS, LIMITS_NAME
from protos.limits_pb2 import ALLOW, GCRA, LimitSet


def live(retired: Retired, **amounts: int) -> dict[str, int]:
    """Serve a set of limits that everybody takes; the ids and amounts that are served."""
    return served(retired, refused=False, **amounts)


def served(retired: Retired, *, refused: bool = True, **amounts: int) -> dict[str, int]:
    shown = LimitSet(redis_down=ALLOW)
    for name, amount in amounts.items():
        shown.limits.add(id=name, name=name, kind=GCRA, amount=amount, period_us=1, burst=1)
    own = resource(LIMITS, LIMITS_NAME, shown)
    made = retired.beside(own)
    if not refused:
        retired.keep(own)
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
    assert live(retired, a=1, b=2) == {"a": 1, "b": 2}
    assert live(retired, a=3, b=2) == {"a": 3, "b": 2}
    assert live(retired, b=2) == {"b": 2, "a": 3}
    assert live(retired) == {"a": 3, "b": 2}


def test_what_is_served_now_wins_over_what_is_remembered() -> None:
    retired = Retired()
    live(retired, a=1)
    live(retired)
    assert live(retired, a=9) == {"a": 9}
    assert live(retired) == {"a": 9}


def test_the_oldest_leave_first_and_never_what_is_served_now() -> None:
    retired = Retired(most=2)
    for name in ("a", "b", "c", "d"):
        live(retired, **{name: 1})
    assert live(retired) == {"c": 1, "d": 1}
    assert live(retired, e=1, f=1, g=1) == {"e": 1, "f": 1, "g": 1, "c": 1, "d": 1}
    assert live(retired, h=1) == {"h": 1, "f": 1, "g": 1}


def test_a_limit_that_was_back_for_a_while_is_not_the_oldest() -> None:
    retired = Retired(most=2)
    for name in ("a", "b", "a", "c"):
        live(retired, **{name: 1})
    assert live(retired) == {"a": 1, "c": 1}


def test_a_set_that_was_refused_leaves_nothing_behind() -> None:
    retired = Retired()
    live(retired, a=1)
    assert served(retired, a=7, b=7) == {"a": 7, "b": 7}
    assert served(retired) == {"a": 1}


def test_the_same_set_again_is_the_same_resource() -> None:
    """Else each change of a key or an instance would be a push to every ratelimit."""
    retired = Retired()
    sets = []
    for name in ("a", "b", "b"):
        shown = LimitSet()
        shown.limits.add(id=name, name=name, kind=GCRA, amount=1, period_us=1, burst=1)
        sets.append(retired.beside(resource(LIMITS, LIMITS_NAME, shown)))
        retired.keep(resource(LIMITS, LIMITS_NAME, shown))
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
        found = live(retired, **amounts)
        assert amounts.items() <= found.items() <= last.items()
        assert len(found) - len(amounts) <= most
