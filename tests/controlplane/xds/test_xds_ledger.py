"""What an Envoy is sent is written down before: nobody else knows what a SotW node holds."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from controlplane.xds import ledger
from controlplane.xds.memory import Memory
from controlplane.xds.options import ServerOptions
from controlplane.xds.server import Server
from controlplane.xds.stream import Stream
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.crowd import Recording, run
from tests.controlplane.xds.test_xds_server import Client, address, connected

ONE = published("CDS a=1")
HELD_BACK_SECONDS = 0.2
"""For how long a reply is looked for that must not come."""


def served(
    folder: Path, memory: Memory, body: Callable[[Server, Client], Coroutine[object, object, None]]
) -> None:
    async def whole() -> None:
        options = ServerOptions(memory=memory)
        async with Server(address(folder), options=options) as server:
            server.publish(ONE)
            async with connected(address(folder)) as client:
                await client.ask()
                await body(server, client)

    run(whole())


def test_a_reply_waits_until_what_it_holds_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SECONDS", 60.0)

    async def body(server: Server, client: Client) -> None:
        await server.ledger.dirty.wait()
        reply = asyncio.create_task(client.answer())
        assert not (await asyncio.wait({reply}, timeout=HELD_BACK_SECONDS))[0]
        taken = server.ledger.take()
        assert not (await asyncio.wait({reply}, timeout=HELD_BACK_SECONDS))[0]
        server.ledger.written()
        assert [one.name for layers in taken["n"].values() for one in layers[-1].values()] == ["a"]
        assert (await reply).resources

    served(tmp_path, Recording(), body)


def test_what_was_noted_after_it_was_taken_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "SECONDS", 60.0)

    async def body() -> None:
        mine, stream = ledger.Ledger(tuple), Stream(id="s", delta=False, node="n")
        mine.note(stream)
        mine.take()
        mine.note(stream)
        second = asyncio.create_task(mine.until_written())
        mine.written()
        assert not (await asyncio.wait({second}, timeout=HELD_BACK_SECONDS))[0]
        mine.take()
        mine.written()
        await second

    run(body())


def test_a_disk_that_is_slow_keeps_no_node_from_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SECONDS", 0.01)

    async def body(_: Server, client: Client) -> None:
        assert (await client.answer()).resources

    served(tmp_path, Recording(), body)


def test_without_a_state_folder_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SECONDS", 3600.0)

    async def body(_: Server, client: Client) -> None:
        assert (await client.answer()).resources

    served(tmp_path, Memory(), body)
