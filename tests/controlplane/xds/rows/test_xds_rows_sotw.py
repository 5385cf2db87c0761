"""State of the world, a test a row of the checklist. Source: the xDS specification."""

from tests.controlplane.xds.ads_transcript import sotw


def test_row_01_the_first_request_is_answered_and_its_ack_is_not() -> None:
    stream = sotw("""
        == CDS a=1 b=1
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
        >> CDS ack
    """)
    assert stream.state == "live"


def test_row_01_an_empty_set_is_an_answer_too() -> None:
    sotw("""
        == RDS r=1
        >> CDS
        << CDS
        >> CDS ack
    """)


def test_row_15_only_the_type_that_changed_is_pushed() -> None:
    sotw("""
        == CDS a=1 EDS a=1
        >> CDS
        << CDS a=1
        >> CDS ack
        >> EDS a
        << EDS a=1
        >> EDS a ack
        == CDS a=1 EDS a=2
        << EDS a=2
        >> EDS a ack
        == CDS a=1 EDS a=2 SDS s=1
    """)


def test_row_11_clusters_listeners_and_scopes_are_sent_as_full_sets() -> None:
    for kind in ("CDS", "LDS", "SRDS"):
        sotw(f"""
            == {kind} a=1 b=1
            >> {kind}
            << {kind} a=1 b=1
            >> {kind} ack
            == {kind} a=1 b=2 c=1
            << {kind} a=1 b=2 c=1
            >> {kind} ack
        """)


def test_row_11_what_is_missing_from_a_full_set_is_gone() -> None:
    for kind in ("LDS", "SRDS"):
        sotw(f"""
            == {kind} a=1 b=2
            >> {kind}
            << {kind} a=1 b=2
            >> {kind} ack
            == {kind} b=2
            << {kind} b=2
            >> {kind} ack
            ==
            << {kind}
        """)


def test_row_11_of_the_other_types_only_what_changed_is_sent() -> None:
    for kind in ("EDS", "RDS", "SDS", "ECDS"):
        sotw(f"""
            == {kind} a=1 b=1
            >> {kind} a b
            << {kind} a=1 b=1
            >> {kind} a b ack
            == {kind} a=1 b=2
            << {kind} b=2
            >> {kind} a b ack
            == {kind} b=2
        """)


def test_row_03_a_stale_nonce_is_not_answered() -> None:
    sotw("""
        == EDS a=1 b=1
        >> EDS a
        << EDS a=1
        >> EDS a ack
        == EDS a=2 b=1
        << EDS a=2
        >> EDS a b #1
        >> EDS a #2 ack
        >> EDS a b #1
        >> EDS a b #2
        << EDS b=1
        >> EDS a b #2 nack
        >> EDS a b #3 ack
    """)


def test_row_04_a_nonce_of_a_former_stream_is_a_new_subscription() -> None:
    sotw("""
        == EDS a=1
        >> EDS a #9
        << EDS a=1
        >> EDS a #old
        >> EDS a ack
    """)


def test_row_03_a_nonce_belongs_to_its_type() -> None:
    sotw("""
        == CDS a=1 EDS a=1
        >> CDS
        << CDS a=1
        >> EDS a
        << EDS a=1
        >> EDS a ack
        == CDS a=1 EDS a=2
        << EDS a=2
        >> CDS ack
        >> EDS a ack
    """)


def test_row_05_endpoints_and_routes_are_always_answered_after_a_reconnect() -> None:
    sotw("""
        == EDS a=1 RDS r=1
        >> EDS a #old
        << EDS a=1
        >> EDS a ack
        >> RDS r #old
        << RDS r=1
    """)


def test_row_05_a_wildcard_is_answered_after_a_reconnect() -> None:
    """It may be left out only where the version is the same, which no request tells of names."""
    sotw("""
        == CDS a=1
        >> CDS #old
        << CDS a=1
        >> CDS ack
    """)


def test_row_06_empty_names_are_the_wildcard_until_a_name_was_sent() -> None:
    sotw("""
        == CDS a=1 b=1
        >> CDS
        << CDS a=1 b=1
        >> CDS ack
        >> CDS a ack
        << CDS a=1
        >> CDS a ack
        >> CDS ack
        == CDS a=2 b=2
    """)


def test_row_07_the_wildcard_can_be_explicit_beside_names_and_dropped() -> None:
    sotw("""
        == CDS a=1 b=1
        >> CDS * c
        << CDS a=1 b=1
        >> CDS * c ack
        >> CDS a ack
        << CDS a=1
        >> CDS a ack
        == CDS a=1 b=2
        == CDS a=2 b=2
        << CDS a=2
    """)


def test_row_09_a_subset_is_answered_with_the_subset() -> None:
    sotw("""
        == EDS a=1 b=1 c=1
        >> EDS a
        << EDS a=1
        >> EDS a ack
        >> EDS a b
        << EDS b=1
        >> EDS a b ack
        >> EDS b
    """)


def test_row_08_a_name_subscribed_again_is_sent_again() -> None:
    sotw("""
        == RDS r=1
        >> RDS r
        << RDS r=1
        >> RDS r ack
        >> RDS ack
        >> RDS r ack
        << RDS r=1
    """)


def test_row_10_a_missing_name_is_sent_when_it_comes_and_blocks_nobody() -> None:
    sotw("""
        == EDS a=1
        >> EDS a later
        << EDS a=1
        >> EDS a later ack
        == EDS a=1 later=1
        << EDS later=1
    """)


def test_row_10_a_missing_cluster_is_told_by_its_absence() -> None:
    sotw("""
        == CDS a=1
        >> CDS missing
        << CDS
        >> CDS missing ack
        == CDS a=1 missing=1
        << CDS missing=1
    """)


def test_row_40_one_push_is_under_way_and_the_latest_wins() -> None:
    sotw("""
        == EDS a=1
        >> EDS a
        << EDS a=1
        == EDS a=2
        == EDS a=3
        >> EDS a ack
        << EDS a=3
    """)


def test_row_19_a_later_request_supersedes_an_earlier_one_that_was_not_answered() -> None:
    sotw("""
        == EDS a=1
        >> EDS x
        >> EDS a x
        << EDS a=1
        >> EDS a x b ack
        == EDS a=1 b=1 x=1
        << EDS b=1 x=1
    """)
