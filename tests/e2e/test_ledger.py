"""The ledger counts what happened: tried against servers that answer, deny, stall, cut and die."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.ledger import Credential, Ledger, Load, Record, running, wait_for_more
from tests.e2e.process import free_port

GOOD = Credential(kind="good", may_pass=True, headers={"authorization": "good"})
BAD = Credential(kind="bad", may_pass=False, headers={"authorization": "bad"})

Answer = Callable[[bytes], Awaitable[bytes]]


def record(number: int, credential: Credential, status: int, at: float = 0.0) -> Record:
    error = "" if status else "cut"
    return Record(
        id=number,
        credential=credential,
        due=at,
        sent=at,
        answered=at + 0.5,
        status=status,
        error=error,
    )


@contextmanager
def server(answer: Answer, port: int = 0) -> Iterator[int]:
    """Answers each request on its own connections; an empty answer cuts the connection."""
    port, up, stop = port or free_port(), threading.Event(), threading.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while said := await answer(await reader.readuntil(b"\r\n\r\n")):
                writer.write(said)
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def play() -> None:
        made = await asyncio.start_server(talk, "127.0.0.1", port)
        up.set()
        await asyncio.to_thread(stop.wait)
        made.close()

    thread = threading.Thread(target=lambda: asyncio.run(play()))
    thread.start()
    assert up.wait(10)
    yield port
    stop.set()
    thread.join()


def plain(status: int, body: bytes = b"hello") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def strict(head: bytes) -> bytes:
    return plain(200 if b"authorization: good" in head else 401)


def test_what_the_book_says_of_its_records() -> None:
    ledger = Ledger(
        [
            record(0, GOOD, 200, at=1),
            record(1, BAD, 401, at=2),
            record(2, BAD, 200, at=3),
            record(3, GOOD, 403, at=4),
            record(4, GOOD, 0, at=5),
            record(5, GOOD, 503, at=6),
            record(6, BAD, 429, at=7),
        ]
    )
    assert ledger.statuses() == {200: 2, 401: 1, 403: 1, 0: 1, 503: 1, 429: 1}
    assert [r.id for r in ledger.wrong_allows()] == [2]
    assert [r.id for r in ledger.wrong_denials()] == [3]
    assert [r.id for r in ledger.lost()] == [4]
    assert [r.id for r in ledger.of("bad")] == [1, 2, 6]
    assert [r.id for r in ledger.between(2, 4.4)] == [1, 2]
    assert ledger.slowest() == 0.5
    assert Ledger().slowest() == 0


def test_answers_are_written_down_by_kind() -> None:
    with server(strict) as port:
        load = Load(host="127.0.0.1", port=port, credentials=(GOOD, BAD), rate=400, connections=4)
        with running(load) as ledger:
            wait_for_more(ledger, 40)
    assert ledger.of("good").statuses().keys() == {200}
    assert ledger.of("bad").statuses().keys() == {401}
    assert not ledger.wrong_allows()
    assert not ledger.lost()
    numbers = sorted(r.id for r in ledger)
    assert numbers == list(range(len(numbers)))  # each number once: nothing is sent again


def test_an_open_door_is_seen() -> None:
    async def open_door(_: bytes) -> bytes:
        return plain(200)

    with server(open_door) as port:
        load = Load(host="127.0.0.1", port=port, credentials=(GOOD, BAD), rate=400)
        with running(load) as ledger:
            wait_for_more(ledger, 20)
    assert len(ledger.wrong_allows()) == len(ledger.of("bad")) > 0


def test_a_stall_a_cut_and_a_refusal_are_losses() -> None:
    async def stall(_: bytes) -> bytes:
        await asyncio.sleep(60)
        return b""

    async def cut(_: bytes) -> bytes:
        return b""

    async def half(_: bytes) -> bytes:
        return plain(200)[:-1]

    for answer, why in ((stall, "TimeoutError"), (cut, "IncompleteRead"), (half, "TimeoutError")):
        with server(answer) as port:
            load = Load(
                host="127.0.0.1", port=port, credentials=(GOOD,), connections=2, timeout=0.1
            )
            with running(load) as ledger:
                wait_for_more(ledger, 2)
        assert ledger.statuses().keys() == {0}
        assert all(r.error.startswith((why, "Connection")) for r in ledger.lost())
    with running(
        Load(host="127.0.0.1", port=free_port(), credentials=(GOOD,), connections=2)
    ) as ledger:
        wait_for_more(ledger, 2)
    assert all(r.error.startswith("ConnectionRefused") for r in ledger.lost())


def test_it_goes_on_over_an_outage_of_the_server() -> None:
    port = free_port()
    load = Load(host="127.0.0.1", port=port, credentials=(GOOD,), rate=200, connections=2)
    with server(strict, port), running(load) as ledger:
        wait_for_more(ledger, 10)
    assert ledger.statuses().keys() == {200}
    with running(load) as ledger:
        wait_for_more(ledger, 10)
        down = time.monotonic()
        with server(strict, port):
            up = time.monotonic()
            wait_for_more(ledger, 10)
            well = time.monotonic()
    assert ledger.between(0, down).statuses().keys() == {0}
    assert ledger.between(up, well).statuses()[200] >= 9


@pytest.mark.parametrize("form", ["chunked", "closing", "empty"])
def test_every_form_of_an_answer_is_read_whole(form: str) -> None:
    said = {
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n",
        "closing": b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n",
        "empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    }[form]

    async def answer(_: bytes) -> bytes:
        return said

    with server(answer) as port:
        load = Load(host="127.0.0.1", port=port, credentials=(GOOD,), rate=0, connections=2)
        with running(load) as ledger:
            wait_for_more(ledger, 10)
    assert ledger.statuses().keys() == {204 if form == "empty" else 200}


def test_neither_loop_sends_more_than_it_may() -> None:
    """By the book's own times: a turn is never taken before it is due."""
    with server(strict) as port:
        for rate, most in ((50.0, 50.0), (0.0, 500.0)):
            load = Load(host="127.0.0.1", port=port, credentials=(GOOD,), rate=rate, connections=8)
            before = time.monotonic()
            with running(load) as ledger:
                wait_for_more(ledger, 15)
            assert all(r.sent >= before + r.id / most for r in ledger)


def test_a_wait_for_answers_that_do_not_come_ends() -> None:
    with pytest.raises(TimeoutError, match="3 of 3"):
        wait_for_more(Ledger(), 3, seconds=0.02)
