"""What is told seldom: the first at once, then a count."""

from serving.seldom import EVERY, MOST, Seldom


def test_the_first_is_told_and_the_others_are_counted() -> None:
    now = [100.0]
    seldom = Seldom(clock=lambda: now[0])
    assert [seldom.due("a"), seldom.due("a"), seldom.due("b"), seldom.due("a")] == [1, 0, 1, 0]
    now[0] += EVERY
    assert [seldom.due("a"), seldom.due("a"), seldom.due("b")] == [3, 0, 1]


def test_what_is_remembered_is_bounded() -> None:
    seldom = Seldom(clock=lambda: 0.0)
    for number in range(3 * MOST):
        assert seldom.due(number) == 1
    assert seldom.due(3 * MOST - 1) == 0
    assert seldom.due(0) == 1
