"""The demo upstream: what it answers, over real sockets, and how it is told what to serve."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from foregate.dev.standin import StandIn
from foregate.dev.supervise import ChildFailedError, Event, Program, Ready, supervise
from foregate.dev.upstream import Backend, BadRequestError, head_of, named, serve
from tests.e2e.process import ROOT
from tests.e2e.process import Process as Child
from tests.foregate.dev_processes import DEADLINE, free_port, gone


async def exchange(port: int, sent: bytes) -> bytes:
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer


async def listened(port: int, sent: bytes) -> bytes:
    """The exchange, once somebody listens."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                return await exchange(port, sent)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)


def talk(sent: bytes) -> bytes:
    async def play() -> bytes:
        port = free_port()
        async with await serve(Backend(name="users", host="127.0.0.1", port=port)):
            return await exchange(port, sent)

    return asyncio.run(play())


def bodies(answer: bytes) -> list[dict[str, object]]:
    """The JSON bodies of several answers on one connection."""
    found = []
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(json.loads(rest[:length]))
        answer = rest[length:]
    return found


def test_it_answers_with_what_arrived() -> None:
    sent = b"PUT /a/b?c=d HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 3\r\n\r\nabc"
    (body,) = bodies(talk(sent))
    assert isinstance(body.pop("port"), int)
    assert body == {
        "backend": "users",
        "method": "PUT",
        "path": "/a/b",
        "query": "c=d",
        "headers": {"host": "x", "x-a": "1, 2", "content-length": "3"},
        "body": 3,
    }


def test_a_connection_is_kept_over_bodies_of_both_kinds() -> None:
    sent = (
        b"POST /1 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        b"4\r\nGET \r\n3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n"
        b"POST /2 HTTP/1.1\r\ncontent-length: 5\r\n\r\n12345"
        b"GET /3 HTTP/1.1\r\nconnection: close\r\n\r\n"
        b"GET /never HTTP/1.1\r\n\r\n"
    )
    assert [(one["path"], one["body"]) for one in bodies(talk(sent))] == [
        ("/1", 7),
        ("/2", 5),
        ("/3", 0),
    ]


def test_health_is_plain_and_head_has_no_body() -> None:
    assert talk(b"GET /healthz HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\nok\n")
    answer = talk(b"HEAD / HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 0" not in answer


@pytest.mark.parametrize("sent", [b"\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nx\r\n\r\n"])
def test_what_is_not_http_is_refused(sent: bytes) -> None:
    with pytest.raises(BadRequestError):
        head_of(sent)
    assert talk(sent).startswith(b"HTTP/1.1 400 ")


def wanted(backend: Backend) -> tuple[str, str, int]:
    return backend.name, backend.host, backend.port


def test_the_child_is_told_what_to_serve_and_says_what_it_could_not(tmp_path: Path) -> None:
    async def play() -> None:
        demo = StandIn("upstream", "upstream.py", tmp_path)
        ready = asyncio.Event()
        child = asyncio.create_task(supervise(demo.program, demo.ready, lambda _: ready.set()))
        async with asyncio.timeout(DEADLINE):
            await ready.wait()
        first = Backend(name="first", host="127.0.0.1", port=free_port())
        second = Backend(name="second", host="127.0.0.1", port=free_port())
        taken = Backend(name="taken", host="127.0.0.1", port=free_port())
        async with await serve(taken):
            assert await demo.serve([wanted(first), wanted(taken)]) == {"taken"}
        assert b'"first"' in await exchange(first.port, b"GET / HTTP/1.1\r\n\r\n")
        assert await demo.serve([wanted(second)]) == frozenset()
        assert b'"second"' in await exchange(second.port, b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionRefusedError):
            await exchange(first.port, b"GET / HTTP/1.1\r\n\r\n")
        child.cancel()
        await asyncio.wait({child})
        with pytest.raises(ConnectionRefusedError):
            await exchange(second.port, b"GET / HTTP/1.1\r\n\r\n")

    asyncio.run(play())


def test_a_child_that_ignores_the_asking_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foregate.dev.supervise.END_SECONDS", 0.2)

    async def play() -> None:
        pids: list[int] = []
        events: list[Event] = []
        up = asyncio.Event()

        async def ready(process: asyncio.subprocess.Process) -> None:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"deaf\n"
            pids.append(process.pid)

        def report(event: Event) -> None:
            events.append(event)
            up.set()

        script = "trap '' TERM; echo deaf; while :; do sleep 1; done"
        program = Program(
            name="deaf", command=("/bin/sh", "-c", script), log=tmp_path / "log", piped=True
        )
        child = asyncio.create_task(supervise(program, ready, report))
        async with asyncio.timeout(DEADLINE):
            await up.wait()
            child.cancel()
            await asyncio.wait({child})
        assert events == [Ready(name="deaf", again=False)]
        await gone(pids[0])

    asyncio.run(play())


def test_a_child_that_never_was_ready_is_not_tried_again(tmp_path: Path) -> None:
    async def never(_: asyncio.subprocess.Process) -> None:
        await asyncio.Event().wait()

    async def play() -> None:
        program = Program(
            name="x",
            command=("/bin/sh", "-c", "echo why >&2; exit 3"),
            log=tmp_path / "log",
        )
        with pytest.raises(ChildFailedError) as raised:
            await supervise(program, never, lambda _: None)
        assert (raised.value.how, raised.value.words) == ("ended with exit code 3", ("why",))

    asyncio.run(play())


@pytest.mark.parametrize("text", ["", "users", "users=", "users=9101", "=h:1", "users=h:x"])
def test_an_argument_is_a_name_and_an_address(text: str) -> None:
    assert named("users=0.0.0.0:9101") == Backend(name="users", host="0.0.0.0", port=9101)  # noqa: S104 # read, not bound
    assert named("users=[::1]:9101").host == "::1"
    with pytest.raises(ValueError, match=r".+"):
        named(text)


def test_by_itself_it_serves_its_arguments_until_it_is_asked_to_end() -> None:
    one, other = free_port(), free_port()
    words = [f"a=127.0.0.1:{one}", f"b=127.0.0.1:{other}"]
    child = Child([sys.executable, "-m", "foregate.dev.upstream", *words], ROOT)
    for name, port in (("a", one), ("b", other)):
        (body,) = bodies(asyncio.run(listened(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")))
        assert body["backend"] == name
    assert child.end() == 0
