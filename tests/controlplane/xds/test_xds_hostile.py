"""Clients that are wrong, broken or mean: an error on their stream, and nothing else touched."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from controlplane.snapshot import CLUSTER, ENDPOINTS, ORDER
from controlplane.xds.events import Ignored, Send
from controlplane.xds.news import Heard
from controlplane.xds.node import TEXT_LENGTH
from controlplane.xds.server import Server
from controlplane.xds.stream import Stream
from controlplane.xds.wire import READ, WRITE
from controlplane.xds.world import ENVOY, world
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.raw_client import RawClient, connection, gone, opened, raw_client

BOTH = pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
ONE = published("CDS a=1 EDS a=1")
Test = Callable[[Server, str], Awaitable[None]]
UNKNOWN = "type.googleapis.com/x.Y"


@BOTH
@pytest.mark.parametrize("node", ["", "x" * (TEXT_LENGTH + 1), "x" * 2**20])
def test_a_node_id_that_is_missing_or_enormous(tmp_path: Path, node: str, *, delta: bool) -> None:
    async def body(_: Server, target: str) -> None:
        async with raw_client(target, delta=delta, node=node) as client:
            await client.ask(CLUSTER)
            assert await client.status() == grpc.StatusCode.INVALID_ARGUMENT

    _run(tmp_path, body, delta=delta)


@BOTH
def test_a_node_id_that_changes(tmp_path: Path, *, delta: bool) -> None:
    """Another stream of the same connection goes on."""

    async def body(_: Server, target: str) -> None:
        async with connection(target) as channel:
            bad, other = (opened(channel, delta=delta, node=n) for n in ("bad", "other"))
            await bad.ask(CLUSTER)
            await bad.ack()
            await bad.ask(ENDPOINTS, "a", node="another")
            assert await bad.status() == grpc.StatusCode.INVALID_ARGUMENT
            await _serve(other)

    _run(tmp_path, body, delta=delta)


@BOTH
def test_a_node_that_is_named_once_or_again_the_same(tmp_path: Path, *, delta: bool) -> None:
    async def body(_: Server, target: str) -> None:
        async with raw_client(target, delta=delta) as client:
            await client.ask(CLUSTER)
            await client.ack()
            await client.ask(ENDPOINTS, "a", node="")
            assert (await client.ack()).bodies == (b"a 1",)

    _run(tmp_path, body, delta=delta)


@BOTH
def test_unknown_types_are_counted_and_the_stream_goes_on(tmp_path: Path, *, delta: bool) -> None:
    heard: list[Heard] = []

    async def body(_: Server, target: str) -> None:
        async with raw_client(target, delta=delta) as client:
            await client.ask(UNKNOWN, "a")
            await client.ask(UNKNOWN, nonce="n", error="no")
            await _serve(client)

    _run(tmp_path, body, delta=delta, heard=heard.append)
    assert [e for e in heard if isinstance(e, Ignored)] == [Ignored(node="n", type_url=UNKNOWN)] * 2


@BOTH
def test_types_without_end_leave_a_stream_as_it_was(*, delta: bool) -> None:
    """Nothing is kept for a type that is not served."""
    stream = Stream(id="s", delta=delta, worlds={ENVOY: world(ONE)})
    for n in range(100):
        request = (DeltaDiscoveryRequest if delta else DiscoveryRequest)(type_url=f"{UNKNOWN}{n}")
        request.node.id = "n"
        stream = stream.receive(READ[delta](request.SerializeToString())).stream
    assert dict(stream.subscriptions) == {}


@BOTH
def test_a_hundred_thousand_names_are_answered_and_others_served(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(server: Server, target: str) -> None:
        names = [f"missing-{n}" for n in range(100_000)]
        async with raw_client(target, delta=delta) as client:
            await client.ask(ENDPOINTS, "a", *names)
            await _good(server, target, delta=delta)
            found = await client.ack()
            assert found.bodies == (b"a 1",)
            missing = [*found.removed]
            while delta and len(missing) < len(names):
                missing += (await client.ack()).removed
            assert set(missing) == set(names if delta else ())

    _run(tmp_path, body, delta=delta)


@BOTH
def test_what_is_half_open_waits_alone(tmp_path: Path, *, delta: bool) -> None:
    """Connections without HTTP/2, without a stream, and streams without a request."""

    async def body(server: Server, target: str) -> None:
        path = target.removeprefix("unix:")
        writers = [(await asyncio.open_unix_connection(path))[1] for _ in range(20)]
        for n, writer in enumerate(writers):
            writer.write([b"", b"PRI * HT", b"GET / HTTP/1.1\r\n\r\n", bytes(100)][n % 4])
        async with connection(target) as channel:
            silent = [opened(channel, delta=delta, node=f"{n}") for n in range(50)]
            await asyncio.gather(*(one.call.wait_for_connection() for one in silent))
            await _good(server, target, delta=delta)
            for one in silent:
                one.call.cancel()
        for writer in writers:
            writer.close()

    _run(tmp_path, body, delta=delta)


@BOTH
def test_a_client_that_asks_without_ever_reading(tmp_path: Path, *, delta: bool) -> None:
    """It asks anew each time, so that each request is worth an answer."""

    async def body(server: Server, target: str) -> None:
        async with raw_client(target, delta=delta) as client:
            for n in range(300):
                await client.ask(ENDPOINTS, "a", f"{n}")
                await client.ask(CLUSTER)
            await _good(server, target, delta=delta)
            first = await client.answer()
            second = await client.answer()
            assert {first.type_url, second.type_url} == {CLUSTER, ENDPOINTS}
            assert {first.nonce[-2:], second.nonce[-2:]} == {"-1"}

    _run(tmp_path, body, delta=delta)


@BOTH
def test_a_client_that_refuses_whatever_comes_is_left_alone(tmp_path: Path, *, delta: bool) -> None:
    async def body(server: Server, target: str) -> None:
        async with raw_client(target, delta=delta) as client:
            await client.ask(CLUSTER)
            await client.nack("no")
            for _ in range(50):
                await client.ask(CLUSTER, nonce="never-sent", error="no")
            await _good(server, target, delta=delta)
            await client.ask(ENDPOINTS, "missing", "a")
            assert (await client.answer()).type_url == ENDPOINTS

    _run(tmp_path, body, delta=delta)


@BOTH
def test_an_unknown_method_and_bytes_that_are_no_request(tmp_path: Path, *, delta: bool) -> None:
    async def body(_: Server, target: str) -> None:
        async with connection(target) as channel:
            unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/x/Y")
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await unary(b"")
            assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
            bad, other = (opened(channel, delta=delta, node=n) for n in ("bad", "other"))
            await bad.write(b"\xff\xff\xff")
            assert await bad.status() == grpc.StatusCode.INVALID_ARGUMENT
            await _serve(other)

    _run(tmp_path, body, delta=delta)


TEXTS = st.sampled_from(["", "a", "b", "*", "n", "s-1", "s-2", "\0", "ä", "x" * 300])
TYPES = st.sampled_from([*ORDER, "", UNKNOWN])


@dataclass(frozen=True)
class Words:
    """What a random request says; a word that has no place in the variant is left out."""

    type_url: str
    node: str
    nonce: str
    error: str | None
    names: list[str]
    gone: list[str]
    initial: dict[str, str]
    service: str


MESSAGES = st.builds(
    Words,
    type_url=TYPES,
    node=st.one_of(st.just("n"), TEXTS),
    nonce=TEXTS,
    error=st.one_of(st.none(), TEXTS),
    names=st.lists(TEXTS, max_size=4),
    gone=st.lists(TEXTS, max_size=4),
    initial=st.dictionaries(TEXTS, TEXTS, max_size=3),
    service=st.sampled_from(["", "", "", "extauthz", "x"]),
)
WORLDS = [world(published(f"CDS a={n} b=1 EDS a={n} LDS a={n} ECDS a=1 RDS a={n}")) for n in (1, 2)]


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_are_a_request_or_no_request(data: bytes, delta: bool) -> None:  # noqa: FBT001 - hypothesis passes by position
    try:
        request = READ[delta](data)
    except DecodeError:
        return
    Stream(id="s", delta=delta, worlds={ENVOY: WORLDS[0]}).receive(request)


@given(st.lists(st.one_of(MESSAGES, st.integers(0, 1)), max_size=12), st.booleans())
def test_random_requests_break_no_stream(
    script: list[Words | int],
    delta: bool,  # noqa: FBT001 - as above
) -> None:
    """After whatever came, each type has at most one push open, which is the last one sent."""
    stream = Stream(id="s", delta=delta, worlds={ENVOY: WORLDS[0]})
    sent: dict[str, str] = {}
    for line in script:
        if isinstance(line, int):
            step = stream.publish(WORLDS[line])
        else:
            step = stream.receive(READ[delta](_message(line, delta=delta)))
        stream = step.stream
        for event in step.events:
            if isinstance(event, Send):
                assert WRITE[delta](event.push)
                sent[event.push.type_url] = event.push.nonce
        for type_url, subscription in stream.subscriptions.items():
            if subscription.pending is not None:
                assert subscription.pending.nonce == sent[type_url]
            assert type_url in ORDER
        assert stream.state in {"waiting", "live", "rejected"}


def _message(said: Words, *, delta: bool) -> bytes:
    message: DeltaDiscoveryRequest | DiscoveryRequest
    if delta:
        message = DeltaDiscoveryRequest(
            resource_names_subscribe=said.names,
            resource_names_unsubscribe=said.gone,
            initial_resource_versions=said.initial,
        )
    else:
        message = DiscoveryRequest(resource_names=said.names)
    message.type_url = said.type_url
    message.response_nonce = said.nonce
    message.node.id = said.node
    if said.service:
        message.node.metadata["foregate.service"] = said.service
    if said.error is not None:
        message.error_detail.message = said.error
    return message.SerializeToString()


async def _serve(client: RawClient) -> None:
    """Have a client get all that there is."""
    for type_url, names in ((CLUSTER, ()), (ENDPOINTS, ("a",))):
        await client.ask(type_url, *names)
        assert (await client.ack()).bodies == (b"a 1",)


async def _good(server: Server, target: str, *, delta: bool) -> None:
    """See that a client is served and heard, whatever else is connected."""
    async with raw_client(target, delta=delta, node="good") as client:
        await _serve(client)
        assert "good" in server.nodes


def _run(
    folder: Path, body: Test, *, delta: bool, heard: Callable[[Heard], None] | None = None
) -> None:
    """Run a test with a server; after it a good client is served, and then nobody is left."""

    async def whole() -> None:
        target = f"unix:{folder}/xds.sock"
        async with asyncio.timeout(30), Server(target, heard=heard) as server:
            server.publish(ONE)
            await body(server, target)
            await _good(server, target, delta=delta)
            await gone(server)

    asyncio.run(whole())
