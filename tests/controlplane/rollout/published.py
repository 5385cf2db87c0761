"""A publisher with Envoys and services on it that are raw streams: they ACK, wait or refuse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment

from controlplane.build import Build
from controlplane.rollout.options import PublisherOptions
from controlplane.rollout.publisher import Publisher
from controlplane.rollout.recorder import Recorder
from controlplane.snapshot import ENDPOINTS
from protos import KEY_REQUEST
from tests.controlplane.xds.delta_client import Client, connected

WITHIN = 10.0
"""Seconds for what is to happen."""


@dataclass
class Node:
    """A stream that ACKs what it is sent, unless told to wait (`go`) or to refuse (`refused`)."""

    client: Client
    held: dict[str, dict[str, bytes]] = field(default_factory=dict)
    pushes: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        for type_url in self.client.types:
            await self.client.ask(type_url)
        while True:
            found = await self.client.answer()
            group = self.held.setdefault(found.type_url, {})
            group |= {one.name: one.resource.value for one in found.resources}
            for name in found.removed_resources:
                group.pop(name, None)
            self.pushes.append(found.type_url)
            self.moved.set()
            await self.go.wait()
            why = self.refused.get(found.type_url, "")
            await self.client.ask(found.type_url, nonce=found.nonce, error=why)

    async def until(self, holds: Callable[[], object]) -> None:
        """Look again after each push."""
        while not holds():
            self.moved.clear()
            await self.moved.wait()

    async def asked(self) -> None:
        """Return when all that the server had to send before this has come."""
        count = len(self.pushes)
        type_url = KEY_REQUEST if self.client.service else ENDPOINTS
        await self.client.ask(type_url, f"nothing-{count}")
        await self.until(lambda: len(self.pushes) > count)

    def names(self, type_url: str) -> set[str]:
        return set(self.held.get(type_url, {}))

    def members(self, role: str) -> list[str]:
        body = self.held[ENDPOINTS][f"foregate:{role}"]
        locality = ClusterLoadAssignment.FromString(body).endpoints
        return [one.endpoint.address.pipe.path for at in locality for one in at.lb_endpoints]


@dataclass
class Stage:
    publisher: Publisher
    socket: Path
    recorder: Recorder

    @asynccontextmanager
    async def node(
        self, service: str = "", address: str = "", software: str = "", holds: str = ""
    ) -> AsyncIterator[Node]:
        place = address or f"unix:/{service}"
        async with connected(self.socket, service, place, software, holds) as client:
            node = Node(client)
            node.go.set()
            running = asyncio.create_task(node.run())
            yield node
            running.cancel()
            await asyncio.wait([running])

    async def live(self, one: Build) -> None:
        published = await self.publisher.publish(one, within=WITHIN, services=WITHIN, patient=True)
        assert (published.outcome.state, published.late) == ("live", ())


@asynccontextmanager
async def staged(
    folder: Path, recorder: Recorder, took: Callable[[float], None] = lambda _: None
) -> AsyncIterator[Stage]:
    """A publisher whose socket and key files are in a folder."""
    socket = folder / "xds.sock"
    options = PublisherOptions(files=folder, recorder=recorder, took=took)
    async with Publisher(f"unix:{socket}", options) as publisher:
        yield Stage(publisher, socket, recorder)


def run(
    folder: Path,
    body: Callable[[Stage], Awaitable[None]],
    recorder: Recorder | None = None,
    took: Callable[[float], None] = lambda _: None,
) -> None:
    async def whole() -> None:
        remembers = recorder or Recorder()
        async with asyncio.timeout(30), staged(folder, remembers, took) as stage:
            await body(stage)

    asyncio.run(whole())
