"""Requests and publishes that cross each other: each was found by the property test."""

from tests.controlplane.xds.ads_transcript import both, delta, sotw


def test_row_17_a_cluster_that_a_full_set_under_way_takes_away_is_not_there() -> None:
    """It is back in the snapshot, but the node will first read that it is gone."""
    sotw("""
        == CDS a=1 c=1 LDS m=1
        >> CDS
        << CDS a=1 c=1
        >> CDS ack
        >> LDS
        << LDS m=1
        >> LDS ack
        == CDS a=1 LDS m=1
        << CDS a=1
        == CDS a=1 c=1 LDS m=2>CDS/c
        >> CDS ack
        << CDS a=1 c=1
        >> CDS ack
        << LDS m=2
    """)


def test_row_02_and_27_what_is_only_there_for_users_of_before_is_not_sent_again_either() -> None:
    """A refused table that is gone from the snapshot: to send it again never ends."""
    both("""
        == LDS l=1>RDS/r RDS r=1
        >> LDS
        << LDS l=1
        >> LDS ack
        == LDS l=2
        << LDS l=2
        >> RDS +r
        << RDS r=1
        >> RDS nack
        << nacked RDS why
    """)


def test_row_17_what_is_only_there_for_users_of_before_waits_for_its_needs_too() -> None:
    both("""
        == CDS a=1 LDS l=1>RDS/r RDS r=1>CDS/a
        >> CDS
        << CDS a=1
        >> LDS
        << LDS l=1
        >> LDS ack
        == CDS a=1 LDS l=2
        << LDS l=2
        >> RDS +r
        >> CDS ack
        << RDS r=1
    """)


def test_row_02_a_full_set_is_not_filled_up_with_what_was_refused() -> None:
    """The new listener waits for its cluster; to send the refused one meanwhile helps nobody."""
    sotw("""
        == CDS a=1 b=1 LDS l=1>CDS/a
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
        >> LDS
        << LDS l=1
        >> LDS nack
        << nacked LDS why
        == CDS a=1 b=2 LDS l=2>CDS/b m=1
        << CDS a=1 b=2
        >> CDS ack
        << LDS l=2 m=1
    """)


def test_row_32_endpoints_follow_a_cluster_that_changed_while_the_node_was_away() -> None:
    """It holds the same endpoints, and needs them again for the new cluster to get warm."""
    delta("""
        == CDS a=2 EDS a=1
        >> CDS held:a=1
        << CDS a=2
        >> EDS +a held:a=1
        << EDS a=1
    """)
