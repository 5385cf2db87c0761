"""What an Envoy's version changes: how long it may say what it holds, and what it waits for."""

from typing import Final

import pytest

from controlplane.snapshot import CLUSTER, ENDPOINTS, Reference
from controlplane.xds.discovery import Request
from controlplane.xds.events import Send
from controlplane.xds.phases import GRACE_SECONDS
from controlplane.xds.stream import ARRIVAL_SECONDS, Stream
from controlplane.xds.world import ENVOY, world
from tests.controlplane.xds.ads_transcript import both, published

MOVING: Final = """
    == CDS a=0 LDS l=0 RDS r=0>CDS/a
    >> CDS software=envoy/1.40.0
    << CDS a=0
    >> CDS ack
    >> LDS
    << LDS l=0
    >> LDS ack
    >> RDS +r
    << RDS r=0
    >> RDS ack
    .. 10s
    == CDS b=0 LDS l=0 RDS r=2>CDS/b
    << CDS b=0
    >> CDS ack
    << RDS r=2
"""
"""An Envoy that is long there has not taken the routes yet that let a cluster go."""


def test_what_an_envoy_is_still_to_let_go_sets_no_timer() -> None:
    assert ARRIVAL_SECONDS < 10
    for stream in both(MOVING):
        assert stream.subscriptions[CLUSTER].leaving == 1
        assert stream.wake is None
        assert stream.tick(11.0).stream.wake is None


def test_what_it_has_let_go_leaves_after_its_grace() -> None:
    for stream in both(f"{MOVING}\n>> RDS ack"):
        assert stream.wake == 10.0 + GRACE_SECONDS
    for stream in both(f"{MOVING}\n>> RDS ack\n.. 1s\n<< CDS -a\n>> CDS ack"):
        assert stream.wake is None


def test_an_envoy_that_comes_back_wakes_once_for_what_it_may_still_say() -> None:
    now = world(published("CDS b=0"))
    stream = Stream(id="s", delta=True, worlds={ENVOY: now})
    request = Request(
        type_url=CLUSTER, node="n", software="envoy/1.40.0", initial={"a": "0", "b": "0"}
    )
    step = stream.receive(request, 5.0)
    step = step.stream.receive(Request(type_url=CLUSTER, nonce="s-1"), 5.1)
    assert step.stream.wake == 5.0 + ARRIVAL_SECONDS
    step = step.stream.tick(5.0 + ARRIVAL_SECONDS)
    assert [e.push.removed for e in step.events if isinstance(e, Send)] == [("a",)]
    assert step.stream.wake is None


def test_an_envoy_that_has_not_asked_for_clusters_is_sent_their_users_once_it_has() -> None:
    """It asks for them always, but not while one of an earlier stream gets warm."""
    both("""
        == CDS a=0 LDS l=0 RDS r=0>CDS/a s=0
        >> LDS software=envoy/1.40.0
        << LDS l=0
        >> LDS ack
        >> RDS +r +s
        << RDS s=0
        >> RDS ack
        >> CDS
        << CDS a=0
        >> CDS ack
        << RDS r=0
    """)


def test_whoever_else_does_not_ask_for_clusters_is_sent_their_users() -> None:
    both("""
        == CDS a=0 LDS l=0 RDS r=0>CDS/a
        >> LDS
        << LDS l=0
        >> RDS +r
        << RDS r=0
    """)


@pytest.mark.parametrize("version", ["", "old"])
def test_a_sotw_envoy_is_given_again_what_it_held_and_asks_for(version: str) -> None:
    """A cluster of before gets warm only with endpoints; one that starts anew has none."""
    before = published("EDS a=0").of(ENDPOINTS)
    stream = Stream(
        id="s",
        delta=False,
        worlds={ENVOY: world(published("EDS b=0"))},
        brought={ENDPOINTS: tuple(before.values())},
        drains={Reference(ENDPOINTS, "a"): 100.0},
    )
    request = Request(type_url=ENDPOINTS, node="n", version=version, names=("a", "b"))
    sent = [e.push for e in stream.receive(request, 1.0).events if isinstance(e, Send)]
    names = {one.name for push in sent for one in push.resources}
    assert names == ({"a", "b"} if version else {"b"})
