"""The client's side of delta ADS, one behaviour a transcript. Source: the xDS specification."""

import pytest

from serving import subscription
from tests.serving.feed_transcript import known, play


def test_every_type_is_subscribed_to_whole_in_order_and_acked() -> None:
    state = play("""
        == connect
        << A +* first
        << B +*
        >> A #1 x=1 y=1
        -- take A x=1 y=1
        << A ack #1
        >> B #1
        -- take B
        << B ack #1
        >> A #2 x=2 -y
        -- take A x=2 -y
        << A ack #2
    """)
    assert known(state, "A") == {"x": "2"}
    assert state.complete


def test_it_is_complete_only_when_every_type_has_come() -> None:
    state = play("""
        == connect
        << A +* first
        << B +*
        >> A #1 x=1
        -- take A x=1
        << A ack #1
        >> B #1 x=1 ! bad
        -- take B x=1
        << B nack #1 bad
    """)
    assert not state.complete


def test_a_refused_response_leaves_everything_as_it_was() -> None:
    state = play("""
        == connect
        << A +* first
        << B +*
        >> A #1 x=1 y=1
        -- take A x=1 y=1
        << A ack #1
        >> A #2 x=2 z=1 -y ! no such thing
        -- take A x=2 z=1 -y
        << A nack #2 no such thing
        == drop
        == connect
        << A +* held:x=1 held:y=1 first
        << B +*
    """)
    assert known(state, "A") == {"x": "1", "y": "1"}


def test_a_new_stream_says_what_is_known_and_hears_what_is_gone() -> None:
    state = play("""
        == connect
        << A +* first
        << B +*
        >> A #1 x=1 y=1
        -- take A x=1 y=1
        << A ack #1
        == drop
        == connect
        << A +* held:x=1 held:y=1 first
        << B +*
        >> A #1 -y
        -- take A -y
        << A ack #1
    """)
    assert known(state, "A") == {"x": "1"}


def test_a_fetched_name_is_subscribed_to_and_stays() -> None:
    play("""
        == connect
        << A +* first
        << B +*
        == fetch A x
        << A +x
        == fetch A x
        >> A #1 x=1
        -- take A x=1
        << A ack #1
        -- found A x
        == fetch A x
        == drop
        == connect
        << A +* +x held:x=1 first
        << B +*
        >> A #2 -x
        -- take A -x
        << A ack #2
    """)


def test_a_name_that_does_not_exist_is_missing_and_can_be_fetched_again() -> None:
    play("""
        == connect
        << A +* first
        << B +*
        == fetch A x
        << A +x
        >> A #1 -x
        -- take A -x
        << A ack #1
        -- missing A x
        == fetch A x
        << A +x
        >> A #2 x=1
        -- take A x=1
        << A ack #2
        -- found A x
    """)


def test_a_fetch_whose_resource_is_refused_is_missing() -> None:
    play("""
        == connect
        << A +* first
        << B +*
        == fetch A x
        << A +x
        >> A #1 x=1 ! bad
        -- take A x=1
        << A nack #1 bad
        -- missing A x
    """)


def test_a_fetch_without_a_stream_is_asked_for_by_the_next_one() -> None:
    play("""
        == fetch A x
        == connect
        << A +* +x first
        << B +*
        == drop
        == connect
        << A +* +x first
        << B +*
        >> A #1 x=1
        -- take A x=1
        << A ack #1
        -- found A x
    """)


def test_an_ask_ends_with_its_answer_so_that_the_next_is_a_new_subscription() -> None:
    play("""
        == connect
        << A +* first
        << B +*
        == ask K x
        << K +x
        == ask K x
        >> K #1 -x
        << K -x ack #1
        == ask K x
        << K +x
        == ask K y
        << K +y
        == drop
        == connect
        << A +* first
        << B +*
        << K +x +y
        >> K #1 -x -y
        << K -x -y ack #1
        == drop
        == connect
        << A +* first
        << B +*
    """)


def test_an_ask_within_a_wildcard_takes_nothing_away() -> None:
    play("""
        == connect
        << A +* first
        << B +*
        == ask A x
        << A +x
        >> A #1 -x
        -- take A
        << A -x ack #1
        >> A #2 -x
        -- take A
        << A ack #2
    """)


def test_a_type_that_nobody_asked_for_is_refused() -> None:
    play("""
        == connect
        << A +* first
        << B +*
        >> C #1 x=1
        << C nack #1 this type was not asked for
    """)


def test_names_are_bounded_and_the_oldest_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "NAMES", 2)
    play("""
        == connect
        << A +* first
        << B +*
        == fetch A x
        << A +x
        == fetch A y
        << A +y
        >> A #1 x=1 -y
        -- take A x=1 -y
        << A ack #1
        -- found A x
        -- missing A y
        == fetch A z
        << A +z -x
        == ask K 1
        << K +1
        == ask K 2
        << K +2
        == ask K 3
    """)
