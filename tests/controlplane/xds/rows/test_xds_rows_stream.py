"""What holds for all types of one stream: node, nonces, types, one push at a time."""

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster

from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, SECRET, resource
from controlplane.xds.discovery import Request
from controlplane.xds.events import Acked
from controlplane.xds.stream import Stream
from controlplane.xds.world import ENVOY, world
from tests.controlplane.xds.ads_transcript import both, published


@pytest.mark.parametrize("delta", [False, True])
def test_row_03_a_nonce_is_unique_on_its_stream_and_among_streams(*, delta: bool) -> None:
    worlds = [world(published(f"LDS a={n} RDS a={n} SDS a={n}")) for n in range(3)]
    nonces: list[tuple[str, str]] = []
    for name in ("s", "t"):
        stream = Stream(id=name, delta=delta, worlds={ENVOY: worlds[0]})
        for kind in (LISTENER, ROUTES, SECRET):
            stream = stream.receive(Request(type_url=kind, node="n", names=("a",))).stream
        for now in worlds[1:]:
            stream = stream.publish(now).stream
            for kind in (LISTENER, ROUTES, SECRET):
                pending = stream.subscriptions[kind].pending
                assert pending is not None
                nonces.append((kind, pending.nonce))
                ack = Request(type_url=kind, nonce=pending.nonce, names=() if delta else ("a",))
                stream = stream.receive(ack).stream
    assert len(nonces) == len(set(nonces)) == 12


def test_row_12_the_node_is_named_by_the_first_request_only() -> None:
    streams = both("""
        == CDS a=1 EDS a=1
        >> CDS node=first
        << CDS a=1
        >> EDS +a
        << EDS a=1
    """)
    assert [stream.node for stream in streams] == ["first", "first"]


def test_row_12_a_node_that_changes_is_refused() -> None:
    both("""
        == CDS a=1 EDS a=1
        >> CDS node=first
        << CDS a=1
        >> CDS ack node=first
        >> EDS +a node=second
        << close INVALID_ARGUMENT
    """)


@pytest.mark.parametrize("node", ["", "x" * 257])
def test_row_12_a_first_request_without_a_node_id_or_an_enormous_one_is_refused(node: str) -> None:
    both(f"""
        == CDS a=1
        >> CDS node={node}
        << close INVALID_ARGUMENT
    """)


def test_row_18_a_request_without_a_type_is_refused() -> None:
    both("""
        == CDS a=1
        >> -
        << close INVALID_ARGUMENT
    """)


def test_row_18_an_unknown_type_is_told_and_not_answered() -> None:
    both("""
        == CDS a=1
        >> type.googleapis.com/x.Y +a
        << ignored type.googleapis.com/x.Y
        >> CDS
        << CDS a=1
    """)


def test_row_26_versions_are_of_the_content_and_nothing_else() -> None:
    """Replicas and restarts agree; whatever differs, and only that, differs in its version."""

    def version(name: str) -> str:
        return resource(CLUSTER, "r", Cluster(name=name)).version

    assert version("a") == version("a") == "25ef32a895ba98e8"
    assert version("a") != version("b")
    one, same = (published("CDS b=1 a=1 RDS r=1") for _ in range(2))
    reordered = published("RDS r=1 CDS a=1 b=1")
    assert one.version == same.version == reordered.version
    assert world(one).offers[CLUSTER].version == world(reordered).offers[CLUSTER].version


def test_row_40_one_push_of_a_type_is_under_way_and_others_do_not_wait() -> None:
    both("""
        == LDS a=1 RDS r=1
        >> LDS
        << LDS a=1
        >> RDS +r
        << RDS r=1
        == LDS a=2 RDS r=2
        >> RDS ack
        << RDS r=2
        == LDS a=3 RDS r=3
        >> LDS ack
        << LDS a=3
    """)


def test_row_40_what_is_taken_back_before_its_turn_is_never_sent() -> None:
    both("""
        == LDS a=1
        >> LDS
        << LDS a=1
        == LDS a=2
        == LDS a=1
        >> LDS ack
    """)


def test_row_42_without_a_snapshot_the_stream_is_unavailable() -> None:
    both("""
        >> CDS
        << close UNAVAILABLE
    """)


def test_row_48_an_ack_tells_the_version_of_its_type() -> None:
    now = world(published("CDS a=1 RDS r=1"))
    stream = Stream(id="s", delta=True, worlds={ENVOY: now})
    stream = stream.receive(Request(type_url=CLUSTER, node="n")).stream
    step = stream.receive(Request(type_url=CLUSTER, nonce="s-1"))
    version = now.offers[CLUSTER].version
    assert step.events == (Acked(node="n", type_url=CLUSTER, version=version),)
    other = world(published("CDS a=1 RDS r=2"))
    assert (other.offers[CLUSTER].version, other.version != now.version) == (version, True)
