"""What holds for all types of one stream: the node, the order, what is refused."""

import subprocess
import sys

import pytest

from controlplane.snapshot import CLUSTER
from controlplane.xds.discovery import Request
from controlplane.xds.events import Acked
from controlplane.xds.stream import Stream
from controlplane.xds.world import ENVOY, world
from tests.controlplane.xds.ads_transcript import TYPES, delta, published, sotw


def test_without_a_snapshot_the_stream_is_unavailable() -> None:
    for play in (sotw, delta):
        play("""
            >> CDS
            << close UNAVAILABLE
        """)


def test_the_node_is_named_by_the_first_request_only() -> None:
    stream = sotw("""
        == CDS a=1 EDS a=1
        >> CDS node=first
        << CDS a=1
        >> EDS a node=second
        << EDS a=1
    """)
    assert stream.node == "first"


@pytest.mark.parametrize("node", ["", "x" * 257])
def test_a_first_request_without_a_node_id_or_with_an_enormous_one_is_refused(node: str) -> None:
    delta(f"""
        == CDS a=1
        >> CDS node={node}
        << close INVALID_ARGUMENT
    """)


def test_a_request_without_a_type_is_refused() -> None:
    delta("""
        == CDS a=1
        >> -
        << close INVALID_ARGUMENT
    """)


def test_an_unknown_type_is_told_and_not_answered() -> None:
    delta("""
        == CDS a=1
        >> type.googleapis.com/x.Y +a
        << ignored type.googleapis.com/x.Y
        >> CDS
        << CDS a=1
    """)


def test_an_ack_tells_the_version_of_its_type() -> None:
    now = world(published("CDS a=1 RDS r=1"))
    stream = Stream(id="s", delta=True, worlds={ENVOY: now})
    stream = stream.receive(Request(type_url=CLUSTER, node="n")).stream
    step = stream.receive(Request(type_url=CLUSTER, nonce="s-1"))
    version = now.offers[CLUSTER].version
    assert step.events == (Acked(node="n", type_url=CLUSTER, version=version),)
    other = world(published("CDS a=1 RDS r=2"))
    assert (other.offers[CLUSTER].version, other.version != now.version) == (version, True)


def test_types_go_out_in_order_and_users_wait_for_their_clusters() -> None:
    delta("""
        ==
        >> RDS +r
        << RDS -r
        >> RDS ack
        >> SRDS
        << SRDS
        >> SRDS ack
        >> ECDS +f
        << ECDS -f
        >> ECDS ack
        >> LDS
        << LDS
        >> LDS ack
        >> SDS +s
        << SDS -s
        >> SDS ack
        >> EDS +c
        << EDS -c
        >> EDS ack
        >> CDS
        << CDS
        >> CDS ack
        == CDS c=1 EDS c=1 SDS s=1 LDS l=1 ECDS f=1 SRDS s=1 RDS r=1
        << CDS c=1
        << EDS c=1
        << SDS s=1
        >> EDS ack
        >> CDS ack
        << LDS l=1
        << ECDS f=1
        << SRDS s=1
        << RDS r=1
    """)


def test_endpoints_do_not_wait_for_the_ack_of_clusters_that_need_them_to_get_warm() -> None:
    sotw("""
        == CDS c=1 EDS c=1
        >> CDS
        << CDS c=1
        >> EDS c
        << EDS c=1
    """)


def test_a_cluster_leaves_last() -> None:
    for play, gone in ((sotw, "new=1"), (delta, "-old")):
        both = "new=1 old=1" if play is sotw else "new=1"
        stream = play(f"""
            == CDS old=1 RDS r=1
            >> CDS
            << CDS old=1
            >> CDS ack
            >> RDS r
            << RDS r=1
            >> RDS {"r" if play is sotw else ""} ack
            == CDS new=1 RDS r=2
            << CDS {both}
            >> CDS ack
            << RDS r=2
            >> RDS {"r" if play is sotw else ""} ack
            << CDS {gone}
            >> CDS ack
        """)
        assert stream.state == "live"


def test_a_cluster_stays_as_long_as_the_routes_that_leave_it_are_rejected() -> None:
    stream = delta("""
        == CDS old=1 RDS r=1
        >> CDS
        << CDS old=1
        >> CDS ack
        >> RDS +r
        << RDS r=1
        >> RDS ack
        == RDS r=bad
        << RDS r=bad
        >> RDS nack
        << nacked RDS why
        == CDS new=1 RDS r=2
        << CDS new=1
        >> CDS ack
        << RDS r=2
        >> RDS ack
        << CDS -old
    """)
    assert stream.state == "waiting"


def test_a_cluster_that_comes_back_under_way_is_not_taken_away() -> None:
    delta("""
        == CDS old=1 RDS r=1
        >> CDS
        << CDS old=1
        >> CDS ack
        >> RDS +r
        << RDS r=1
        >> RDS ack
        == CDS new=1 RDS r=2
        << CDS new=1
        == CDS old=1 RDS r=1
        >> CDS ack
        << CDS -new
        >> CDS ack
    """)


def test_changed_clusters_are_followed_by_their_salted_endpoints() -> None:
    """Envoy keeps a changed cluster warming until its endpoints come, even the same ones."""
    for play in (sotw, delta):
        play(f"""
            == CDS c=1 EDS c=of-c1
            >> CDS
            << CDS c=1
            >> CDS ack
            >> EDS c
            << EDS c=of-c1
            >> EDS {"c" if play is sotw else ""} ack
            == CDS c=2 EDS c=of-c2
            << CDS c=2
            << EDS c=of-c2
        """)


def test_a_node_is_live_when_it_acked_all_that_an_envoy_asks_for() -> None:
    starting = """
        == CDS c=1 LDS l=1 RDS r=1
        >> CDS
        << CDS c=1
        >> CDS ack
    """
    assert delta(starting).state == "waiting"
    asked = f"""{starting}
        >> LDS
        << LDS l=1
        >> LDS ack
        >> RDS +r
        << RDS r=1
    """
    assert delta(asked).state == "waiting"
    assert delta(f"{asked}\n>> RDS ack").state == "live"
    rejected = f"{asked}\n>> RDS nack\n<< nacked RDS why"
    assert delta(rejected).state == "rejected"


def test_every_type_of_the_order_is_served() -> None:
    for kind in TYPES:
        for play in (sotw, delta):
            play(f"""
                == {kind} a=1
                >> {kind} a
                << {kind} a=1
            """)


def test_the_state_machines_load_no_transport() -> None:
    code = "import sys, controlplane.xds.stream; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"asyncio", "grpc", "structlog"} & set(done.stdout.split())
