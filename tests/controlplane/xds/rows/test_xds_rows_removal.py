"""What is taken away last, and when: each transcript holds in both variants.

Whatever the grace time is, it is over after an hour.
"""

from tests.controlplane.xds.ads_transcript import both

OLD = """
    == CDS old=1 RDS r=1>CDS/old
    >> CDS
    << CDS old=1
    >> CDS ack
    >> RDS +r
    << RDS r=1
    >> RDS ack
"""
MOVED = f"""{OLD}
    == CDS new=1 RDS r=2>CDS/new
    << CDS new=1
    >> CDS ack
    << RDS r=2
    >> RDS ack
"""


def test_row_16_and_35_a_cluster_leaves_a_grace_time_after_the_ack_of_the_route() -> None:
    for stream in both(f"""{MOVED}
        .. 3600s
        << CDS -old
        >> CDS ack
        .. 3600s
    """):
        assert stream.state == "live"


def test_row_16_and_35_a_cluster_stays_as_long_as_the_move_has_no_ack() -> None:
    both(f"""{OLD}
        == CDS new=1 RDS r=2>CDS/new
        << CDS new=1
        .. 3600s
        >> CDS ack
        << RDS r=2
        .. 3600s
        >> RDS ack
        .. 3600s
        << CDS -old
    """)


def test_row_16_and_35_a_cluster_stays_as_long_as_the_move_is_rejected() -> None:
    both(f"""{OLD}
        == CDS new=1 RDS r=bad>CDS/new
        << CDS new=1
        >> CDS ack
        << RDS r=bad
        >> RDS nack
        << nacked RDS why
        .. 3600s
        == CDS new=1 RDS r=2>CDS/new
        << RDS r=2
        >> RDS ack
        .. 3600s
        << CDS -old
    """)


def test_row_16_and_35_a_cluster_that_only_a_rejected_route_needs_stays_until_the_next() -> None:
    """A node may have applied a part of what it refused."""
    both(f"""{OLD}
        == CDS old=1 x=1 RDS r=bad>CDS/x
        << CDS x=1
        >> CDS ack
        << RDS r=bad
        >> RDS nack
        << nacked RDS why
        == CDS old=1 RDS r=1>CDS/old
        << RDS r=1
        .. 3600s
        >> RDS ack
        .. 3600s
        << CDS -x
    """)


def test_row_16_and_35_a_cluster_that_comes_back_is_not_taken_away() -> None:
    both(f"""{MOVED}
        == CDS old=1 new=1 RDS r=1>CDS/old
        << RDS r=1
        >> RDS ack
        .. 3600s
        .. 3600s
    """)


def test_row_16_and_35_the_grace_time_starts_anew_with_a_new_user() -> None:
    """The route goes back and forth: what counts is when it left for the last time."""
    both(f"""{MOVED}
        == CDS old=1 new=1 RDS r=1>CDS/old
        << RDS r=1
        >> RDS ack
        .. 3600s
        == CDS new=1 RDS r=2>CDS/new
        << RDS r=2
        >> RDS ack
        .. 0.001s
        .. 3600s
        << CDS -old
    """)


def test_row_16_and_35_one_user_is_enough_to_stay() -> None:
    both("""
        == CDS old=1 RDS r=1>CDS/old q=1>CDS/old
        >> CDS
        << CDS old=1
        >> CDS ack
        >> RDS +r +q
        << RDS q=1 r=1
        >> RDS ack
        == CDS new=1 old=1 RDS r=2>CDS/new q=1>CDS/old
        << CDS new=1
        >> CDS ack
        << RDS r=2
        >> RDS ack
        == CDS new=1 RDS r=2>CDS/new q=2>CDS/new
        << RDS q=2
        .. 3600s
        >> RDS ack
        .. 3600s
        << CDS -old
    """)


def test_row_16_and_35_a_route_that_the_node_gives_up_holds_nothing() -> None:
    both(f"""{OLD}
        == CDS new=1 RDS r=2>CDS/new
        << CDS new=1
        >> RDS -r
        >> CDS ack
        .. 3600s
        << CDS -old
    """)


def test_row_16_and_35_what_a_listener_needs_stays_while_it_drains() -> None:
    both("""
        == CDS old=1 keep=1 LDS l=1>CDS/old
        >> CDS
        << CDS keep=1 old=1
        >> CDS ack
        >> LDS
        << LDS l=1
        >> LDS ack
        == CDS keep=1
        << LDS -l
        .. 3600s
        >> LDS ack
        .. 1s
        .. 3600s
        << CDS -old
    """)


def test_row_16_and_35_what_nothing_needs_any_more_goes_in_the_end() -> None:
    """The endpoints stay at least as long as their cluster; the node gives them up itself."""
    both("""
        == CDS old=1 EDS old=1 RDS r=1>CDS/old
        >> CDS
        << CDS old=1
        >> EDS +old
        << EDS old=1
        >> EDS ack
        >> CDS ack
        >> RDS +r
        << RDS r=1
        >> RDS ack
        == CDS new=1 RDS r=2>CDS/new
        << CDS new=1
        >> CDS ack
        << RDS r=2
        >> RDS ack
        .. 3600s
        << CDS -old
        >> EDS -old
        >> CDS ack
        .. 3600s
    """)
