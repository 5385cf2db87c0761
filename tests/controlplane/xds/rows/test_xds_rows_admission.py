"""Row 43: so many streams start at once, and the others come again later."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import grpc
import pytest

from controlplane.snapshot import CLUSTER
from controlplane.xds.options import ServerOptions
from controlplane.xds.server import Server
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.raw_client import RawClient, gone, raw_client

BOTH = pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])


@BOTH
def test_row_43_more_streams_than_may_start_at_once_are_refused(
    tmp_path: Path, *, delta: bool
) -> None:
    """Who ACKed its first push has started, however much follows, and makes room for another."""

    async def body() -> None:
        target = f"unix:{tmp_path}/xds.sock"
        async with (
            asyncio.timeout(30),
            AsyncExitStack() as clients,
            Server(target, options=ServerOptions(starting=2)) as server,
        ):
            server.publish(published("CDS a=1"))

            async def start(node: str) -> RawClient:
                client = await clients.enter_async_context(
                    raw_client(target, delta=delta, node=node)
                )
                with suppress(grpc.aio.AioRpcError):  # it may have been refused already
                    await client.ask(CLUSTER)
                return client

            one, two = await start("one"), await start("two")
            first = await one.answer()
            await two.answer()
            assert await (await start("three")).status() == grpc.StatusCode.RESOURCE_EXHAUSTED
            await one.ask(CLUSTER, nonce=first.nonce)
            server.publish(published("CDS a=2"))
            assert (await one.answer()).bodies == (b"a 2",)
            four = await start("four")
            assert (await four.answer()).bodies == (b"a 2",)
            assert await (await start("five")).status() == grpc.StatusCode.RESOURCE_EXHAUSTED
            two.call.cancel()
            await gone(server, "two")
            assert (await (await start("six")).answer()).bodies == (b"a 2",)

    asyncio.run(body())
