"""Whatever happens and in whatever order, the service ends with what the control plane offers.

The other end is the control plane's own pure stream; all messages go through both wire formats.
Contents with an odd version are refused; the last publish holds none.
"""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.snapshot import Resource, snapshot
from controlplane.xds.events import Ignored, Nacked, Send
from controlplane.xds.stream import Step, Stream
from controlplane.xds.wire import delta_request, delta_response
from controlplane.xds.world import World, world
from protos import CONSUMERS, EXTAUTHZ, KEY_REQUEST, KEYS
from serving import wire
from serving.subscription import Step as Ours
from serving.subscription import subscription

NODE = wire.Node(id="n", service=EXTAUTHZ, address="unix:/x", version="1")
TYPES = (CONSUMERS, KEYS)
NAMES = ("a", "b", "c", "d")


class Play:
    """Both ends, and the wire between them in both directions."""

    def __init__(self, first: World) -> None:
        self.mine = subscription(TYPES)
        self.now = first
        self.stream = Stream(id="0", delta=True, worlds={EXTAUTHZ: first})
        self.streams = 0
        self.out: deque[bytes] = deque()
        self.back: deque[bytes] = deque()
        self.intake: dict[str, dict[str, bytes]] = {t: {} for t in TYPES}
        self.ends: dict[str, bool] = {}
        self.nacks = 0
        self.reconnect()

    def reconnect(self) -> None:
        self.streams += 1
        self.out.clear()
        self.back.clear()
        self.stream = Stream(id=f"{self.streams}", delta=True, worlds={EXTAUTHZ: self.now})
        self.go(self.mine.disconnect())
        self.go(self.mine.connect())

    def go(self, step: Ours) -> None:
        self.mine = step.after
        self.out.extend(wire.request(r, NODE) for r in step.requests)
        self.ends |= step.resolved

    def publish(self, now: World) -> None:
        self.now = now
        self.theirs(self.stream.publish(now))

    def theirs(self, step: Step) -> None:
        self.stream = step.stream
        for event in step.events:
            assert not isinstance(event, Ignored)
            self.nacks += isinstance(event, Nacked)
            if isinstance(event, Send):
                self.back.append(delta_response(event.push))

    def serve(self) -> None:
        if self.out:
            self.theirs(self.stream.receive(delta_request(self.out.popleft())))

    def read(self) -> None:
        if not self.back:
            return
        told = wire.response(self.back.popleft())
        assert not told.fault
        update = self.mine.update(told)
        error = None
        if any(int(r.version) % 2 for r in told.resources.values()):
            error = "odd"
        elif update is not None:
            held = self.intake[update.type_url]
            held |= update.changed
            for name in update.removed:
                held.pop(name, None)
        self.go(self.mine.answer(told, error))

    def drain(self) -> None:
        for _ in range(300):
            self.serve()
            self.read()
            if not self.out and not self.back:
                return
        raise AssertionError("it never comes to rest")


WORLDS = st.fixed_dictionaries(
    dict.fromkeys(TYPES, st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5)))
)
STEPS = st.sampled_from(
    ("serve", "serve", "serve", "read", "read", "read", "publish", "drop", "fetch", "ask")
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_interleaving_ends_in_the_same_state(data: st.DataObject) -> None:
    play = Play(_world(data.draw(WORLDS)))
    wanted: set[str] = set()
    for _ in range(data.draw(st.integers(0, 40))):
        match data.draw(STEPS):
            case "serve":
                play.serve()
            case "read":
                play.read()
            case "publish":
                play.publish(_world(data.draw(WORLDS)))
            case "drop":
                play.reconnect()
            case "fetch":
                name = data.draw(st.sampled_from((*NAMES, "never")))
                wanted |= set() if play.mine.knows(KEYS, name) else {name}
                play.go(play.mine.fetch(KEYS, name))
            case "ask":
                play.go(play.mine.ask(KEY_REQUEST, data.draw(st.sampled_from(NAMES))))
    last = {k: {n: v // 2 * 2 for n, v in r.items()} for k, r in data.draw(WORLDS).items()}
    play.publish(_world(last))
    play.drain()
    for type_url in TYPES:
        expected = {n: f"{n} {v}".encode() for n, v in last[type_url].items()}
        assert {n: r.body for n, r in play.mine.holding[type_url].items()} == expected
        assert play.intake[type_url] == expected
    assert wanted <= play.ends.keys()
    assert play.ends.get("never") in {None, False}
    assert not play.mine.topics[KEYS].waiting
    assert KEY_REQUEST not in play.mine.topics or not play.mine.topics[KEY_REQUEST].asked


@given(WORLDS)
def test_a_nack_is_no_loop(resources: dict[str, dict[str, int]]) -> None:
    play = Play(_world({k: {n: v * 2 + 1 for n, v in r.items()} for k, r in resources.items()}))
    play.drain()
    assert play.nacks == sum(bool(r) for r in resources.values())
    assert play.intake == {t: {} for t in TYPES}


def _world(resources: dict[str, dict[str, int]]) -> World:
    found = [
        Resource(type_url=t, name=n, version=str(v), body=f"{n} {v}".encode())
        for t, group in resources.items()
        for n, v in group.items()
    ]
    return world(snapshot(found), EXTAUTHZ)
