"""The load of the benches counts what happened: tried against a server that does all of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bench import load_client
from bench.load_client import Counts, Load
from tests.e2e.process import free_port

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none"
OTHER = GOOD.replace(b"one", b"two")
LAST = GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
DOWN = GOOD.replace(b"200 OK", b"503 Down")
SHORT = GOOD[:-1]
WITHOUT = b"HTTP/1.1 200 OK\r\n\r\none"
NOTHING = b""

FAILURES = [
    (DOWN, "status 503"),
    (OTHER, "body 'two'"),
    (SHORT, "cut"),
    (NOTHING, "no answer in time"),
    (WITHOUT, "an answer without a length"),
]


@asynccontextmanager
async def server(answers: Sequence[bytes]) -> AsyncIterator[int]:
    """Give these answers in turn, then GOOD; cut after SHORT, close after LAST."""
    turn = iter(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                answer = next(turn, GOOD)
                writer.write(answer)
                if answer in (SHORT, LAST):
                    break
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    made = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()


def counted(*answers: bytes, more: int = 20) -> Counts:
    """What one connection counts against these answers and a few good ones."""

    async def play() -> Counts:
        async with server(answers) as port, asyncio.timeout(20):
            load = Load(port, ("one",), connections=1, rate=0)
            running = asyncio.create_task(load.run())
            while load.counts.bodies["one"] < more:  # noqa: ASYNC110 # a load tells nobody
                await asyncio.sleep(0.001)
            load.ending = True
            await running
            return load.counts

    return asyncio.run(play())


@pytest.mark.parametrize(("answer", "kind"), FAILURES)
def test_what_is_no_answer_is_counted_by_its_kind(
    answer: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_client, "SECONDS", 0.1)
    counts = counted(GOOD, answer)
    assert counts.failed == {kind: 1}
    assert counts.asked == counts.bodies["one"] + 1


def test_a_close_that_was_said_before_is_no_failure() -> None:
    counts = counted(GOOD, LAST, GOOD, LAST)
    assert counts.failed == {}
    assert counts.asked == counts.bodies["one"]


def test_a_port_without_a_listener_is_counted() -> None:
    async def play() -> Counts:
        async with asyncio.timeout(20):
            load = Load(free_port(), ("one",), connections=1, rate=0)
            running = asyncio.create_task(load.run())
            while not load.counts.failed:  # noqa: ASYNC110 # a load tells nobody
                await asyncio.sleep(0.001)
            load.ending = True
            await running
            return load.counts

    counts = asyncio.run(play())
    assert counts.failed == {"no connection: ConnectionRefusedError": counts.asked}
