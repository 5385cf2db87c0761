"""A node that answers nothing makes a version late for a time only: raw streams on the server."""

import asyncio
from pathlib import Path

import pytest

from controlplane.snapshot import CLUSTER, LISTENER
from controlplane.xds import roll
from controlplane.xds.server import Server
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.raw_client import raw_client

ONE = published("CDS a=1 LDS l=1")


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
def test_a_version_is_live_without_who_says_nothing_but_not_with_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, delta: bool
) -> None:
    async def body() -> None:
        monkeypatch.setattr(roll, "SILENT_SECONDS", 0.05)
        target = f"unix:{tmp_path}/xds.sock"
        silent = asyncio.Event()
        async with (
            asyncio.timeout(20),
            Server(target, heard=lambda _: silent.set()) as server,
            raw_client(target, delta=delta, node="silent") as slow,
            raw_client(target, delta=delta, node="good") as good,
        ):
            server.publish(ONE)
            await slow.ask(CLUSTER)
            await silent.wait()
            assert server.outcome(ONE.version) is None
            for type_url in (CLUSTER, LISTENER):
                await good.ask(type_url)
                await good.ack()
            outcome = await server.settled(ONE.version, within=10, nodes=2)
            assert outcome.state == "live"

    asyncio.run(body())
