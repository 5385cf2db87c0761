"""The incremental variant, a test a row of the checklist. Source: the xDS specification."""

import pytest

from controlplane.snapshot import LISTENER
from controlplane.xds import due
from tests.controlplane.xds.ads_transcript import delta


def test_row_01_and_20_an_empty_first_request_is_the_wildcard_and_its_ack_is_not_answered() -> None:
    stream = delta("""
        == CDS a=1 b=1
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
    """)
    assert stream.state == "live"


def test_row_20_the_wildcard_is_answered_even_if_there_is_nothing() -> None:
    delta("""
        == RDS r=1
        >> CDS
        << CDS
        >> CDS ack
    """)


def test_row_21_and_34_a_missing_name_is_removed_and_sent_when_it_comes() -> None:
    delta("""
        == EDS a=1
        >> EDS +a +missing
        << EDS a=1 -missing
        >> EDS ack
        == EDS a=1 missing=1
        << EDS missing=1
        >> EDS ack
    """)


def test_row_09_a_subset_is_answered_with_the_subset() -> None:
    delta("""
        == EDS a=1 b=1 c=1
        >> EDS +a
        << EDS a=1
        >> EDS ack
        >> EDS +b
        << EDS b=1
        >> EDS ack
        == EDS a=1 b=1 c=2
    """)


def test_row_22_a_name_subscribed_again_is_sent_again() -> None:
    delta("""
        == EDS a=1
        >> EDS +a
        << EDS a=1
        >> EDS ack
        >> EDS +a
        << EDS a=1
        >> EDS ack
        >> EDS -a
        >> EDS +a
        << EDS a=1
    """)


def test_row_22_a_name_subscribed_again_before_the_ack_is_sent_again_after_it() -> None:
    delta("""
        == EDS a=1 b=1
        >> EDS +a +b
        << EDS a=1 b=1
        >> EDS -a
        >> EDS +a
        >> EDS ack
        << EDS a=1
    """)


def test_row_23_an_unsubscription_needs_no_reply_and_ends_the_updates() -> None:
    delta("""
        == EDS a=1 b=1
        >> EDS +a +b
        << EDS a=1 b=1
        >> EDS ack
        >> EDS -a -unknown
        == EDS a=2 b=2
        << EDS b=2
    """)


def test_row_23_the_last_name_given_up_is_not_the_wildcard() -> None:
    delta("""
        == EDS a=1 b=1
        >> EDS +a
        << EDS a=1
        >> EDS ack
        >> EDS -a
        == EDS a=2 b=2
    """)


def test_row_23_to_give_up_what_was_never_named_changes_nothing() -> None:
    delta("""
        == CDS a=1 b=1
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
        >> CDS -a -unknown
        == CDS a=2 b=1
        << CDS a=2
    """)


def test_row_22_a_name_given_up_and_subscribed_in_one_request_is_sent_again() -> None:
    delta("""
        == EDS a=1
        >> EDS +a
        << EDS a=1
        >> EDS ack
        >> EDS +a -a
        << EDS a=1
        >> EDS ack
        == EDS a=2
        << EDS a=2
    """)


def test_row_24_a_name_given_up_that_the_wildcard_holds_is_sent() -> None:
    delta("""
        == CDS a=1
        >> CDS +* +a
        << CDS a=1
        >> CDS ack
        >> CDS -a
        << CDS a=1
    """)


def test_row_24_a_name_given_up_that_the_wildcard_does_not_hold_is_removed() -> None:
    delta("""
        == CDS a=1
        >> CDS +* +x
        << CDS a=1 -x
        >> CDS ack
        >> CDS -x
        << CDS -x
        >> CDS ack
        == CDS a=1 x=1
        << CDS x=1
    """)


def test_row_33_the_legacy_wildcard_stays_beside_a_name_until_it_is_given_up() -> None:
    delta("""
        == CDS a=1 b=1
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
        >> CDS +a
        << CDS a=1
        >> CDS ack
        == CDS a=1 b=2
        << CDS b=2
        >> CDS ack
        >> CDS -*
        == CDS a=1 b=3
        == CDS a=2 b=3
        << CDS a=2
    """)


def test_row_22_the_wildcard_subscribed_again_is_sent_again() -> None:
    delta("""
        == CDS a=1 b=1
        >> CDS +*
        << CDS a=1 b=1
        >> CDS ack
        >> CDS +*
        << CDS a=1 b=1
    """)


def test_row_25_a_client_that_reconnects_is_sent_the_difference() -> None:
    delta("""
        == LDS a=1 b=2 c=1
        >> LDS held:a=1 held:b=1 held:gone=1
        << LDS b=2 c=1 -gone
        >> LDS ack
    """)


def test_row_25_a_client_that_reconnects_with_everything_is_sent_nothing() -> None:
    stream = delta("""
        == EDS a=1 b=1
        >> EDS +a +b held:a=1 held:b=1
    """)
    assert stream.state == "live"


def test_row_25_versions_of_names_that_are_not_subscribed_count_for_nothing() -> None:
    delta("""
        == EDS a=1 x=2
        >> EDS +a held:a=1 held:x=1 held:gone=1
    """)


def test_row_31_what_left_the_wildcard_is_forgotten() -> None:
    stream = delta("""
        == LDS a=1 b=1
        >> LDS
        << LDS a=1 b=1
        >> LDS ack
        == LDS a=1
        << LDS -b
        >> LDS ack
    """)
    assert list(stream.subscriptions[LISTENER].held) == ["a"]


def test_row_29_and_31_only_the_changed_and_the_removed_are_sent() -> None:
    delta("""
        == LDS a=1 b=1 c=1
        >> LDS
        << LDS a=1 b=1 c=1
        >> LDS ack
        == LDS a=1 b=2
        << LDS b=2 -c
        >> LDS ack
        == LDS a=1 b=2 c=1
        << LDS c=1
    """)


def test_row_28_a_change_of_names_with_a_stale_nonce_counts() -> None:
    delta("""
        == EDS a=1 b=1
        >> EDS +a
        << EDS a=1
        >> EDS ack
        == EDS a=2 b=1
        << EDS a=2
        >> EDS +b #1
        >> EDS #2 ack
        << EDS b=1
        >> EDS +c #old
        >> EDS ack
        << EDS -c
    """)


def test_row_40_one_push_is_under_way_and_the_latest_wins() -> None:
    delta("""
        == CDS a=1
        >> CDS
        << CDS a=1
        == CDS a=2 b=1
        == CDS a=3
        >> CDS ack
        << CDS a=3
    """)


def test_row_31_an_extension_is_never_taken_away_but_a_missing_one_is_told() -> None:
    delta("""
        == ECDS f=1
        >> ECDS +f +missing
        << ECDS f=1 -missing
        >> ECDS ack
        ==
        == ECDS f=2
        << ECDS f=2
    """)


def test_row_29_a_reply_that_would_be_too_big_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "REPLY_BYTES", 140)
    delta("""
        == CDS a=1 b=1 c=1 d=1
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
        << CDS c=1 d=1
        >> CDS ack
    """)


def test_row_29_no_name_is_in_a_reply_twice() -> None:
    delta("""
        == CDS a=1
        >> CDS +* +a
        << CDS a=1
    """)


def test_row_07_the_wildcard_can_be_explicit_beside_names_and_dropped() -> None:
    delta("""
        == CDS a=1 b=1
        >> CDS +* +c
        << CDS a=1 b=1 -c
        >> CDS ack
        >> CDS +a -*
        << CDS a=1
        >> CDS ack
        == CDS a=1 b=2
        == CDS a=2 b=2
        << CDS a=2
    """)


def test_row_31_a_secret_that_is_gone_is_removed() -> None:
    """Envoy keeps it; another client may not."""
    delta("""
        == SDS s=1
        >> SDS +s
        << SDS s=1
        >> SDS ack
        ==
        << SDS -s
    """)
