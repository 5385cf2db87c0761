"""The rows of the checklist that are about the server and its sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import h2.config
import h2.connection
import h2.events
import pytest
from structlog.testing import capture_logs

from controlplane.snapshot import CLUSTER, LISTENER, SECRET
from controlplane.xds.events import Acked, Nacked
from controlplane.xds.news import Heard
from controlplane.xds.server import MESSAGE_BYTES, Server
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.raw_client import RawClient, connection, gone, opened, raw_client

BOTH = pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
ONE = published("CDS a=1 LDS l=1")
Test = Callable[[Server, str], Awaitable[None]]


@BOTH
def test_row_39_streams_that_are_dropped_leave_nothing_behind(
    tmp_path: Path, *, delta: bool
) -> None:
    """Some before their first word, some before the answer, some after it. Each end is told once.

    A dropped stream that was not forgotten would be waited for: it never ACKed.
    """

    async def body(server: Server, target: str) -> None:
        server.publish(ONE)
        await _good(server, target, delta=delta)
        before = asyncio.all_tasks()
        with capture_logs() as logs:
            for n in range(4):
                async with connection(target) as channel:
                    clients = [opened(channel, delta=delta, node=f"{n} {m}") for m in range(50)]
                    await asyncio.gather(*(c.ask(CLUSTER) for c in clients[: 10 * n]))
                    await asyncio.gather(*(c.answer() for c in clients[: 5 * n]))
                    for client in clients:
                        client.call.cancel()
            await _good(server, target, delta=delta)
        assert server.nodes == ()
        answered = sorted(f"{n} {m}" for n in range(4) for m in range(5 * n))
        ended = sorted(e["node"] for e in logs if e["event"] == "xds stream ended" and e["node"])
        assert [node for node in ended if node in answered] == answered
        assert len(ended) == len(set(ended))
        left = asyncio.all_tasks() - before
        left = {task for task in left if "_request_call" not in repr(task)}  # gRPC's, for the next
        if left:
            assert (await asyncio.wait(left, timeout=10))[1] == set()

    _run(tmp_path, body)


@BOTH
def test_row_40_who_does_not_ack_gets_one_push_a_type_and_then_the_newest(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(server: Server, target: str) -> None:
        server.publish(ONE)
        async with raw_client(target, delta=delta) as client:
            await client.ask(CLUSTER)
            first = await client.answer()
            for n in range(2, 52):
                server.publish(published(f"CDS a={n} SDS s={n}"))
            await client.ask(SECRET, "s")
            other = await client.answer()
            assert (other.type_url, other.bodies) == (SECRET, (b"s 51",))
            await client.ask(CLUSTER, nonce=first.nonce)
            assert (await client.answer()).bodies == (b"a 51",)

    _run(tmp_path, body)


@BOTH
def test_row_42_before_the_first_publish_streams_are_unavailable(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(server: Server, target: str) -> None:
        async with raw_client(target, delta=delta) as early:
            await early.ask(CLUSTER)
            assert await early.status() == grpc.StatusCode.UNAVAILABLE
        server.publish(ONE)
        await _good(server, target, delta=delta)

    _run(tmp_path, body)


@BOTH
def test_row_45_a_hundred_streams_on_a_connection_and_the_next_waits(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(server: Server, target: str) -> None:
        server.publish(ONE)
        async with connection(target) as channel:
            clients = [opened(channel, delta=delta, node=f"{n}") for n in range(100)]
            for client in clients:
                await follow(client)
            more = opened(channel, delta=delta, node="more")
            asking = asyncio.create_task(more.ask(CLUSTER))
            await _good(server, target, delta=delta)
            assert (len(server.nodes), "more" in server.nodes) == (100, False)
            clients[0].call.cancel()
            await asking
            assert (await more.ack()).bodies == (b"a 1",)

    _run(tmp_path, body)


def test_row_45_pings_are_answered_where_there_is_no_stream() -> None:
    """As of a client's keepalive with `permit_without_stream`: the connection stays."""

    async def body() -> None:
        async with asyncio.timeout(30), Server("127.0.0.1:0") as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            h2c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
            h2c.initiate_connection()
            for n in range(3):
                h2c.ping(n.to_bytes(8, "big"))
                writer.write(h2c.data_to_send())
                events: list[h2.events.Event] = []
                while not any(isinstance(e, h2.events.PingAckReceived) for e in events):
                    data = await reader.read(2**16)
                    assert data
                    events += h2c.receive_data(data)
                assert not any(isinstance(e, h2.events.ConnectionTerminated) for e in events)
            writer.close()

    asyncio.run(body())


@BOTH
def test_row_45_a_request_that_is_too_big_ends_its_stream_only(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(server: Server, target: str) -> None:
        server.publish(ONE)
        async with connection(target) as channel:
            good, bad = (opened(channel, delta=delta, node=name) for name in ("good", "bad"))
            await bad.ask(CLUSTER, "x" * MESSAGE_BYTES)
            assert await bad.status() == grpc.StatusCode.RESOURCE_EXHAUSTED
            await follow(good)
            assert (await server.settled(ONE.version, within=10)).state == "live"

    _run(tmp_path, body)


@BOTH
def test_row_48_each_answer_is_told_with_node_type_and_version(
    tmp_path: Path, *, delta: bool
) -> None:
    heard: list[Heard] = []

    async def body(server: Server, target: str) -> None:
        server.publish(ONE)
        async with raw_client(target, delta=delta, node="e") as client:
            await client.ask(CLUSTER)
            clusters = await client.ack()
            await client.ask(LISTENER)
            listeners = await client.nack("no such filter")
            outcome = await server.settled(ONE.version, within=10)
            refused = Nacked(
                node="e",
                type_url=LISTENER,
                version=listeners.version,
                message="no such filter",
                content=(("l", "1"),),
            )
            assert outcome.nacks == (refused,)
            assert heard == [Acked(node="e", type_url=CLUSTER, version=clusters.version), refused]

    _run(tmp_path, body, heard.append)


async def _good(server: Server, target: str, *, delta: bool) -> None:
    """Be served at once on a connection of its own, and see that nobody else is waited for."""
    async with raw_client(target, delta=delta, node="good") as client:
        await follow(client)
        assert (await server.settled(ONE.version, within=10)).state == "live"
        client.call.cancel()
    await gone(server, "good")


async def follow(client: RawClient) -> None:
    for type_url, body in ((CLUSTER, b"a 1"), (LISTENER, b"l 1")):
        await client.ask(type_url)
        assert (await client.ack()).bodies == (body,)


def _run(folder: Path, body: Test, heard: Callable[[Heard], None] | None = None) -> None:
    async def whole() -> None:
        target = f"unix:{folder}/xds.sock"
        async with asyncio.timeout(20), Server(target, heard=heard) as server:
            await body(server, target)

    asyncio.run(whole())
