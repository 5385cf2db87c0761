"""The table in the process is bounded, and being full un-limits nobody."""

from hypothesis import given
from hypothesis import strategies as st

from decision.counters import Charge, Kind, Limit, State
from policies.limits.check import decide
from ratelimit.stores.memory import SWEPT_AT_ONCE, MemoryStore
from tests.ratelimit.stepped import Stepped

SECOND = 1_000_000
ONE = Limit(id="one", name="a", kind=Kind.GCRA, amount=2, period_us=SECOND, burst=2)
WINDOW = Limit(id="two", name="b", kind=Kind.FIXED_WINDOW, amount=2, period_us=SECOND)


def passed(store: MemoryStore, who: str, limit: Limit = ONE) -> bool:
    return store.decided([Charge(limit, f"{limit.id}:{who}".encode())]).admitted


def test_hostile_values_fill_the_table_and_no_more() -> None:
    told: list[int] = []
    store = MemoryStore(clock=Stepped(), most=100, overflowed=lambda: told.append(1))
    for n in range(1000):
        passed(store, str(n))
    assert len(store) == 100
    assert len(told) == 900


def test_a_full_table_pushes_nobody_out_and_lets_nobody_through() -> None:
    store = MemoryStore(clock=Stepped(), most=10)
    assert [passed(store, "victim") for _ in range(3)] == [True, True, False]
    newcomers = [passed(store, f"hostile-{n}") for n in range(1000)]
    assert sum(newcomers) == 9 + 2  # places of their own, and one shared counter
    assert not passed(store, "victim")


def test_each_limit_has_an_overflow_counter_of_its_own() -> None:
    store = MemoryStore(clock=Stepped(), most=1)
    passed(store, "first")
    assert [passed(store, str(n)) for n in range(3)] == [True, True, False]
    assert [passed(store, str(n), WINDOW) for n in range(3)] == [True, True, False]


def test_places_come_back_when_nothing_is_spent() -> None:
    clock = Stepped()
    store = MemoryStore(clock=clock, most=50)
    for n in range(50):
        passed(store, str(n))
    clock.time += SECOND
    for n in range(50, 80):
        assert passed(store, str(n))
    assert len(store) < 80 - SWEPT_AT_ONCE


def test_who_gets_a_place_begins_where_the_overflow_counter_stands() -> None:
    clock = Stepped()
    store = MemoryStore(clock=clock, most=1)
    passed(store, "first")
    assert [passed(store, "late") for _ in range(3)] == [True, True, False]
    clock.time += SECOND // 2  # the first's place is free; one hit of the shared one is back
    assert [passed(store, "late") for _ in range(2)] == [True, False]


@given(
    st.lists(st.tuples(st.integers(0, SECOND), st.integers(0, 5)), max_size=60),
    st.sampled_from([ONE, WINDOW]),
)
def test_with_few_places_no_caller_gets_more_than_with_many(
    calls: list[tuple[int, int]], limit: Limit
) -> None:
    clock = Stepped()
    store = MemoryStore(clock=clock, most=2)
    states: dict[bytes, State] = {}
    for waited, who in calls:
        clock.time += waited
        charge = [Charge(limit, b"%d" % who)]
        if store.decided(charge).admitted:
            oracle, changed = decide(charge, states, clock.time)
            states |= changed
            assert oracle.admitted
