"""What is sent before what. Each transcript holds in both variants.

Endpoints never wait for the ACK of their cluster: Envoy gives it only once the cluster is warm.
"""

import pytest

from tests.controlplane.xds.ads_transcript import TYPES, both, delta, sotw

WARM = """
    == CDS a=1 EDS a=1 RDS r=1>CDS/a q=1>CDS/a
    >> CDS
    << CDS a=1
    >> EDS +a
    << EDS a=1
    >> EDS ack
    >> CDS ack
    >> RDS +r +q
    << RDS q=1 r=1
    >> RDS ack
"""
"""A node that holds two route tables and their cluster."""

STATIC = """
    == CDS a=1 RDS r=1>CDS/a q=1>CDS/a
    >> CDS
    << CDS a=1
    >> CDS ack
    >> RDS +r +q
    << RDS q=1 r=1
    >> RDS ack
"""
"""The same with a cluster that has its endpoints in itself, and no subscription to any."""


def test_row_13_and_32_a_changed_cluster_is_followed_by_its_endpoints_even_the_same() -> None:
    both("""
        == CDS c=1 d=1 EDS c=1 d=1
        >> CDS
        << CDS c=1 d=1
        >> EDS +c +d
        << EDS c=1 d=1
        >> EDS ack
        >> CDS ack
        == CDS c=2 d=1 EDS c=1 d=1
        << CDS c=2
        << EDS c=1
        >> EDS ack
        >> CDS ack
    """)


def test_row_13_and_32_endpoints_under_way_come_again_after_their_cluster() -> None:
    both("""
        == CDS c=1 EDS c=1
        >> CDS
        << CDS c=1
        >> CDS ack
        >> EDS +c
        << EDS c=1
        == CDS c=2 EDS c=1
        << CDS c=2
        >> EDS ack
        << EDS c=1
        >> EDS ack
        >> CDS ack
    """)


def test_row_13_and_32_endpoints_do_not_wait_for_the_ack_of_their_cluster() -> None:
    both("""
        == CDS c=1 EDS c=1
        >> CDS
        << CDS c=1
        >> EDS +c
        << EDS c=1
    """)


def test_row_13_and_32_endpoints_do_not_wait_for_a_cluster_that_waits_for_them() -> None:
    """The newer cluster cannot go before the ACK of the older, which comes with endpoints."""
    both("""
        == CDS c=1 EDS c=1
        >> CDS
        << CDS c=1
        == CDS c=2 EDS c=2
        >> EDS +c
        << EDS c=2
        >> EDS ack
        >> CDS ack
        << CDS c=2
        << EDS c=2
    """)


def test_row_13_and_32_a_cluster_that_is_gone_meanwhile_gets_its_endpoints_too() -> None:
    """Without them its ACK does not come, and no newer clusters after it."""
    both("""
        == CDS c=1 EDS c=1
        >> CDS
        << CDS c=1
        == CDS d=1 EDS d=1
        >> EDS +c
        << EDS c=1
        >> EDS ack
    """)


def test_row_14_and_30_types_go_out_in_order() -> None:
    asked = "".join(f">> {kind} +a\n<< {kind} a=1\n>> {kind} ack\n" for kind in TYPES)
    both(f"""
        == {" ".join(f"{kind} a=1" for kind in TYPES)}
        {asked}
        == {" ".join(f"{kind} a=2" for kind in TYPES)}
        << CDS a=2
        << EDS a=2
        << SDS a=2
        << LDS a=2
        << ECDS a=2
        << SRDS a=2
        << RDS a=2
    """)


def test_row_14_and_30_what_needs_something_waits_for_its_ack_though_its_type_is_earlier() -> None:
    """A cluster with a secret is of no use, and does not get warm, before the secret is there."""
    both("""
        == CDS c=1>SDS/s SDS s=1
        >> CDS
        << CDS c=1
        >> SDS +s
        << SDS s=1
        >> SDS ack
        >> CDS ack
        == CDS c=2>SDS/s SDS s=2
        << SDS s=2
        >> SDS ack
        << CDS c=2
    """)


@pytest.mark.parametrize("last", ["EDS", "CDS"])
def test_row_17_a_route_follows_the_acks_of_its_cluster_and_of_the_endpoints(last: str) -> None:
    first = "CDS" if last == "EDS" else "EDS"
    both(f"""{WARM}
        == CDS a=1 b=1 EDS a=1 b=1 RDS r=2>CDS/b q=1>CDS/a
        << CDS b=1
        >> EDS +b
        << EDS b=1
        >> {first} ack
        >> {last} ack
        << RDS r=2
    """)


def test_row_17_a_cluster_that_is_acked_before_its_endpoints_are_asked_for_does_not_count() -> None:
    both(f"""{WARM}
        == CDS a=1 b=1 EDS a=1 b=1 RDS r=2>CDS/b q=1>CDS/a
        << CDS b=1
        >> CDS ack
        >> EDS +b
        << EDS b=1
        >> EDS ack
        << RDS r=2
    """)


def test_row_17_a_cluster_without_endpoints_in_eds_counts_by_its_own_ack() -> None:
    both(f"""{WARM}
        == CDS a=1 b=1 EDS a=1 RDS r=2>CDS/b q=1>CDS/a
        << CDS b=1
        >> CDS ack
        << RDS r=2
    """)


def test_row_17_other_routes_do_not_wait() -> None:
    both(f"""{STATIC}
        == CDS a=1 b=1 RDS r=2>CDS/b q=2>CDS/a
        << CDS b=1
        << RDS q=2
        >> RDS ack
        >> CDS ack
        << RDS r=2
    """)


def test_row_17_one_of_a_full_set_waits_and_keeps_what_it_was() -> None:
    both("""
        == CDS a=1 LDS l=1>CDS/a m=1
        >> CDS
        << CDS a=1
        >> CDS ack
        >> LDS
        << LDS l=1 m=1
        >> LDS ack
        == CDS a=1 b=1 LDS l=2>CDS/b m=2
        << CDS b=1
        << LDS m=2
        >> LDS ack
        >> CDS ack
        << LDS l=2
    """)


def test_row_17_a_new_one_of_a_full_set_waits_and_the_others_go() -> None:
    both("""
        == CDS a=1 LDS m=1>CDS/a
        >> CDS
        << CDS a=1
        >> CDS ack
        >> LDS
        << LDS m=1
        >> LDS ack
        == CDS a=1 b=1 LDS l=1>CDS/b m=2>CDS/a
        << CDS b=1
        << LDS m=2
        >> CDS ack
        >> LDS ack
        << LDS l=1
    """)


def test_row_17_the_first_full_set_of_a_stream_waits_for_all_of_it() -> None:
    """The node may hold listeners from before: what a full set does not name is deleted."""
    sotw("""
        == CDS a=1 LDS l=1>CDS/a m=1
        >> CDS
        << CDS a=1
        >> LDS
        >> CDS ack
        << LDS l=1 m=1
    """)


def test_row_17_what_waits_is_not_told_to_be_gone() -> None:
    delta("""
        == CDS a=1 RDS r=1>CDS/a
        >> CDS
        << CDS a=1
        >> RDS +r held:r=0
        >> CDS ack
        << RDS r=1
    """)


def test_row_17_a_route_waits_for_the_newest_of_its_cluster() -> None:
    both(f"""{STATIC}
        == CDS a=1 b=1 RDS r=2>CDS/b q=1>CDS/a
        << CDS b=1
        == CDS a=1 b=2 RDS r=2>CDS/b q=1>CDS/a
        >> CDS ack
        << CDS b=2
        >> CDS ack
        << RDS r=2
    """)


def test_row_17_a_route_to_a_rejected_cluster_waits_for_the_correction() -> None:
    both(f"""{STATIC}
        == CDS a=1 b=1 RDS r=2>CDS/b q=1>CDS/a
        << CDS b=1
        >> CDS nack
        << nacked CDS why
        == CDS a=1 b=2 RDS r=2>CDS/b q=1>CDS/a
        << CDS b=2
        >> CDS ack
        << RDS r=2
    """)


def test_row_17_a_route_that_is_asked_for_late_waits_all_the_same() -> None:
    """As after a reconnect: the clusters are answered first, whatever is asked for first."""
    both("""
        == CDS a=1 RDS r=1>CDS/a
        >> CDS
        << CDS a=1
        >> RDS +r
        >> CDS ack
        << RDS r=1
    """)


def test_row_17_what_is_not_subscribed_is_not_waited_for() -> None:
    both("""
        == CDS a=1 RDS r=1>CDS/a
        >> CDS +a
        << CDS a=1
        >> CDS ack
        >> RDS +r
        << RDS r=1
        >> RDS ack
        == CDS a=1 b=1 RDS r=2>CDS/b
        << RDS r=2
    """)
    both("""
        == LDS l=1>RDS/r RDS r=1
        >> LDS
        << LDS l=1
        >> LDS ack
        >> RDS +r
        << RDS r=1
        >> RDS ack
        == LDS l=2>RDS/new RDS new=1 r=1
        << LDS l=2
    """)


def test_row_17_what_does_not_exist_is_not_waited_for() -> None:
    both("""
        == CDS a=1 RDS r=1>CDS/missing
        >> CDS
        << CDS a=1
        >> RDS +r
        << RDS r=1
    """)
