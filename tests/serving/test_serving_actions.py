"""Actions of the admin port: they change something, so no web page may ask for them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from serving import admin as module
from serving.address import Address, address
from serving.admin import Admin
from tests.serving.test_serving_admin import said

Asked = list[bytes]


def run(body: Callable[[Address, Asked], Awaitable[None]], where: str = "127.0.0.1:0") -> None:
    async def all_of_it() -> None:
        asked: Asked = []

        async def act(data: bytes) -> tuple[int, bytes]:
            asked.append(data)
            return 200, json.dumps(len(data)).encode()

        admin = Admin((), lambda: True, {}, {"/act": act})
        listening = await admin.start(address(where))
        try:
            async with asyncio.timeout(20):
                await body(listening, asked)
        finally:
            await admin.stop()

    asyncio.run(all_of_it())


def post(data: bytes = b"{}", *more: str, host: str = "127.0.0.1:1", kind: str = "application/json",
         length: str | None = None) -> bytes:  # fmt: skip
    lines = [f"host: {host}"] if host else []
    lines += [f"content-type: {kind}"] if kind else []
    lines += [f"content-length: {len(data) if length is None else length}", *more]
    return "\r\n".join(["POST /act HTTP/1.1", *lines, "", ""]).encode() + data


@pytest.mark.parametrize(
    "host", ["127.0.0.1:18090", "127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:18090", "[::1]"]
)
def test_an_action_is_done_for_who_names_this_machine(host: str) -> None:
    async def body(where: Address, asked: Asked) -> None:
        status, head, text = await said(where, post(b'{"a": 1}', host=host))
        assert (status, text) == (200, "8")
        assert "content-type: application/json" in head
        assert asked == [b'{"a": 1}']

    run(body)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (post(host="evil.example:18090"), 403),
        (post(host="10.0.0.1:18090"), 403),
        (post(host="localhost.evil.example"), 403),
        (post(host=""), 403),
        (post(kind="text/plain"), 415),
        (post(kind="application/x-www-form-urlencoded"), 415),
        (post(kind=""), 415),
        (post(length="x"), 400),
        (post(length="-1"), 400),
        (post(length="\u0664".encode().decode("latin-1")), 400),
        (post(b"0\r\n\r\n", "transfer-encoding: chunked", length="5"), 400),
        (post(length="999999999999"), 413),
        (post(length=str(module.BODY_BYTES + 1)), 413),
        (b"GET /act HTTP/1.1\r\nhost: localhost\r\n\r\n", 405),
        (b"OPTIONS /act HTTP/1.1\r\nhost: localhost\r\n\r\n", 405),
    ],
)
def test_nothing_is_done_for_a_page_in_a_browser_or_a_broken_request(
    sent: bytes, status: int
) -> None:
    async def body(where: Address, asked: Asked) -> None:
        assert (await said(where, sent))[0] == status
        assert asked == []

    run(body)


def test_half_a_body_does_nothing_and_holds_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)

    async def body(where: Address, asked: Asked) -> None:
        sent = [said(where, post(b"{", length="20")) for _ in range(module.CONNECTIONS)]
        assert {one[0] for one in await asyncio.gather(*sent)} == {0}
        assert asked == []
        assert (await said(where, post()))[0] == 200

    run(body)


class Slow:
    """An action that takes until it is told to end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.end = asyncio.Event()
        self.state = "not begun"

    async def __call__(self, _data: bytes) -> tuple[int, bytes]:
        self.state = "half-way"
        self.begun.set()
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.state = "cancelled"
            raise
        self.state = "done"
        return 200, b"{}"


def slowly(body: Callable[[Address, Slow], Awaitable[None]]) -> Slow:
    """Run a port whose action takes its time; it is stopped at the end."""

    async def all_of_it() -> Slow:
        slow = Slow()
        admin = Admin((), lambda: True, {}, {"/act": slow})
        where = await admin.start(address("127.0.0.1:0"))
        try:
            async with asyncio.timeout(20):
                await body(where, slow)
        finally:
            await admin.stop()
        return slow

    return asyncio.run(all_of_it())


def test_an_action_may_take_longer_than_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)

    async def body(where: Address, slow: Slow) -> None:
        asking = asyncio.create_task(said(where, post()))
        await slow.begun.wait()
        await asyncio.wait({asking}, timeout=0.4)
        slow.end.set()
        assert (await asking)[0] == 200

    slowly(body)


def test_an_action_that_takes_too_long_goes_on_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ACTION_SECONDS", 0.1)

    async def body(where: Address, slow: Slow) -> None:
        status, _, text = await said(where, post())
        assert (status, json.loads(text)["error"]) == (504, "still going on: see foregate fleet")
        assert slow.state == "half-way"
        slow.end.set()

    assert slowly(body).state == "done"


def test_a_client_that_goes_away_ends_no_action() -> None:
    async def body(where: Address, slow: Slow) -> None:
        _, writer = await asyncio.open_connection(where.host, where.port)
        writer.write(post())
        await slow.begun.wait()
        writer.transport.abort()
        assert (await said(where, b"GET /ready HTTP/1.1\r\n\r\n"))[0] == 200
        assert slow.state == "half-way"
        slow.end.set()

    assert slowly(body).state == "done"


def test_the_end_of_the_port_is_the_end_of_its_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)

    async def body(where: Address, slow: Slow) -> None:
        _, writer = await asyncio.open_connection(where.host, where.port)
        writer.write(post())
        await slow.begun.wait()
        writer.close()

    assert slowly(body).state == "cancelled"


def test_actions_leave_connections_to_pages() -> None:
    async def body(where: Address, slow: Slow) -> None:
        asking = [asyncio.create_task(said(where, post())) for _ in range(module.ACTIONS)]
        while True:  # the one beyond is told so at once
            more = asyncio.create_task(said(where, post()))
            done, _ = await asyncio.wait({more}, timeout=0.5)
            if done:
                assert more.result()[0] == 503
                break
            asking.append(more)
        assert (await said(where, b"GET /ready HTTP/1.1\r\n\r\n"))[0] == 200
        slow.end.set()
        assert {one[0] for one in await asyncio.gather(*asking)} <= {200, 503}

    slowly(body)


def test_what_goes_wrong_in_an_action_is_for_the_log() -> None:
    async def fail(_data: bytes) -> tuple[int, bytes]:
        raise RuntimeError("/etc/path of ours")

    async def all_of_it() -> None:
        admin = Admin((), lambda: True, {}, {"/act": fail})
        where = await admin.start(address("127.0.0.1:0"))
        try:
            status, head, text = await said(where, post())
            assert (status, json.loads(text)) == (500, {"error": "it failed: the log says why"})
            assert "content-type: application/json" in head
            assert (await said(where, b"GET /ready HTTP/1.1\r\n\r\n"))[0] == 200
        finally:
            await admin.stop()

    with capture_logs() as logs:
        asyncio.run(all_of_it())
    (line,) = logs
    said_of_it = line["event"], line["path"], line["error"]
    assert said_of_it == ("an action failed", "/act", "RuntimeError")
    assert line["at"].startswith("test_serving_actions.py:")


def test_actions_are_on_a_socket_too(tmp_path: Path) -> None:
    async def body(where: Address, asked: Asked) -> None:
        reader, writer = await asyncio.open_unix_connection(where.path)
        writer.write(post(host="localhost"))
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        assert asked == [b"{}"]

    run(body, f"unix:{tmp_path}/a.sock")
