"""The breaker, event by event."""

from ratelimit.stores.breaker import FAILURES, LONGEST, SHORTEST, Breaker, Phase


def closed() -> Breaker:
    return Breaker().probing().probed(good=True)


def test_it_begins_open_and_a_good_probe_closes_it() -> None:
    assert Breaker().phase is Phase.OPEN
    assert Breaker().probing().phase is Phase.HALF_OPEN
    assert closed().phase is Phase.CLOSED


def test_failures_in_a_row_open_it() -> None:
    one = closed()
    for _ in range(FAILURES - 1):
        one = one.failed()
        assert one.phase is Phase.CLOSED
    assert one.failed().phase is Phase.OPEN


def test_an_answer_between_begins_the_row_anew() -> None:
    one = closed()
    for _ in range(10):
        one = one.failed().failed().answered()
    assert one.phase is Phase.CLOSED


def test_a_lost_connection_opens_it_at_once() -> None:
    assert closed().lost().phase is Phase.OPEN


def test_probes_come_more_and_more_seldom() -> None:
    one, waits = Breaker(), []
    assert one.wait == 0
    for _ in range(10):
        one = one.probing().probed(good=False)
        waits.append(one.wait)
    assert waits[:3] == [SHORTEST, SHORTEST * 2, SHORTEST * 4]
    assert waits[-1] == LONGEST


def test_a_good_probe_alone_does_not_make_the_next_one_sooner() -> None:
    """A Redis that answers probes and no requests is not hammered."""
    one = closed().lost().probing().probed(good=True)
    assert one.wait == SHORTEST * 2
    assert one.answered().wait == 0
