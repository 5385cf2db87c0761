"""When garbage is collected, and what of it is."""

import gc
import weakref

from foregate.garbage import Quiet, collected


class Loop:
    """Garbage once nothing else refers to it."""

    def __init__(self) -> None:
        self.me = self


def test_once_after_each_change_when_it_is_quiet() -> None:
    first, second, third = object(), object(), object()
    quiet = Quiet(first)
    looks = [first, first, second, third, third, third, second, second, second]
    assert [quiet.due(one) for one in looks] == [
        *(False, False),  # nothing changed
        *(False, False, True, False),  # one change after another, then none
        *(False, True, False),
    ]


def test_what_stays_is_passed_over_until_the_next_time() -> None:
    try:
        stays = Loop()
        gone = weakref.ref(stays)
        collected()
        del stays
        gc.collect()
        assert gone() is not None
        collected()
        assert gone() is None
    finally:
        gc.unfreeze()
