"""The streams of a server without its sockets: what a test sends, and when, is its own choice."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

from controlplane.snapshot import CLUSTER, LISTENER, ROUTES
from controlplane.xds import roll
from controlplane.xds.connection import Connection
from controlplane.xds.discovery import Request
from controlplane.xds.events import Silent
from controlplane.xds.memory import Lasting, Memory
from controlplane.xds.meter import Meter
from controlplane.xds.news import Heard
from controlplane.xds.streams import Manner, Streams
from controlplane.xds.world import ENVOY, World, world
from tests.controlplane.xds.ads_transcript import published

WORLDS = tuple(world(published(f"CDS a={n} LDS l={n} RDS r={n}>CDS/a")) for n in range(4))
ASKED = ((CLUSTER, ()), (LISTENER, ()), (ROUTES, ("r",)))


class Recording(Memory):
    """Says that somebody takes what changed."""

    records = True


@dataclass
class Crowd:
    """Streams without sockets: what is sent to a node stays in its outbox until it answers."""

    streams: Streams
    silent: asyncio.Event
    there: list[Connection] = field(default_factory=list)
    nodes: int = 0

    def open(self, *, delta: bool = True) -> Connection:
        self.there.append(self.streams.open(delta=delta))
        return self.there[-1]

    def ask(self, connection: Connection, type_url: str = CLUSTER, *names: str) -> None:
        self.nodes += 1
        node = connection.stream.node or f"n{self.nodes}"
        request = Request(type_url=type_url, node=node, names=names)
        self.streams.receive(connection, request)

    def answer(self, connection: Connection, error: str | None = None) -> None:
        if connection.outbox:
            push = connection.outbox.popleft()
            request = Request(type_url=push.type_url, nonce=push.nonce, error=error)
            self.streams.receive(connection, request)

    def follow(self, connection: Connection) -> None:
        for type_url, names in ASKED:
            self.ask(connection, type_url, *names)
            self.answer(connection)

    def close(self, connection: Connection) -> None:
        self.there.remove(connection)
        self.streams.close(connection)

    def states(self) -> dict[roll.Counted, int]:
        return self.streams.roll.states(ENVOY)


def crowd(memory: Memory | None = None, first: World = WORLDS[0]) -> Crowd:
    silent = asyncio.Event()

    def heard(event: Heard) -> None:
        if isinstance(event, Silent):
            silent.set()

    streams = Streams(
        heard=heard,
        memory=Lasting(memory or Memory()),
        meter=Meter(),
        manner=Manner(drain_seconds=600, starting=1000),
    )
    streams.publish(first)
    return Crowd(streams, silent)


def run(body: Awaitable[None]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20):
            await body

    asyncio.run(whole())
