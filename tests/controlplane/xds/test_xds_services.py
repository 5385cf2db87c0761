"""Services on the real server, over a Unix socket: instances, questions, the archive."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from controlplane.snapshot import Snapshot
from controlplane.xds.events import Instances, Wanted
from controlplane.xds.news import Heard
from controlplane.xds.server import Server
from controlplane.xds.world import ForeignTypeError
from protos import (
    CONSUMERS,
    EXTAUTHZ,
    FLEET,
    KEY_REQUEST,
    KEYS,
    LIMITS,
    PIPELINE,
    RATELIMIT,
)
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.delta_client import connected

POLICY = published("CONSUMERS consumers=1 KEYS k=1 PIPELINE p=1")
NEXT = published("CONSUMERS consumers=2 KEYS k=1 PIPELINE q=1")
COUNTS = published("FLEET fleet=1 LIMITS limits=1")


@dataclass
class Ear:
    """What the server tells, and a way to wait for it."""

    events: list[Heard] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: Heard) -> None:
        self.events.append(event)
        self.moved.set()

    async def until(self, event: Heard) -> None:
        while event not in self.events:
            self.moved.clear()
            await self.moved.wait()

    def instances(self) -> list[tuple[str, ...]]:
        return [e.addresses for e in self.events if isinstance(e, Instances)]


def test_instances_are_told_when_they_are_ready_and_when_they_go(tmp_path: Path) -> None:
    async def body(server: Server, ear: Ear) -> None:
        server.publish(POLICY, EXTAUTHZ)
        async with connected(tmp_path / "xds.sock", EXTAUTHZ, "unix:/b") as one:
            await one.follow()
            await ear.until(Instances(role=EXTAUTHZ, addresses=("unix:/b",)))
            assert (await server.settled(POLICY.version, within=10, role=EXTAUTHZ)).state == "live"
            async with connected(tmp_path / "xds.sock", EXTAUTHZ, "127.0.0.1:9") as two:
                await two.ask(CONSUMERS)
                await two.ack()
                late = await server.settled(POLICY.version, within=0, role=EXTAUTHZ)
                assert late.waiting == ("extauthz 127.0.0.1:9",)
                assert server.instances(EXTAUTHZ) == ("unix:/b",)
                await two.follow(CONSUMERS)
                await ear.until(Instances(role=EXTAUTHZ, addresses=("127.0.0.1:9", "unix:/b")))
                assert (server.connected(EXTAUTHZ), server.nodes) == (2, ())
                assert server.nodes_of(EXTAUTHZ) == ("extauthz 127.0.0.1:9", "extauthz unix:/b")
                ear.events.clear()
            await ear.until(Instances(role=EXTAUTHZ, addresses=("unix:/b",)))
        await ear.until(Instances(role=EXTAUTHZ, addresses=()))
        assert ear.instances() == [("unix:/b",), ()]

    _run(tmp_path, body)


def test_an_instance_stays_while_a_push_is_open_and_goes_when_it_refuses(tmp_path: Path) -> None:
    async def body(server: Server, ear: Ear) -> None:
        server.publish(POLICY, EXTAUTHZ)
        async with connected(tmp_path / "xds.sock", EXTAUTHZ, "unix:/a") as one:
            await one.follow()
            await ear.until(Instances(role=EXTAUTHZ, addresses=("unix:/a",)))
            server.publish(NEXT, EXTAUTHZ)
            assert (await server.settled(NEXT.version, within=0, role=EXTAUTHZ)).state == "late"
            await one.ack()
            await one.ack()
            assert (await server.settled(NEXT.version, within=10, role=EXTAUTHZ)).state == "live"
            assert ear.instances() == [("unix:/a",)]
            server.publish(POLICY, EXTAUTHZ)
            await one.nack()
            await ear.until(Instances(role=EXTAUTHZ, addresses=()))
            await one.ack()
            outcome = await server.settled(POLICY.version, within=10, role=EXTAUTHZ)
            assert (outcome.state, outcome.nacks[0].type_url) == ("rejected", CONSUMERS)
            assert server.connected(EXTAUTHZ) == 1
            ear.events.clear()
            server.publish(NEXT, EXTAUTHZ)
            await one.ack()
            await one.ack()
            await ear.until(Instances(role=EXTAUTHZ, addresses=("unix:/a",)))

    _run(tmp_path, body)


def test_two_streams_of_one_instance_are_one(tmp_path: Path) -> None:
    """An instance that comes back before the server knows that it was gone."""

    async def body(server: Server, ear: Ear) -> None:
        server.publish(COUNTS, RATELIMIT)
        async with (
            connected(tmp_path / "xds.sock", RATELIMIT, "unix:/a") as old,
            connected(tmp_path / "xds.sock", RATELIMIT, "unix:/a") as new,
        ):
            await old.follow()
            await new.follow()
            settled = await server.settled(COUNTS.version, within=10, nodes=2, role=RATELIMIT)
            assert settled.state == "live"
            assert server.connected(RATELIMIT) == 1
            old.call.cancel()
            more = published("FLEET fleet=2 LIMITS limits=1")
            server.publish(more, RATELIMIT)
            await new.ack()
            settled = await server.settled(more.version, within=10, role=RATELIMIT)
            assert (settled.state, len(server.nodes_of(RATELIMIT))) == ("live", 1)
            assert ear.instances() == [("unix:/a",)]

    _run(tmp_path, body)


def test_a_question_is_told_and_answered_with_nothing(tmp_path: Path) -> None:
    async def body(server: Server, ear: Ear) -> None:
        server.publish(POLICY, EXTAUTHZ)
        async with connected(tmp_path / "xds.sock", EXTAUTHZ, "unix:/a") as one:
            await one.ask(KEY_REQUEST, "k")
            answer = await one.ack()
            assert (list(answer.removed_resources), len(answer.resources)) == (["k"], 0)
            node = "extauthz unix:/a"
            await ear.until(Wanted(node=node, type_url=KEY_REQUEST, name="k"))

    _run(tmp_path, body)


def test_an_older_pipeline_is_there_by_its_hash(tmp_path: Path) -> None:
    async def body(server: Server, _: Ear) -> None:
        server.publish(POLICY, EXTAUTHZ, archive=published("PIPELINE z=1").of(PIPELINE))
        server.publish(NEXT, EXTAUTHZ)
        async with connected(tmp_path / "xds.sock", EXTAUTHZ, "unix:/a") as one:
            await one.ask(PIPELINE)
            assert [r.name for r in (await one.ack()).resources] == ["q"]
            await one.ask(PIPELINE, "p", "z", "unknown")
            answer = await one.ack()
            assert [r.name for r in answer.resources] == ["p", "z"]
            assert list(answer.removed_resources) == ["unknown"]

    _run(tmp_path, body)


def test_a_role_waits_for_its_own_snapshot(tmp_path: Path) -> None:
    async def body(server: Server, _: Ear) -> None:
        server.publish(POLICY, EXTAUTHZ)
        with pytest.raises(ForeignTypeError):
            server.publish(POLICY, RATELIMIT)
        async with connected(tmp_path / "xds.sock", RATELIMIT, "unix:/a") as one:
            await one.ask(LIMITS)
            assert await one.call.code() == grpc.StatusCode.UNAVAILABLE
        server.publish(COUNTS, RATELIMIT)
        async with connected(tmp_path / "xds.sock", RATELIMIT, "unix:/a") as one:
            for type_url in (CONSUMERS, KEYS, FLEET):
                await one.ask(type_url)
            assert (await one.ack()).type_url == FLEET

    _run(tmp_path, body)


@pytest.mark.parametrize("address", ["", "unix:relative", "nowhere", "host:0", "h" * 300 + ":1"])
def test_an_instance_that_nobody_can_reach_is_refused(tmp_path: Path, address: str) -> None:
    async def body(server: Server, _: Ear) -> None:
        server.publish(POLICY, EXTAUTHZ)
        async with connected(tmp_path / "xds.sock", EXTAUTHZ, address) as one:
            await one.ask(CONSUMERS)
            assert await one.call.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert server.connected(EXTAUTHZ) == 0

    _run(tmp_path, body)


def test_who_hears_of_instances_may_publish(tmp_path: Path) -> None:
    """So does the control plane: the fleet's size follows its instances."""
    sizes: list[Snapshot] = [published(f"FLEET fleet={n} LIMITS limits=1") for n in range(2)]

    async def body(server: Server, ear: Ear) -> None:
        server.publish(sizes[0], RATELIMIT)
        async with connected(tmp_path / "xds.sock", RATELIMIT, "unix:/a") as one:
            await one.follow()
            assert [r.version for r in (await one.ack()).resources] == ["1"]
            settled = await server.settled(sizes[1].version, within=10, role=RATELIMIT)
            assert settled.state == "live"
            assert ear.instances() == [("unix:/a",)]

    def publish(server: Server, event: Heard) -> None:
        if isinstance(event, Instances):
            server.publish(sizes[len(event.addresses)], RATELIMIT)

    _run(tmp_path, body, publish)


def test_stopping_tells_nobody_that_instances_are_gone(tmp_path: Path) -> None:
    ears: list[Ear] = []

    async def body(server: Server, ear: Ear) -> None:
        ears.append(ear)
        server.publish(COUNTS, RATELIMIT)
        async with connected(tmp_path / "xds.sock", RATELIMIT, "unix:/a") as one:
            await one.follow()
            await ear.until(Instances(role=RATELIMIT, addresses=("unix:/a",)))
            await server.__aexit__(None, None, None)
            await one.call.code()

    _run(tmp_path, body)
    assert ears[0].instances() == [("unix:/a",)]


def _run(
    folder: Path,
    body: Callable[[Server, Ear], Awaitable[None]],
    also: Callable[[Server, Heard], None] | None = None,
) -> None:
    async def whole() -> None:
        ear = Ear()

        def heard(event: Heard) -> None:
            ear(event)
            if also is not None:
                also(server, event)

        server = Server(f"unix:{folder}/xds.sock", heard=heard)
        async with asyncio.timeout(30), server:
            await body(server, ear)

    asyncio.run(whole())
