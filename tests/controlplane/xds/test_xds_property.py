"""Whatever the clients do and in whatever order, all end with the same resources.

A SotW client, a delta client and one that drops its stream, NACKs and sends stale nonces follow
the same publishes. Messages are delivered in any interleaving; a content whose version is odd is
refused by all of them, and half of a refused reply is applied, as Envoy does. The last publish
holds nothing that is refused.
"""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.snapshot import CLUSTER, ENDPOINTS, ROUTES, Snapshot
from controlplane.xds.discovery import Push, Request
from controlplane.xds.events import Nacked, Send
from controlplane.xds.stream import Step, Stream
from controlplane.xds.subscription import WHOLE
from controlplane.xds.world import ENVOY, World, world
from tests.controlplane.xds.ads_transcript import TYPES, published

NAMES = ("a", "b", "c")
KINDS = ("CDS", "EDS", "RDS")
STEPS = ("deliver", "deliver", "deliver", "publish", "names", "stale", "drop")


@dataclass
class Client:
    """A model of a client, and the wire to it in both directions."""

    delta: bool
    flaky: bool
    stream: Stream = field(default_factory=lambda: Stream(id="", delta=False))
    streams: int = 0
    names: dict[str, frozenset[str]] = field(
        default_factory=lambda: {ENDPOINTS: frozenset("a"), ROUTES: frozenset("ab")}
    )
    holds: dict[str, dict[str, str]] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)
    inward: deque[Request] = field(default_factory=deque)
    outward: deque[Push] = field(default_factory=deque)
    nacks: int = 0

    def connect(self, now: World) -> None:
        self.streams += 1
        self.stream = Stream(id=f"{self.streams}", delta=self.delta, worlds={ENVOY: now})
        self.inward.clear()
        self.outward.clear()
        self.nonces.clear()
        for type_url in (CLUSTER, ENDPOINTS, ROUTES):
            held = self.holds.setdefault(type_url, {})
            names = self.names.get(type_url, frozenset())
            if names or type_url == CLUSTER:
                initial = held if self.delta else {}
                self.ask(type_url, names=tuple(names), initial=initial)

    def ask(
        self,
        type_url: str,
        *,
        nonce: str = "",
        error: str | None = None,
        names: tuple[str, ...] = (),
        unsubscribe: tuple[str, ...] = (),
        initial: dict[str, str] | None = None,
    ) -> None:
        self.inward.append(
            Request(
                type_url=type_url,
                node="n",
                nonce=nonce,
                error=error,
                names=names,
                unsubscribe=unsubscribe,
                initial=dict(initial or {}),
            )
        )

    def choose(self, type_url: str, names: frozenset[str]) -> None:
        """Subscribe to other names; a name that is given up is forgotten."""
        before = self.names[type_url]
        self.names[type_url] = names
        held = self.holds[type_url]
        for name in before - names:
            held.pop(name, None)
        if self.delta:
            gone = tuple(before - names)
            self.ask(type_url, names=tuple(names - before), unsubscribe=gone)
        else:
            self.ask(type_url, names=tuple(names), nonce=self.nonces.get(type_url, ""))

    def serve(self) -> None:
        if self.inward:
            self.take(self.stream.receive(self.inward.popleft()))

    def take(self, step: Step) -> None:
        self.stream = step.stream
        self.outward.extend(e.push for e in step.events if isinstance(e, Send))
        self.nacks += sum(isinstance(e, Nacked) for e in step.events)

    def read(self) -> None:
        """Apply a reply and answer it."""
        if not self.outward:
            return
        push = self.outward.popleft()
        self.nonces[push.type_url] = push.nonce
        mine = self.names.get(push.type_url)
        there = {r.name: r.version for r in push.resources if mine is None or r.name in mine}
        assert len(push.resources) == len({r.name for r in push.resources})
        bad = [n for n, v in there.items() if int(v) % 2]
        error = f"refused {bad}" if bad else None
        held = self.holds[push.type_url]
        good = {n: v for n, v in there.items() if n not in bad}
        held |= dict(list(good.items())[::2]) if bad else good
        if not bad:
            whole = not self.delta and push.type_url in WHOLE
            for name in held.keys() - there.keys() if whole else push.removed:
                held.pop(name, None)
        names = () if self.delta else tuple(mine or ())
        self.ask(push.type_url, nonce=push.nonce, error=error, names=names)

    @property
    def idle(self) -> bool:
        return not self.inward and not self.outward


SETS = st.frozensets(st.sampled_from(NAMES))
VERSIONS = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5))
WORLDS = st.fixed_dictionaries(dict.fromkeys(KINDS, VERSIONS))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_all_clients_end_in_the_same_state(data: st.DataObject) -> None:
    now = world(_snapshot(data.draw(WORLDS)))
    clients = [
        Client(delta=False, flaky=False),
        Client(delta=True, flaky=False),
        Client(delta=data.draw(st.booleans()), flaky=True),
    ]
    for client in clients:
        client.connect(now)
    for _ in range(data.draw(st.integers(0, 40))):
        step = data.draw(st.sampled_from(STEPS))
        if step == "publish":
            now = world(_snapshot(data.draw(WORLDS)))
            for client in clients:
                client.take(client.stream.publish(now))
        else:
            _move(data, data.draw(st.sampled_from(clients)), step, now)
    last = {k: {n: v // 2 * 2 for n, v in r.items()} for k, r in data.draw(WORLDS).items()}
    names = {t: data.draw(SETS) for t in (ENDPOINTS, ROUTES)}
    now = world(_snapshot(last))
    for client in clients:
        client.take(client.stream.publish(now))
        _drain(client)
        for type_url, chosen in names.items():
            client.choose(type_url, chosen)
            _drain(client)
        assert client.holds == _expected(now, client, names)
        assert client.stream.state != "rejected"


@given(WORLDS, st.booleans())
def test_a_nack_is_answered_once_at_most(resources: dict[str, dict[str, int]], delta: bool) -> None:  # noqa: FBT001 - hypothesis passes by position
    """A client that refuses everything is left alone: this drains instead of going on for ever."""
    client = Client(delta=delta, flaky=False)
    odd = {k: {n: v * 2 + 1 for n, v in r.items()} for k, r in resources.items()}
    client.connect(world(_snapshot(odd)))
    _drain(client)
    assert client.nacks <= len(KINDS)


def _move(data: st.DataObject, client: Client, step: str, now: World) -> None:
    if step == "deliver":
        (client.read if data.draw(st.booleans()) else client.serve)()
    elif step == "names":
        client.choose(data.draw(st.sampled_from([ENDPOINTS, ROUTES])), data.draw(SETS))
    elif step == "stale" and client.flaky:
        type_url = data.draw(st.sampled_from([CLUSTER, ENDPOINTS]))
        names = () if client.delta else tuple(client.names.get(type_url, ()))
        error = data.draw(st.sampled_from([None, "stale"]))
        client.ask(type_url, nonce="old", names=names, error=error)
    elif step == "drop" and client.flaky:
        client.connect(now)


def _drain(client: Client) -> None:
    for _ in range(200):
        client.serve()
        client.read()
        if client.idle:
            return
    raise AssertionError("the stream never comes to rest")


def _snapshot(resources: dict[str, dict[str, int]]) -> Snapshot:
    words = [f"{k} " + " ".join(f"{n}={v}" for n, v in r.items()) for k, r in resources.items()]
    return published(" ".join(words))


def _expected(
    now: World, client: Client, names: dict[str, frozenset[str]]
) -> dict[str, dict[str, str]]:
    """Return what a client must hold. SotW cannot take a named resource away: that is left out."""
    expected = {}
    for kind in KINDS:
        type_url = TYPES[kind]
        there = now.offers[type_url].resources
        mine = names.get(type_url, frozenset(there))
        expected[type_url] = {n: r.version for n, r in there.items() if n in mine}
        if not client.delta and type_url not in WHOLE:
            held = client.holds[type_url]
            expected[type_url] |= {n: v for n, v in held.items() if n not in there}
    return expected
