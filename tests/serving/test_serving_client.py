"""The client against the real control plane server, and a fake one only for what that cannot do."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from controlplane.snapshot import Resource, Snapshot, snapshot
from controlplane.xds.events import Acked, Instances, Nacked, Wanted
from controlplane.xds.news import Heard
from controlplane.xds.server import SERVICE, Server
from protos import CONSUMERS, EXTAUTHZ, KEY_REQUEST, KEYS, PIPELINE
from serving import client as module
from serving.client import Client
from serving.metrics import Metrics
from serving.subscription import subscription
from serving.wire import Node
from tests.serving.sample_service import SECRET, SampleIntake

TYPES = (CONSUMERS, KEYS, PIPELINE)
Context = grpc.aio.ServicerContext[bytes, bytes]


def resource(name: str, version: str, body: str = "", type_url: str = CONSUMERS) -> Resource:
    said = (body or f"{name} {version}").encode()
    return Resource(type_url=type_url, name=name, version=version, body=said)


def world(*resources: Resource) -> Snapshot:
    return snapshot(resources)


@dataclass
class Rig:
    client: Client
    intake: SampleIntake
    metrics: Metrics
    changes: list[None]

    def held(self) -> dict[str, bytes]:
        return self.intake.held.get(CONSUMERS, {})

    async def until(self, *names: str) -> None:
        await self.intake.until(lambda: self.held().keys() == set(names))

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@asynccontextmanager
async def running(address: str) -> AsyncIterator[Rig]:
    metrics = Metrics()
    client = Client(address, metrics)
    client.begin(subscription(TYPES))
    rig = Rig(client, SampleIntake(types=TYPES), metrics, [])
    node = Node(id="extauthz-1", service=EXTAUTHZ, address="unix:/x", version="1")
    task = asyncio.create_task(client.run(node, rig.intake, lambda: rig.changes.append(None)))
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def run(
    tmp_path: Path,
    body: Callable[[Server, Rig], Awaitable[None]],
    heard: Callable[[Heard], None] | None = None,
) -> None:
    async def both() -> None:
        address = f"unix:{tmp_path}/x"
        async with asyncio.timeout(30), Server(address, heard=heard) as server:
            server.publish(world(resource("a", "1")), EXTAUTHZ)
            async with running(address) as rig:
                await rig.until("a")
                await body(server, rig)

    asyncio.run(both())


def test_what_is_published_arrives_and_is_acked(tmp_path: Path) -> None:
    heard: list[Heard] = []

    async def body(server: Server, rig: Rig) -> None:
        second = world(resource("a", "2"), resource("b", "1"))
        server.publish(second, EXTAUTHZ)
        await rig.until("a", "b")
        assert (await server.settled(second.version, within=10, role=EXTAUTHZ)).state == "live"
        assert server.nodes_of(EXTAUTHZ) == ("extauthz-1",)
        server.publish(world(resource("b", "1")), EXTAUTHZ)
        await rig.until("b")
        assert rig.value("foregate_xds_connected") == 1
        assert rig.value("foregate_policy_last_update_timestamp_seconds")
        accepted = rig.value(
            "foregate_policy_updates_total", type="ConsumerSet", outcome="accepted"
        )
        assert accepted
        assert accepted >= 3
        assert len(rig.changes) >= accepted

    run(tmp_path, body, heard.append)
    assert {type(h) for h in heard} == {Acked, Instances}
    assert Instances(role=EXTAUTHZ, addresses=("unix:/x",)) in heard


@pytest.mark.parametrize(
    ("said", "why"), [("bad", "it says bad"), ("crash", "the service failed to take it in")]
)
def test_what_the_service_refuses_is_nacked_with_its_words(
    tmp_path: Path, said: str, why: str
) -> None:
    heard: list[Heard] = []

    async def body(server: Server, rig: Rig) -> None:
        bad = world(resource("a", "1"), resource("b", "1", said))
        server.publish(bad, EXTAUTHZ)
        assert (await server.settled(bad.version, within=10, role=EXTAUTHZ)).state == "rejected"
        assert rig.held().keys() == {"a"}
        assert (
            rig.value("foregate_policy_updates_total", type="ConsumerSet", outcome="rejected") == 1
        )
        server.publish(world(resource("a", "1"), resource("b", "2")), EXTAUTHZ)
        await rig.until("a", "b")

    run(tmp_path, body, heard.append)
    nacks = [h.message for h in heard if isinstance(h, Nacked)]
    assert nacks == [why]
    assert SECRET not in why


def test_a_fetch_gets_what_is_there_once_for_all(tmp_path: Path) -> None:
    async def body(server: Server, rig: Rig) -> None:
        assert await rig.client.fetch(CONSUMERS, "a", 5)
        fetches = [rig.client.fetch(CONSUMERS, "missing", 5) for _ in range(50)]
        assert await asyncio.gather(*fetches) == [False] * 50
        assert [u.removed for u in rig.intake.taken].count(frozenset({"missing"})) == 1
        # For a second it is not asked for again, but is there as soon as it is sent.
        assert not await rig.client.fetch(CONSUMERS, "missing", 5)
        assert [u.removed for u in rig.intake.taken].count(frozenset({"missing"})) == 1
        server.publish(world(resource("a", "1"), resource("missing", "1")), EXTAUTHZ)
        await rig.until("a", "missing")
        assert await rig.client.fetch(CONSUMERS, "missing", 5)

    run(tmp_path, body)


def test_a_missing_name_is_fetched_again_when_its_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MISSING", 0)

    async def body(_: Server, rig: Rig) -> None:
        for _again in range(3):
            assert not await rig.client.fetch(CONSUMERS, "missing", 5)
        assert [u.removed for u in rig.intake.taken].count(frozenset({"missing"})) == 3

    run(tmp_path, body)


def test_an_ask_reaches_the_control_plane_and_the_service_hears_nothing(tmp_path: Path) -> None:
    async def body(_: Server, rig: Rig) -> None:
        rig.client.ask(KEY_REQUEST, "issuer")
        rig.client.ask(KEY_REQUEST, "issuer")
        await asyncio.wait_for(asked.wait(), 10)
        assert wanted == ["issuer"]
        asked.clear()
        while not asked.is_set():  # until it was answered, the same name is not told again
            rig.client.ask(KEY_REQUEST, "issuer")
            await asyncio.sleep(0)
        assert wanted == ["issuer", "issuer"]
        assert {u.type_url for u in rig.intake.taken} <= set(TYPES)

    wanted: list[str] = []
    asked = asyncio.Event()

    def heard(one: Heard) -> None:
        if isinstance(one, Wanted):
            wanted.append(one.name)
            asked.set()

    run(tmp_path, body, heard)


def test_it_comes_back_after_the_control_plane_does(tmp_path: Path) -> None:
    async def both() -> None:
        address = f"unix:{tmp_path}/x"
        async with asyncio.timeout(30), running(address) as rig:  # away from the start
            async with Server(address) as first:
                first.publish(world(resource("a", "1"), resource("b", "1")), EXTAUTHZ)
                await rig.until("a", "b")
            assert not await rig.client.fetch(CONSUMERS, "c", 0.01)
            assert rig.held().keys() == {"a", "b"}
            seen = len(rig.intake.taken)
            async with Server(address) as second:
                second.publish(world(resource("a", "1"), resource("c", "1")), EXTAUTHZ)
                await rig.until("a", "c")
                sent = {n for u in rig.intake.taken[seen:] for n in u.changed}
                assert sent == {"c"}  # `a` was known and not sent again
                assert await rig.client.fetch(CONSUMERS, "c", 5)

    asyncio.run(both())


def test_the_delay_between_attempts_grows_and_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest: list[float] = []
    tried = asyncio.Event()

    def uniform(shortest: float, longest_: float) -> float:
        assert shortest == longest_ / 2
        longest.append(longest_)
        tried.set()
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)

    async def times(number: int) -> None:
        while len(longest) < number:
            tried.clear()
            await tried.wait()

    async def body() -> None:
        address = f"unix:{tmp_path}/x"
        async with asyncio.timeout(30), running(address):
            await times(8)
            assert longest[:8] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
            async with Faulty(b"\xff").at(address):  # it speaks, so it is there
                before = len(longest)
                while 0.1 not in longest[before:]:
                    await times(len(longest) + 1)

    asyncio.run(body())


class Faulty:
    """An ADS server that does what a right one never would."""

    def __init__(self, *replies: bytes) -> None:
        self.replies = replies
        self.streams = 0
        self.again = asyncio.Event()
        self.requests: list[DeltaDiscoveryRequest] = []
        self.answered = asyncio.Event()

    async def serve(self, _: object, context: Context) -> None:
        self.streams += 1
        if self.streams > 1:
            self.again.set()
        for reply in self.replies:
            await context.write(reply)
        while True:
            data: object = await context.read()
            if not isinstance(data, bytes):
                return
            self.requests.append(DeltaDiscoveryRequest.FromString(data))
            if self.requests[-1].response_nonce:
                self.answered.set()

    @asynccontextmanager
    async def at(self, address: str) -> AsyncIterator[None]:
        server = grpc.aio.server()
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
            self.serve
        )
        handler = grpc.method_handlers_generic_handler(
            SERVICE, {"DeltaAggregatedResources": method}
        )
        server.add_generic_rpc_handlers((handler,))
        server.add_insecure_port(address)
        await server.start()
        try:
            yield
        finally:
            await server.stop(None)


def test_what_is_no_response_ends_the_stream_and_nothing_else(tmp_path: Path) -> None:
    async def body() -> None:
        address = f"unix:{tmp_path}/x"
        faulty = Faulty(b"\xff\xff\xff")
        async with asyncio.timeout(30), faulty.at(address), running(address) as rig:
            await faulty.again.wait()
            assert rig.intake.taken == []

    asyncio.run(body())


def test_a_resource_of_another_type_is_nacked_unseen(tmp_path: Path) -> None:
    response = DeltaDiscoveryResponse(type_url=CONSUMERS, nonce="1")
    response.resources.add(name="a", version="1").resource.type_url = KEYS
    response.resources[0].resource.value = b"a"

    async def body() -> None:
        address = f"unix:{tmp_path}/x"
        faulty = Faulty(response.SerializeToString())
        async with asyncio.timeout(30), faulty.at(address), running(address) as rig:
            await faulty.answered.wait()
            assert faulty.requests[-1].error_detail.message == "'a' is of another type"
            assert rig.intake.taken == []
            node = faulty.requests[0].node
            assert (node.id, node.cluster) == ("extauthz-1", "extauthz")
            assert dict(node.metadata) == {
                "foregate.service": "extauthz",
                "foregate.address": "unix:/x",
                "foregate.version": "1",
            }
            assert [tuple(r.resource_names_subscribe) for r in faulty.requests[:3]] == [("*",)] * 3

    asyncio.run(body())


def test_a_server_that_does_not_answer_costs_a_fetch_its_time_only(tmp_path: Path) -> None:
    async def body() -> None:
        address = f"unix:{tmp_path}/x"
        faulty = Faulty()
        async with asyncio.timeout(30), faulty.at(address), running(address) as rig:
            assert not await rig.client.fetch(CONSUMERS, "a", 0.01)
            assert not await rig.client.fetch(CONSUMERS, "a", 0.01)

    asyncio.run(body())
