"""A model of an Envoy: it applies what it is sent, and asserts at each read that it was in order.

A content whose version is odd is refused, and half of a refused reply is applied, as Envoy does.
It follows all clusters and listeners, the endpoints of the clusters that it holds, and the route
tables that it chooses. One that is `warming` ACKs clusters only once their endpoints have come.
`software` is what it says that it runs.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Reference
from controlplane.xds.discovery import Push, Request
from controlplane.xds.events import Nacked, Send
from controlplane.xds.kinds import WHOLE
from controlplane.xds.stream import Step, Stream
from controlplane.xds.world import ENVOY, World

FOLLOWED = (CLUSTER, ENDPOINTS, LISTENER, ROUTES)
USERS = (LISTENER, ROUTES)
Versions = dict[str, str]


@dataclass(frozen=True)
class Letter:
    """A push on its way, with what was so when it was sent."""

    push: Push
    world: World
    named: frozenset[str]  # the endpoints that the server knew to be asked for


@dataclass
class Client:
    """The client, and the wire to it in both directions.

    `holds` is what it has applied, `needs` what each user that it holds needs, `surely` those of
    them that came on this stream. `seen` are all versions that came, `taken` those that it ACKed on
    this stream or said at its start that it holds. `warm_up` is which clusters
    wait for endpoints, `kept_ack` the ACK that waits with them.
    """

    delta: bool
    flaky: bool = False
    warming: bool = False
    software: str = ""
    stream: Stream = field(default_factory=lambda: Stream(id="", delta=False))
    streams: int = 0
    now: float = 0.0
    chosen: frozenset[str] = frozenset("ab")
    names: dict[str, frozenset[str]] = field(default_factory=dict)
    holds: dict[str, Versions] = field(default_factory=lambda: {t: {} for t in FOLLOWED})
    needs: dict[tuple[str, str], frozenset[Reference]] = field(default_factory=dict)
    surely: set[tuple[str, str]] = field(default_factory=set)
    seen: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    taken: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)
    warm_up: set[str] = field(default_factory=set)
    kept_ack: Request | None = None
    inward: deque[Request] = field(default_factory=deque)
    outward: deque[Letter] = field(default_factory=deque)
    nacks: int = 0

    def connect(self, now: World) -> None:
        self.streams += 1
        self.stream = Stream(id=f"{self.streams}", delta=self.delta, worlds={ENVOY: now})
        self.inward.clear()
        self.outward.clear()
        self.nonces.clear()
        self.surely.clear()
        self.kept_ack = None
        known = self.holds if self.delta else {t: {} for t in FOLLOWED}
        self.seen = {t: {n: {v} for n, v in self.holds[t].items()} for t in FOLLOWED}
        self.taken = {t: {n: {v} for n, v in known[t].items()} for t in FOLLOWED}
        self.names = {ENDPOINTS: frozenset(self.holds[CLUSTER]), ROUTES: self.chosen}
        for type_url in FOLLOWED:
            names = self.names.get(type_url, frozenset())
            if names or type_url in WHOLE:
                self.ask(type_url, names=names, initial=known[type_url])

    def ask(
        self,
        type_url: str,
        *,
        nonce: str = "",
        error: str | None = None,
        names: Iterable[str] = (),
        unsubscribe: Iterable[str] = (),
        initial: Mapping[str, str] | None = None,
    ) -> None:
        request = Request(
            type_url=type_url,
            node="n",
            software=self.software,
            nonce=nonce,
            error=error,
            names=tuple(sorted(names)),
            unsubscribe=tuple(sorted(unsubscribe)),
            initial=dict(initial or {}),
        )
        acks = error is None and nonce != "" and nonce == self.nonces.get(type_url)
        if self.warming and type_url == CLUSTER and acks and self.warm_up:
            self.kept_ack = request
        else:
            self.inward.append(request)

    def choose(self, type_url: str, names: frozenset[str]) -> None:
        """Subscribe to other names; what is given up is forgotten."""
        if type_url == ROUTES:
            self.chosen = names
        before = self.names.get(type_url, frozenset())
        if names == before:
            return
        self.names[type_url] = names
        for name in before - names:
            self._forget(type_url, name)
        if self.delta:
            self.ask(type_url, names=names - before, unsubscribe=before - names)
        else:
            self.ask(type_url, names=names, nonce=self.nonces.get(type_url, ""))

    def serve(self) -> None:
        if self.inward:
            self.take(self.stream.receive(self.inward.popleft(), now=self.now))

    def publish(self, now: World) -> None:
        self.take(self.stream.publish(now, now=self.now))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.take(self.stream.tick(self.now))

    def take(self, step: Step) -> None:
        self.stream = step.stream
        assert self.stream.world is not None
        assert self.stream.wake is None or self.stream.wake > self.now, "a timer without end"
        endpoints = self.stream.subscriptions.get(ENDPOINTS)
        named = endpoints.names if endpoints else frozenset()
        for event in step.events:
            if isinstance(event, Send):
                self.outward.append(Letter(event.push, self.stream.world, named))
        self.nacks += sum(isinstance(e, Nacked) for e in step.events)

    def read(self) -> None:
        """Check a reply, apply it and answer it."""
        if not self.outward:
            return
        letter = self.outward.popleft()
        push = letter.push
        type_url = push.type_url
        self.nonces[type_url] = push.nonce
        mine = self.names.get(type_url)
        assert len(push.resources) == len({r.name for r in push.resources})
        there = {r.name: r.version for r in push.resources if mine is None or r.name in mine}
        gone = self._gone(push, {r.name for r in push.resources})
        self._check(letter, there, gone)
        for name, version in there.items():
            self.seen[type_url].setdefault(name, set()).add(version)
        before = dict(self.holds[type_url])
        bad = [n for n, v in there.items() if int(v) % 2]
        good = {n: v for n, v in there.items() if n not in bad}
        applied = dict(list(good.items())[::2]) if bad else good
        self._apply(letter, applied, () if bad else gone)
        if bad:
            for name in (n for n, v in there.items() if before.get(n) != v):
                self.taken[type_url].pop(name, None)
        else:
            for name, version in there.items():
                self.taken[type_url].setdefault(name, set()).add(version)
        error = f"refused {bad}" if bad else None
        names = () if self.delta else (self.names.get(type_url) or ())
        self.ask(type_url, nonce=push.nonce, error=error, names=names)
        if type_url == CLUSTER:
            self.choose(ENDPOINTS, frozenset(self.holds[CLUSTER]))

    @property
    def idle(self) -> bool:
        return not self.inward and not self.outward

    def _gone(self, push: Push, there: set[str]) -> tuple[str, ...]:
        if self.delta:
            return push.removed
        whole = push.type_url in WHOLE
        return tuple(n for n in self.holds[push.type_url] if whole and n not in there)

    def _check(self, letter: Letter, there: Versions, gone: Iterable[str]) -> None:
        push, clusters = letter.push, letter.world.offers[CLUSTER].resources
        if push.type_url == CLUSTER:
            for name in gone:
                users = [k for k in self.surely if Reference(CLUSTER, name) in self.needs[k]]
                assert not users, f"{name} is taken away, {users} need it"
        if push.type_url == ENDPOINTS:
            early = [n for n in there if n in clusters and n not in self.seen[CLUSTER]]
            assert not early, f"endpoints before their clusters {early}"
        if push.type_url not in USERS:
            return
        for one in push.resources:
            fresh = self.holds[push.type_url].get(one.name) != one.version
            for _, name in one.needs if one.name in there and fresh else ():
                if name in clusters:
                    self._taken(letter, CLUSTER, name)
                if name in letter.named and name in self.names[ENDPOINTS]:
                    self._taken(letter, ENDPOINTS, name)

    def _taken(self, letter: Letter, type_url: str, name: str) -> None:
        """Assert that a need was ACKed in the version of the world from which its user came."""
        need = letter.world.offers[type_url].resources.get(name)
        known = self.taken[type_url].get(name, set())
        assert need is None or need.version in known, f"{letter.push} before {need}"

    def _apply(self, letter: Letter, there: Versions, gone: Iterable[str]) -> None:
        type_url = letter.push.type_url
        needs = {r.name: r.needs for r in letter.push.resources}
        for name, version in there.items():
            known = self.holds[type_url].get(name)
            self.holds[type_url][name] = version
            if type_url in USERS:
                self.needs[type_url, name] = needs[name]
                self.surely.add((type_url, name))
            if type_url == CLUSTER and known != version:
                self.warm_up.add(name)
        for name in gone:
            self._forget(type_url, name)
            self.taken[type_url].pop(name, None)
        if type_url == ENDPOINTS:
            self._warm({*there, *gone})

    def _forget(self, type_url: str, name: str) -> None:
        self.holds[type_url].pop(name, None)
        self.surely.discard((type_url, name))
        self.needs.pop((type_url, name), None)
        if type_url == CLUSTER:
            self._warm({name})

    def _warm(self, names: set[str]) -> None:
        self.warm_up -= names
        if not self.warm_up and self.kept_ack is not None:
            self.inward.append(self.kept_ack)
            self.kept_ack = None
