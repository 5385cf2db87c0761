"""What one node refused and when others of its group are sent it: raw streams on the server."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controlplane.snapshot import CLUSTER, LISTENER, SECRET
from controlplane.xds.events import Acked, Nacked
from controlplane.xds.news import Heard
from controlplane.xds.server import Server
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.raw_client import RawClient, raw_client

BOTH = pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
WHY = "Error adding/updating cluster(s) a: bad"
OLD, BAD, MENDED = (published(f"CDS a={n} b=0 LDS l=0 SDS s=0") for n in range(3))


@dataclass
class Ear:
    """Hears the server. An answer has come when the server says that it has."""

    told: list[tuple[type[Heard], str]] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: Heard) -> None:
        if isinstance(event, Acked | Nacked):
            self.told.append((type(event), event.node))
            self.moved.set()

    async def until(self, kind: type[Heard], node: str) -> None:
        """Wait for an answer of a node, and forget what was heard before."""
        while (kind, node) not in self.told:
            self.moved.clear()
            await self.moved.wait()
        self.told.clear()


@dataclass
class Stage:
    server: Server
    ear: Ear
    target: str
    delta: bool

    def node(self, node: str, group: str = "g") -> AbstractAsyncContextManager[RawClient]:
        return raw_client(self.target, delta=self.delta, node=node, group=group)

    async def takes(self, client: RawClient) -> None:
        """Ask for clusters, and ACK them."""
        await client.ask(CLUSTER)
        await client.ack()
        await self.ear.until(Acked, client.node)

    async def refuses(self, client: RawClient) -> None:
        """Refuse the next push."""
        assert b"a 1" in (await client.nack(WHY)).bodies
        await self.ear.until(Nacked, client.node)


async def nothing_comes(client: RawClient) -> None:
    """See that all that the server had to send before this has been read."""
    await client.ask(SECRET, "s")
    assert (await client.ack()).type_url == SECRET


def run(folder: Path, body: Callable[[Stage], Awaitable[None]], *, delta: bool) -> None:
    async def whole() -> None:
        target, ear = f"unix:{folder}/xds.sock", Ear()
        async with asyncio.timeout(20), Server(target, heard=ear) as server:
            await body(Stage(server, ear, target, delta))

    asyncio.run(whole())


@BOTH
def test_it_counts_from_the_first_request_on(tmp_path: Path, *, delta: bool) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(BAD)
        async with stage.node("one") as one, stage.node("two") as two:
            await one.ask(CLUSTER)
            await stage.refuses(one)
            await two.ask(CLUSTER)
            assert (await two.ack()).bodies == (b"b 0",)
            await nothing_comes(two)

    run(tmp_path, body, delta=delta)


@BOTH
def test_it_is_lifted_only_together_with_what_comes_instead(tmp_path: Path, *, delta: bool) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with stage.node("one") as one, stage.node("two") as two:
            await stage.takes(one)
            await two.ask(CLUSTER)
            first = await two.answer()
            stage.server.publish(BAD)
            await stage.refuses(one)
            await two.ask(CLUSTER, nonce=first.nonce)
            await nothing_comes(two)
            stage.server.publish(MENDED)
            next_one = await two.ack()
            assert b"a 2" in next_one.bodies
            await two.ask(LISTENER)
            assert (await two.ack()).type_url == LISTENER

    run(tmp_path, body, delta=delta)


@BOTH
def test_it_is_lifted_for_all_once_another_of_the_group_takes_it(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(BAD)
        async with (
            stage.node("one") as one,
            stage.node("two") as two,
            stage.node("three") as three,
        ):
            await two.ask(CLUSTER)
            sent = await two.answer()  # before anybody has refused it
            await one.ask(CLUSTER)
            await stage.refuses(one)
            await three.ask(CLUSTER)
            assert (await three.ack()).bodies == (b"b 0",)
            await nothing_comes(three)
            await two.ask(CLUSTER, nonce=sent.nonce)
            assert b"a 1" in (await three.ack()).bodies

    run(tmp_path, body, delta=delta)


@BOTH
def test_what_was_accepted_is_kept_from_nobody_and_stops_no_version(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(BAD)
        stage.server.accept(BAD)
        async with stage.node("one") as one, stage.node("two") as two:
            for type_url in (CLUSTER, LISTENER):
                await two.ask(type_url)
                await two.ack()
            await one.ask(CLUSTER)
            await stage.refuses(one)
            async with stage.node("three") as three:
                await three.ask(CLUSTER)
                assert (await three.ack()).bodies == (b"a 1", b"b 0")
            outcome = await stage.server.settled(BAD.version, within=10)
            assert (outcome.state, outcome.nacks) == ("live", ())

    run(tmp_path, body, delta=delta)


@BOTH
def test_nodes_without_a_group_and_of_others_do_not_share_it(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(BAD)
        async with stage.node("one", "") as one, stage.node("two", "") as two:
            await one.ask(CLUSTER)
            await stage.refuses(one)
            await two.ask(CLUSTER)
            assert (await two.answer()).bodies == (b"a 1", b"b 0")
        async with stage.node("three") as three, stage.node("four", "h") as four:
            await three.ask(CLUSTER)
            await stage.refuses(three)
            await four.ask(CLUSTER)
            assert (await four.answer()).bodies == (b"a 1", b"b 0")

    run(tmp_path, body, delta=delta)
