"""How many streams may be new at once."""

from controlplane.xds.admission import SECONDS, Admission


def test_so_many_are_new_at_once_and_no_more() -> None:
    mine = Admission(2)
    assert mine.admits("a", 0, now=0.0)
    assert mine.admits("b", 1, now=1.0)
    assert not mine.admits("c", 2, now=2.0)
    mine.settled("a")
    assert mine.admits("c", 2, now=2.0)


def test_who_takes_long_does_not_keep_others_out() -> None:
    mine = Admission(1)
    assert mine.admits("a", 0, now=0.0)
    assert not mine.admits("b", 1, now=SECONDS - 0.1)
    assert mine.admits("b", 1, now=SECONDS)


def test_there_is_a_most_of_all() -> None:
    assert not Admission(10, streams=5).admits("a", 5, now=0.0)
