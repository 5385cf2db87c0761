"""What a memo gives again, and what it makes anew."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.memo import Memo


@dataclass(frozen=True)
class Thing:
    text: str


def test_the_very_same_arguments_are_called_for_once() -> None:
    made: list[tuple[object, ...]] = []

    def make(*args: object) -> Thing:
        made.append(args)
        return Thing("made")

    memo, one, other = Memo(), Thing("a"), Thing("a")
    first = memo(make, one, "x", (one, "y"))
    assert memo(make, one, "x", (one, "y")) is first
    assert memo(make, other, "x", (one, "y")) is not first
    assert memo(make, one, "x", (other, "y")) is not first
    assert memo(make, one, "z", (one, "y")) is not first
    assert len(made) == 4


def test_what_nobody_asks_for_is_let_go() -> None:
    memo, one = Memo(), Thing("a")
    first = memo(Thing, "kept")
    memo.forget()
    assert memo(Thing, "kept") is first
    memo.forget()
    memo(id, one)
    memo.forget()
    assert memo(Thing, "kept") is not first


def test_it_has_grown_by_what_was_made_and_by_what_was_asked_for() -> None:
    memo = Memo()
    for number in range(32):
        memo(Thing, str(number))
    assert memo.grown()
    memo.forget()
    assert not memo.grown()
    memo(Thing, "0")
    memo(Thing, "another")
    assert not memo.grown()
    memo(Thing, "another one")
    memo(Thing, "a third")
    assert memo.grown()
    memo.forget()
    assert len({id(memo(Thing, text)) for text in ("0", "another", "another one")}) == 3
    for _ in range(40):
        memo(Thing, "0")
    assert memo.grown()  # what was asked for is written down as well


def test_the_parts_of_what_is_asked_for_are_kept() -> None:
    memo = Memo()

    def whole(text: str, parts: Memo) -> tuple[Thing, str]:
        return parts(Thing, "part"), text

    part, _ = memo(whole, "one", memo)
    memo.forget()
    memo(whole, "one", memo)  # does not ask for its part again
    memo.forget()
    assert memo(whole, "two", memo)[0] is part
    memo.forget()
    memo.forget()
    assert memo(whole, "two", memo)[0] is not part


def test_a_function_that_raises_leaves_no_trace() -> None:
    memo = Memo()

    def failing(parts: Memo) -> None:
        parts(Thing, "part")
        raise ValueError("nothing")

    kept = memo(Thing, "kept")
    with pytest.raises(ValueError, match="nothing"):
        memo(failing, memo)
    memo.forget()
    assert memo(Thing, "kept") is kept


@given(calls=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0, 1, True, "0", "1"]))))
def test_another_function_or_value_is_another_call(calls: list[tuple[str, object]]) -> None:
    functions = {"a": _a, "b": _b}
    memo = Memo()
    for name, value in calls:
        assert memo(functions[name], value) == functions[name](value)


def _a(value: object) -> object:
    return "a", type(value), value


def _b(value: object) -> object:
    return "b", type(value), value


def test_what_is_kept_keeps_its_arguments_alive() -> None:
    memo = Memo()
    found = {memo(_text, Thing(f"{number}")) for number in range(1_000)}
    assert len(found) == 1_000


def _text(one: Thing) -> str:
    return one.text
