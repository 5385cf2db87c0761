"""A delta stream of an Envoy or of one of the services, message by message, on the real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES
from controlplane.xds.server import SERVICE
from protos import KEY_REQUEST, SERVICE_TYPES

Call = grpc.aio.StreamStreamCall[bytes, bytes]
OF_AN_ENVOY = (CLUSTER, ENDPOINTS, LISTENER, ROUTES)


@dataclass(frozen=True)
class Client:
    """`service` is empty for an Envoy, whose node id is then its `address`.

    `software` is the release of Envoy that it says that it is, `holds` a resource that it has.

    Several may ask at once: gRPC takes one message at a time.
    """

    service: str
    address: str
    call: Call
    software: str = ""
    holds: str = ""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def types(self) -> tuple[str, ...]:
        """What it follows, in the order in which it is sent."""
        if not self.service:
            return OF_AN_ENVOY
        return tuple(t for t in SERVICE_TYPES[self.service] if t != KEY_REQUEST)

    async def ask(self, type_url: str, *names: str, nonce: str = "", error: str = "") -> None:
        request = DeltaDiscoveryRequest(
            type_url=type_url, resource_names_subscribe=names, response_nonce=nonce
        )
        request.node.id = f"{self.service} {self.address}".strip()
        if self.service:
            request.node.metadata["foregate.service"] = self.service
            request.node.metadata["foregate.address"] = self.address
            request.node.metadata["foregate.version"] = "0.1.0"
        if self.software:
            request.node.user_agent_name = "envoy"
            request.node.user_agent_version = self.software
        if self.holds and not nonce:
            request.initial_resource_versions[self.holds] = "other"
        if error:
            request.error_detail.message = error
        async with self.writing:
            await self.call.write(request.SerializeToString())

    async def answer(self) -> DeltaDiscoveryResponse:
        data: object = await self.call.read()
        assert isinstance(data, bytes)
        return DeltaDiscoveryResponse.FromString(data)

    async def ack(self) -> DeltaDiscoveryResponse:
        found = await self.answer()
        await self.ask(found.type_url, nonce=found.nonce)
        return found

    async def nack(self, why: str = "will not do") -> DeltaDiscoveryResponse:
        found = await self.answer()
        await self.ask(found.type_url, nonce=found.nonce, error=why)
        return found

    async def follow(self, *but: str) -> None:
        """Subscribe to all types and ACK what comes."""
        for type_url in self.types:
            if type_url not in but:
                await self.ask(type_url)
                await self.ack()


@asynccontextmanager
async def connected(
    socket: Path, service: str = "", address: str = "envoy", software: str = "", holds: str = ""
) -> AsyncIterator[Client]:
    """Open a stream on a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"unix:{socket}", options=options) as channel:
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            f"/{SERVICE}/DeltaAggregatedResources"
        )
        call = method()
        yield Client(service, address, call, software, holds)
        call.cancel()
