"""A process of many delta streams that ACK everything, each as one Envoy's, and count it.

They read no resource but its name and version, so that the server is measured and not they.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack

import grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from bench.child import Words, answering
from controlplane.snapshot import CLUSTER, LISTENER

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
A_CHANNEL = 100
"""Streams on one connection: as many as the server lets in."""

AGAIN = 0.2
"""Seconds from the end of a stream to the next one."""

WILDCARD = frozenset({CLUSTER, LISTENER})
"""Types that an Envoy follows without names."""

OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
)

Names = Mapping[str, list[str]]
"""By type, the names of all that a node shall have."""

Call = grpc.aio.StreamStreamCall[bytes, bytes]


class Node:
    """One Envoy: what it holds (versions by type and name) outlives its stream."""

    def __init__(self, name: str, wanted: Names) -> None:
        self.held: dict[str, dict[str, str]] = {type_url: {} for type_url in wanted}
        self.got: Counter[str] = Counter()
        self.removed = self.lost = 0
        self.why = ""
        self._name = name
        self._wanted = {type_url: frozenset(names) for type_url, names in wanted.items()}

    @property
    def whole(self) -> bool:
        """Whether it holds all that is wanted."""
        return all(names <= self.held[type_url].keys() for type_url, names in self._wanted.items())

    async def follow(self, channel: grpc.aio.Channel) -> None:
        """Ask for everything but what it holds, and ACK what comes; again where a stream breaks."""
        self.got.clear()
        self.removed = self.lost = 0
        while True:
            why = await self._streamed(channel)
            self.lost += 1
            if self.lost == 1:
                self.why = why
            await asyncio.sleep(AGAIN)

    async def _streamed(self, channel: grpc.aio.Channel) -> str:
        """Say why the stream ended."""
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(METHOD)
        call = method(wait_for_ready=True)
        try:
            for type_url, names in self._wanted.items():
                await call.write(self._asked(type_url, names))
            while isinstance(data := await call.read(), bytes):
                await call.write(self._taken(data))
        except asyncio.InvalidStateError:  # it ended between a read and a write
            pass
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name}: {error.details()}"
        finally:
            call.cancel()
        return "ended"

    def _asked(self, type_url: str, names: frozenset[str]) -> bytes:
        request = DeltaDiscoveryRequest(
            type_url=type_url, initial_resource_versions=self.held[type_url]
        )
        if type_url not in WILDCARD:
            request.resource_names_subscribe.extend(sorted(names))
        request.node.id = self._name
        return request.SerializeToString()

    def _taken(self, data: bytes) -> bytes:
        """Take in a reply; return its ACK. The fields are those of DeltaDiscoveryResponse."""
        type_url = nonce = ""
        there: dict[str, str] = {}
        gone: list[str] = []
        for number, value in _fields(memoryview(data)):
            if number == 2:
                one = {n: v for n, v in _fields(value) if n != 2}
                there[str(one[3], "utf-8")] = str(one[1], "utf-8")
            elif number == 4:
                type_url = str(value, "utf-8")
            elif number == 5:
                nonce = str(value, "utf-8")
            elif number == 6:
                gone.append(str(value, "utf-8"))
        self.held[type_url].update(there)
        for name in gone:
            self.held[type_url].pop(name, None)
        self.got[type_url] += len(there)
        self.removed += len(gone)
        return DeltaDiscoveryRequest(type_url=type_url, response_nonce=nonce).SerializeToString()


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message whose fields are all length-delimited (protobuf encoding guide)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        size, at = _varint(data, at)
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


class Nodes:
    """Many of them, on one server after the other."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._channels = AsyncExitStack()

    async def answer(self, told: Words) -> Words:
        """`make` nodes by name, `open` their streams on a socket, or just say how they are."""
        if "make" in told:
            self._nodes = [Node(name, told["wanted"]) for name in told["make"]]
        if "open" in told:
            await self._open(f"unix:{told['open']}")
        got: Counter[str] = Counter()
        for node in self._nodes:
            got.update(node.got)
        return {
            "whole": sum(node.whole for node in self._nodes),
            "got": got,
            "removed": sum(node.removed for node in self._nodes),
            "lost": sum(node.lost for node in self._nodes),
            "why": Counter(node.why for node in self._nodes if node.lost),
        }

    async def _open(self, address: str) -> None:
        await self.end()
        for first in range(0, len(self._nodes), A_CHANNEL):
            made = grpc.aio.insecure_channel(address, options=OPTIONS)
            channel = await self._channels.enter_async_context(made)
            for node in self._nodes[first : first + A_CHANNEL]:
                self._tasks.add(asyncio.create_task(node.follow(channel)))

    async def end(self) -> None:
        """End all streams."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._channels.aclose()
        self._channels = AsyncExitStack()


async def main() -> None:
    """Do what is told, until stdin ends."""
    nodes = Nodes()
    await answering(nodes.answer)
    await nodes.end()


if __name__ == "__main__":
    asyncio.run(main())
