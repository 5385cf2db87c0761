"""What one node refused is not sent to others of its group, until its content changes."""

from controlplane.snapshot import CLUSTER, Reference
from controlplane.xds.discovery import Request
from controlplane.xds.events import Nacked, Send
from controlplane.xds.quarantine import MOST, Quarantine, Rejection
from controlplane.xds.stream import Stream
from controlplane.xds.world import ENVOY, World, world
from tests.controlplane.xds.ads_transcript import published

BAD = Reference(CLUSTER, "bad")


def refused(*content: tuple[str, str], group: str = "edge", stream: str = "s") -> Rejection:
    nacked = Nacked(node="n", type_url=CLUSTER, version="v", message="no", content=content)
    return Rejection(role=ENVOY, group=group, stream=stream, nacked=nacked)


def made(text: str) -> World:
    return world(published(text))


def test_it_is_of_the_group_and_not_of_the_stream_itself() -> None:
    now = Quarantine().with_one(refused(("bad", "1")))
    assert now.of(ENVOY, "edge", but="other") == {BAD: {"1"}}
    assert now.of(ENVOY, "edge", but="s") == {}
    assert now.of(ENVOY, "core", but="other") == {}
    assert now.of("extauthz", "edge", but="other") == {}


def test_one_change_lifts_the_whole_of_a_refusal_and_no_other() -> None:
    now = Quarantine().with_one(refused(("a", "1"), ("bad", "1"))).with_one(refused(("c", "1")))
    assert now.within(ENVOY, [made("CDS a=1 bad=1 c=1")]) == now
    assert now.within(ENVOY, [made("CDS a=2 bad=1 c=1")]).of(ENVOY, "edge", but="x") == {
        Reference(CLUSTER, "c"): {"1"}
    }
    assert now.within(ENVOY, [made("CDS c=1")]).of(ENVOY, "edge", but="x").keys() == {
        Reference(CLUSTER, "c")
    }


def test_it_is_bounded_and_the_same_refusal_counts_once() -> None:
    now = Quarantine()
    for number in range(MOST + 1):
        now = now.with_one(refused(("bad", f"{number}")))
    assert len(now.rejections) == MOST
    assert now.with_one(refused(("bad", f"{MOST}"))) == now
    assert "0" not in now.of(ENVOY, "edge", but="x")[BAD]


def test_another_node_is_sent_the_rest_and_the_refused_once_it_is_let_go() -> None:
    now = made("CDS bad=1 good=1")
    stream = Stream(id="other", delta=True, worlds={ENVOY: now})
    stream = stream.bar({BAD: frozenset({"1"})}).stream
    first = stream.receive(Request(type_url=CLUSTER, node="n", group="edge"))
    assert sent(first.events) == [["good"]]
    acked = first.stream.receive(Request(type_url=CLUSTER, nonce="other-1"))
    assert (sent(acked.events), acked.stream.state) == ([], "rejected")
    assert sent(acked.stream.bar({}).events) == [["bad"]]


def sent(events: object) -> list[list[str]]:
    assert isinstance(events, tuple)
    return [[one.name for one in e.push.resources] for e in events if isinstance(e, Send)]
