"""What a client refuses is not sent again until it changes, and nothing of it is believed."""

import pytest

from controlplane.snapshot import CLUSTER
from controlplane.xds.discovery import Request
from controlplane.xds.events import Nacked
from controlplane.xds.stream import Stream
from controlplane.xds.world import ENVOY, world
from tests.controlplane.xds.ads_transcript import both, delta, published, sotw


def test_row_02_a_nack_is_quiet_until_the_content_changes() -> None:
    sotw("""
        == CDS a=1 bad=1
        >> CDS
        << CDS a=1 bad=1
        >> CDS nack
        << nacked CDS why
        == CDS a=1 bad=1 RDS r=1
        >> CDS
        == CDS a=1 bad=2 RDS r=1
        << CDS a=1 bad=2
        >> CDS ack
    """)


def test_row_46_after_a_nack_the_full_set_goes_back_although_it_was_acked_before() -> None:
    sotw("""
        == CDS a=1
        >> CDS
        << CDS a=1
        >> CDS ack
        == CDS a=2
        << CDS a=2
        >> CDS nack
        << nacked CDS why
        == CDS a=1
        << CDS a=1
        >> CDS ack
        == CDS a=2
        << CDS a=2
    """)


def test_row_02_a_correction_that_is_already_there_answers_the_nack_at_once() -> None:
    sotw("""
        == CDS a=1
        >> CDS
        << CDS a=1
        == CDS a=2
        >> CDS nack
        << nacked CDS why
        << CDS a=2
    """)


def test_row_02_the_removal_of_what_was_rejected_is_sent() -> None:
    sotw("""
        == LDS bad=1
        >> LDS
        << LDS bad=1
        >> LDS nack
        << nacked LDS why
        ==
        << LDS
        >> LDS nack
        << nacked LDS why
        >> LDS
    """)


def test_row_46_what_a_rejected_empty_set_may_have_deleted_is_sent_again() -> None:
    sotw("""
        == LDS a=1
        >> LDS
        << LDS a=1
        >> LDS ack
        ==
        << LDS
        >> LDS nack
        << nacked LDS why
        == LDS a=1
        << LDS a=1
    """)


def test_row_46_good_routes_follow_when_they_were_rejected_beside_a_bad_one_that_is_gone() -> None:
    sotw("""
        == RDS a=1 bad=1
        >> RDS a bad
        << RDS a=1 bad=1
        >> RDS a bad nack
        << nacked RDS why
        == RDS a=1
        << RDS a=1
        >> RDS a bad ack
    """)


def test_row_02_one_rejected_route_table_does_not_hold_back_the_others() -> None:
    sotw("""
        == RDS a=1 bad=1
        >> RDS bad
        << RDS bad=1
        >> RDS bad nack
        << nacked RDS why
        >> RDS bad a
        << RDS a=1
        >> RDS bad a ack
        == RDS a=2 bad=1
        << RDS a=2
        >> RDS bad a ack
        == RDS a=2 bad=2
        << RDS bad=2
    """)


def test_row_27_a_nack_is_quiet_until_the_content_changes() -> None:
    delta("""
        == CDS bad=1
        >> CDS
        << CDS bad=1
        >> CDS nack
        << nacked CDS why
        == CDS bad=1 RDS r=1
        == CDS bad=2
        << CDS bad=2
        >> CDS ack
    """)


def test_row_46_after_a_nack_the_former_content_is_sent_although_it_was_acked() -> None:
    delta("""
        == CDS a=1 b=1
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
        == CDS a=2 b=2
        << CDS a=2 b=2
        >> CDS nack
        << nacked CDS why
        == CDS a=1 b=1
        << CDS a=1 b=1
        >> CDS ack
        == CDS a=2 b=1
        << CDS a=2
    """)


def test_row_46_the_rest_of_a_rejected_reply_is_tried_again_after_the_next_ack() -> None:
    delta("""
        == CDS a=1 b=1 bad=1
        >> CDS
        << CDS a=1 b=1 bad=1
        >> CDS nack
        << nacked CDS why
        == CDS a=1 b=1 bad=2
        << CDS bad=2
        >> CDS ack
        << CDS a=1 b=1
        >> CDS ack
    """)


def test_row_27_what_was_rejected_alone_stays_back_while_the_rest_goes_on() -> None:
    delta("""
        == LDS a=1
        >> LDS
        << LDS a=1
        >> LDS ack
        == LDS a=1 bad=1
        << LDS bad=1
        >> LDS nack
        << nacked LDS why
        == LDS a=2 bad=1
        << LDS a=2
        >> LDS ack
        == LDS a=2
        << LDS -bad
        >> LDS ack
    """)


def test_row_22_what_was_rejected_is_sent_again_to_who_asks_for_it() -> None:
    for names in ("bad", "a +bad"):
        there = " ".join(f"{name}=1" for name in names.split(" +"))
        delta(f"""
            == RDS a=1 bad=1
            >> RDS +{names}
            << RDS {there}
            >> RDS nack
            << nacked RDS why
            >> RDS +bad
            << RDS bad=1
            >> RDS nack
            << nacked RDS why
        """)


def test_row_27_a_rejected_removal_is_quiet_too() -> None:
    delta("""
        == LDS a=1
        >> LDS
        << LDS a=1
        >> LDS ack
        ==
        << LDS -a
        >> LDS nack
        << nacked LDS why
        ==
        == LDS a=1
        << LDS a=1
    """)


def test_row_46_a_name_given_up_under_way_does_not_make_the_other_a_culprit() -> None:
    delta("""
        == CDS a=1 bad=1
        >> CDS +a +bad
        << CDS a=1 bad=1
        >> CDS -bad
        >> CDS nack
        << nacked CDS why
        >> CDS +x
        << CDS -x
        >> CDS ack
        << CDS a=1
    """)


@pytest.mark.parametrize("delta", [False, True])
def test_row_02_a_nack_is_error_detail_and_told_with_node_type_version(*, delta: bool) -> None:
    """An empty message makes one too; an old version in the request makes none."""
    now = world(published("CDS a=1"))
    stream = Stream(id="s", delta=delta, worlds={ENVOY: now})
    stream = stream.receive(Request(type_url=CLUSTER, node="n")).stream
    events = stream.receive(Request(type_url=CLUSTER, nonce="s-1", error="")).events
    version = now.offers[CLUSTER].version
    content = (("a", "1"),)
    nacked = Nacked(node="n", type_url=CLUSTER, version=version, message="", content=content)
    assert events == (nacked,)


def test_row_02_a_nack_of_one_type_says_nothing_of_another() -> None:
    both("""
        == LDS l=1 RDS r=1
        >> LDS
        << LDS l=1
        >> RDS +r
        << RDS r=1
        >> RDS ack
        >> LDS nack
        << nacked LDS why
        == LDS l=1 RDS r=2
        << RDS r=2
    """)


def test_row_46_after_a_nack_a_rollback_sends_every_resource_of_the_reply() -> None:
    """The node may hold a mixture: Envoy applies the good part of what it refuses."""
    both("""
        == RDS a=1 b=1 c=1
        >> RDS +a +b +c
        << RDS a=1 b=1 c=1
        >> RDS ack
        == RDS a=2 b=2 c=1
        << RDS a=2 b=2
        >> RDS nack
        << nacked RDS why
        == RDS a=1 b=1 c=1
        << RDS a=1 b=1
        >> RDS ack
    """)
