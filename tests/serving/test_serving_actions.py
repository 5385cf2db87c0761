"""Actions of the admin port: they change something, so no web page may ask for them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

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


def test_half_a_body_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACTION_SECONDS", 0.2)

    async def body(where: Address, asked: Asked) -> None:
        assert (await said(where, post(b"{", length="20")))[0] == 0
        assert asked == []

    run(body)


def test_an_action_may_take_longer_than_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)

    async def body(where: Address, asked: Asked) -> None:
        reader, writer = await asyncio.open_connection(where.host, where.port)
        writer.write(post(b"{", length="2"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.4)
        writer.write(b"}")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        assert asked == [b"{}"]

    run(body)


def test_actions_are_on_a_socket_too(tmp_path: Path) -> None:
    async def body(where: Address, asked: Asked) -> None:
        reader, writer = await asyncio.open_unix_connection(where.path)
        writer.write(post(host="localhost"))
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        assert asked == [b"{}"]

    run(body, f"unix:{tmp_path}/a.sock")
