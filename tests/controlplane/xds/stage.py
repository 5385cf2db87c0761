"""A server and raw streams to it, for versions that not all may have at once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from controlplane.seen.fleet import NodeView
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, SECRET, Snapshot
from controlplane.xds.server import Server
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.raw_client import RawClient, raw_client, there

BOTH = pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
OLD, NEW, NEWER = (published(f"CDS a={n} LDS l=0 EDS e=0 SDS s=0") for n in range(3))


@dataclass
class Stage:
    server: Server
    target: str
    delta: bool

    def node(
        self, node: str, software: str = "1.39.0", group: str = ""
    ) -> AbstractAsyncContextManager[RawClient]:
        return raw_client(self.target, delta=self.delta, node=node, group=group, software=software)

    def view(self, node: str) -> NodeView:
        (found,) = (view for view in self.server.fleet() if view.node == node)
        return found

    async def takes(self, *clients: RawClient) -> None:
        """Follow a version that all may have, and have all of it."""
        for client in clients:
            await client.ask(CLUSTER)
            await client.ack()
            await client.ask(ENDPOINTS, "e")
            await client.ack()
            await client.ask(LISTENER)
            await client.ack()
        await self.live(OLD, len(clients))

    async def live(self, version: Snapshot, nodes: int) -> None:
        outcome = await self.server.settled(version.version, within=10, nodes=nodes)
        assert outcome.state == "live"

    async def asked(self, client: RawClient) -> None:
        """Ask for clusters, and know that the server has heard it."""
        await client.ask(CLUSTER)
        await there(self.server, client.node)


async def nothing_comes(client: RawClient) -> None:
    """See that all that the server had to send before this has been read."""
    await client.ask(SECRET, "s")
    assert (await client.ack()).type_url == SECRET


def run(folder: Path, body: Callable[[Stage], Awaitable[None]], *, delta: bool) -> None:
    async def whole() -> None:
        target = f"unix:{folder}/xds.sock"
        async with asyncio.timeout(20), Server(target) as server:
            await body(Stage(server, target, delta))

    asyncio.run(whole())
