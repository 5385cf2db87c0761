"""The shell over real gRPC: what the pure parts cannot show."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest, DiscoveryResponse

from controlplane.snapshot import CLUSTER, Resource, snapshot
from controlplane.xds import connection
from controlplane.xds.events import Acked, Nacked
from controlplane.xds.news import Heard
from controlplane.xds.outcome import Outcome
from controlplane.xds.server import SERVICE, Server
from tests.controlplane.xds.ads_transcript import published

Call = grpc.aio.StreamStreamCall[bytes, bytes]
ONE = published("CDS a=1")
TWO = published("CDS a=2")


@dataclass(frozen=True)
class Client:
    """A SotW stream for clusters, message by message."""

    node: str
    call: Call

    async def ask(self, *, nonce: str = "", error: str = "") -> None:
        request = DiscoveryRequest(type_url=CLUSTER, response_nonce=nonce)
        request.node.id = self.node
        if error:
            request.error_detail.message = error
        await self.call.write(request.SerializeToString())

    async def answer(self) -> DiscoveryResponse:
        data: object = await self.call.read()
        assert isinstance(data, bytes)
        return DiscoveryResponse.FromString(data)

    async def ack(self) -> DiscoveryResponse:
        """Wait for the answer and ACK it."""
        found = await self.answer()
        await self.ask(nonce=found.nonce)
        return found

    async def status(self) -> grpc.StatusCode:
        return await self.call.code()


def test_a_node_that_acks_is_live(tmp_path: Path) -> None:
    heard: list[Heard] = []

    async def body(server: Server, client: Client) -> None:
        server.publish(ONE)
        await client.ask()
        await client.ack()
        assert await server.settled(ONE.version, within=10) == Outcome(state="live")
        assert server.nodes == ("n",)
        server.publish(TWO)
        assert (await server.settled(ONE.version, within=10)).state == "superseded"
        await client.ack()
        assert (await server.settled(TWO.version, within=10)).state == "live"

    run(tmp_path, body, heard.append)
    assert [type(event) for event in heard] == [Acked, Acked]


def test_a_rejection_is_told_with_the_words_of_the_node(tmp_path: Path) -> None:
    heard: list[Heard] = []

    async def body(server: Server, client: Client) -> None:
        server.publish(ONE)
        await client.ask()
        await client.ask(nonce=(await client.answer()).nonce, error="no such thing")
        outcome = await server.settled(ONE.version, within=10)
        assert (outcome.state, [n.message for n in outcome.nacks]) == (
            "rejected",
            ["no such thing"],
        )
        again = published("CDS a=1 RDS r=1")
        server.publish(again)
        outcome = await server.settled(again.version, within=10)
        assert (outcome.state, len(outcome.nacks)) == ("rejected", 1)

    run(tmp_path, body, heard.append)
    assert [type(event) for event in heard] == [Nacked]


def test_a_node_that_does_not_answer_is_late_by_name(tmp_path: Path) -> None:
    async def body(server: Server, client: Client) -> None:
        server.publish(ONE)
        assert await server.settled(ONE.version, within=0) == Outcome(state="late")
        await client.ask()
        await client.answer()
        outcome = await server.settled(ONE.version, within=0)
        assert outcome == Outcome(state="late", waiting=("n",))

    run(tmp_path, body)


def test_before_the_first_snapshot_a_stream_is_unavailable(tmp_path: Path) -> None:
    async def body(_: Server, client: Client) -> None:
        await client.ask()
        assert await client.status() == grpc.StatusCode.UNAVAILABLE

    run(tmp_path, body)


def test_bytes_that_are_no_request_end_only_their_stream(tmp_path: Path) -> None:
    async def body(server: Server, client: Client) -> None:
        server.publish(ONE)
        async with connected(address(tmp_path)) as other:
            await other.ask()
            await client.call.write(b"\xff\xff\xff")
            assert await client.status() == grpc.StatusCode.INVALID_ARGUMENT
            await other.ack()
            assert (await server.settled(ONE.version, within=10)).state == "live"

    run(tmp_path, body)


def test_a_stream_is_refused_in_the_middle_of_a_write(tmp_path: Path) -> None:
    """The status follows the reply that was being written, which is read here after it."""
    big = Resource(type_url=CLUSTER, name="a", body=bytes(2**24), version="1")

    async def body(server: Server, client: Client) -> None:
        server.publish(snapshot([big]))
        await client.ask()
        await client.call.write(b"\xff\xff\xff")
        await client.call.done_writing()
        await client.answer()
        assert await client.status() == grpc.StatusCode.INVALID_ARGUMENT

    run(tmp_path, body)


def test_clients_that_drop_in_the_middle_of_a_write_leave_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    big = Resource(type_url=CLUSTER, name="a", body=bytes(2**24), version="1")

    async def body(server: Server, client: Client) -> None:
        server.publish(snapshot([big]))
        for n in range(9):
            async with connected(address(tmp_path), node=f"{n}") as other:
                await other.ask()
                if n % 3 == 0:
                    await other.answer()
                if n % 3 == 1:
                    await other.call.write(b"\xff\xff\xff")
        await client.ask()
        await client.ack()
        assert (await server.settled(snapshot([big]).version, within=10)).state == "live"

    run(tmp_path, body)
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == []


def test_a_client_that_does_not_read_delays_nobody_and_gets_the_latest(tmp_path: Path) -> None:
    """16 MiB are more than gRPC takes in for a client that does not read."""
    big = [
        snapshot([Resource(type_url=CLUSTER, name="a", body=bytes(2**24), version=f"{n}")])
        for n in range(4)
    ]

    async def body(server: Server, stuck: Client) -> None:
        server.publish(big[0])
        await stuck.ask()
        async with connected(address(tmp_path), node="other") as other:
            await other.ask()
            for state in big[1:]:
                await other.ack()
                server.publish(state)
            last = await other.ack()
            await stuck.ack()
            second = await stuck.ack()
            assert (await server.settled(big[3].version, within=10)).state == "live"
            assert (second.version_info, second.nonce[-2:]) == (last.version_info, "-2")

    run(tmp_path, body)


def test_a_stream_that_ends_is_forgotten(tmp_path: Path) -> None:
    async def body(server: Server, client: Client) -> None:
        server.publish(ONE)
        await client.ask()
        await client.answer()
        async with connected(address(tmp_path), node="other") as other:
            await other.ask()
            await other.ack()
            client.call.cancel()
            assert (await server.settled(ONE.version, within=10)).state == "live"
            assert server.nodes == ("other",)
            await other.call.done_writing()
            assert await other.status() == grpc.StatusCode.OK
            server.publish(TWO)
        assert len(server.nodes) == 0

    run(tmp_path, body)


def test_stopping_ends_open_streams(tmp_path: Path) -> None:
    async def body() -> None:
        async with Server(address(tmp_path)) as server, connected(address(tmp_path)) as client:
            server.publish(ONE)
            await client.ask()
            await client.answer()
            await server.__aexit__(None, None, None)
            assert await client.status() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}

    asyncio.run(body())


def test_an_address_that_is_taken_is_an_error() -> None:
    async def body() -> None:
        async with Server("127.0.0.1:0") as first:
            assert first.port
            with pytest.raises(RuntimeError, match="bind"):
                await Server(f"127.0.0.1:{first.port}").__aenter__()

    asyncio.run(body())


def run(
    folder: Path,
    body: Callable[[Server, Client], Awaitable[None]],
    heard: Callable[[Heard], None] | None = None,
) -> None:
    """Run a test with a server and one client on it."""

    async def both() -> None:
        async with (
            asyncio.timeout(30),
            Server(address(folder), heard=heard) as server,
            connected(address(folder)) as client,
        ):
            await body(server, client)

    asyncio.run(both())


def address(folder: Path) -> str:
    return f"unix:{folder}/xds.sock"


@asynccontextmanager
async def connected(target: str, node: str = "n") -> AsyncIterator[Client]:
    """Open a stream as a node, on a connection of its own."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            f"/{SERVICE}/StreamAggregatedResources"
        )
        call = method()
        yield Client(node=node, call=call)
        call.cancel()


def test_row_41_the_stream_of_who_does_not_read_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its connection lives, and its pings are answered: only reading counts."""
    monkeypatch.setattr(connection, "WRITE_SECONDS", 0.1)
    big = snapshot([Resource(type_url=CLUSTER, name="a", body=bytes(2**24), version="1")])
    small = snapshot([Resource(type_url=CLUSTER, name="a", body=b"", version="2")])

    async def body(server: Server, stuck: Client) -> None:
        server.publish(big)
        await stuck.ask()
        while not server.nodes:  # noqa: ASYNC110 # the server tells nobody
            await asyncio.sleep(0.01)
        while server.nodes:  # noqa: ASYNC110 # as above
            await asyncio.sleep(0.01)
        server.publish(small)
        async with connected(address(tmp_path), node="other") as other:
            await other.ask()
            await other.ack()
            assert (await server.settled(small.version, within=10)).state == "live"

    run(tmp_path, body)
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == []
