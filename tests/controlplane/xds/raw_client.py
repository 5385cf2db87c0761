"""A stream of either variant as a node, message by message, on the real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

from controlplane.xds.server import SERVICE, Server

Call = grpc.aio.StreamStreamCall[bytes, bytes]
METHODS = {False: "StreamAggregatedResources", True: "DeltaAggregatedResources"}


@dataclass(frozen=True)
class Reply:
    """A reply of either variant; `removed` is empty in SotW."""

    type_url: str
    nonce: str
    version: str
    bodies: tuple[bytes, ...]
    removed: tuple[str, ...]


@dataclass
class RawClient:
    """`names` is what it subscribed to by name: SotW says all of them again in each request.

    `group` is its node.cluster, `software` the release of Envoy that it says that it is, if any.
    `holds` is the name of a resource that it has from before, of the type that it asks for first.
    """

    node: str
    delta: bool
    call: Call
    group: str = ""
    software: str = ""
    holds: str = ""
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def ask(
        self, type_url: str, *names: str, nonce: str = "", error: str = "", node: str | None = None
    ) -> None:
        """Subscribe to names beside the former ones, and answer the reply with this nonce."""
        now = (*self.names.get(type_url, ()), *names)
        self.names[type_url] = now
        request: DiscoveryRequest | DeltaDiscoveryRequest
        if self.delta:
            request = DeltaDiscoveryRequest(resource_names_subscribe=names)
        else:
            request = DiscoveryRequest(resource_names=now)
        request.type_url = type_url
        request.response_nonce = nonce
        if self.holds and isinstance(request, DeltaDiscoveryRequest):
            request.initial_resource_versions[self.holds] = "other"
        elif self.holds and isinstance(request, DiscoveryRequest):
            request.version_info = "other"
        self.holds = ""
        request.node.id = self.node if node is None else node
        request.node.cluster = self.group
        if self.software:
            request.node.user_agent_name = "envoy"
            request.node.user_agent_version = self.software
        if error:
            request.error_detail.message = error
        await self.write(request.SerializeToString())

    async def write(self, data: bytes) -> None:
        await self.call.write(data)

    async def answer(self) -> Reply:
        data: object = await self.call.read()
        assert isinstance(data, bytes)
        if self.delta:
            change = DeltaDiscoveryResponse.FromString(data)
            return Reply(
                type_url=change.type_url,
                nonce=change.nonce,
                version=change.system_version_info,
                bodies=tuple(one.resource.value for one in change.resources),
                removed=tuple(change.removed_resources),
            )
        full = DiscoveryResponse.FromString(data)
        return Reply(
            type_url=full.type_url,
            nonce=full.nonce,
            version=full.version_info,
            bodies=tuple(one.value for one in full.resources),
            removed=(),
        )

    async def ack(self) -> Reply:
        """Wait for the next reply and ACK it."""
        found = await self.answer()
        await self.ask(found.type_url, nonce=found.nonce)
        return found

    async def nack(self, why: str) -> Reply:
        """Wait for the next reply and refuse it."""
        found = await self.answer()
        await self.ask(found.type_url, nonce=found.nonce, error=why)
        return found

    async def status(self) -> grpc.StatusCode:
        """Wait for the end of the stream."""
        return await self.call.code()


def opened(
    channel: grpc.aio.Channel, *, delta: bool, node: str = "n", group: str = ""
) -> RawClient:
    """Open a stream on a connection that others use too."""
    method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        f"/{SERVICE}/{METHODS[delta]}"
    )
    return RawClient(node=node, delta=delta, call=method(), group=group)


@asynccontextmanager
async def connection(target: str) -> AsyncIterator[grpc.aio.Channel]:
    """Connect, shared with nobody; what is read may be of any size."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        yield channel


@asynccontextmanager
async def raw_client(
    target: str, *, delta: bool, node: str = "n", group: str = "", software: str = ""
) -> AsyncIterator[RawClient]:
    """Open a stream on a connection of its own, and drop it."""
    async with connection(target) as channel:
        client = opened(channel, delta=delta, node=node, group=group)
        client.software = software
        try:
            yield client
        finally:
            client.call.cancel()


async def gone(server: Server, *nodes: str) -> None:
    """Wait until the server has seen the end of these nodes' streams, of all where none is named.

    Nobody tells of an end, so it is asked for again after whatever else the loop has to do.
    """
    while True:
        if not set(server.nodes).intersection(nodes or server.nodes):
            return
        await asyncio.sleep(0)


async def there(server: Server, node: str) -> None:
    """Wait until the server knows a node, as `gone` does for its end."""
    while True:
        if node in server.nodes:
            return
        await asyncio.sleep(0)
