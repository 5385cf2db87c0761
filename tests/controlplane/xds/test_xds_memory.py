"""What is remembered of a node between two of its streams."""

from controlplane.snapshot import CLUSTER, Reference
from controlplane.xds.discovery import Request
from controlplane.xds.events import Send
from controlplane.xds.memory import NODES, Lasting, Memory
from controlplane.xds.stream import Stream
from controlplane.xds.world import ENVOY, world
from tests.controlplane.xds.ads_transcript import published

OLD = Reference(CLUSTER, "old")


def test_a_drain_outlives_the_stream() -> None:
    memory = Lasting(Memory())
    memory.drain("n", {OLD: 100.0})
    now = world(published("CDS new=1"))
    stream = Stream(id="s", delta=True, worlds={ENVOY: now}, drains=memory.draining("n") or {})
    held = {"old": "1", "new": "1"}
    step = stream.receive(Request(type_url=CLUSTER, node="n", initial=held), 50.0)
    assert removed(step.events) == [()]
    step = step.stream.receive(Request(type_url=CLUSTER, nonce="s-1"), 51.0)
    assert step.stream.wake == 100.0
    assert removed(step.stream.tick(100.0).events) == [("old",)]


def test_other_nodes_and_other_times_are_not_concerned() -> None:
    memory = Lasting(Memory())
    memory.drain("n", {OLD: 100.0})
    assert memory.draining("m") is None
    memory.drain("n", {})
    assert memory.draining("n") == {}
    for number in range(NODES + 1):
        memory.drain(f"{number}", {OLD: 1.0})
    assert memory.draining("0") is None
    assert memory.draining("1")


def removed(events: tuple[object, ...]) -> list[tuple[str, ...]]:
    return [event.push.removed for event in events if isinstance(event, Send)]
