"""The admin port under plain sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from serving import admin as module
from serving.address import Address, address
from serving.admin import Admin
from serving.metrics import Metrics
from serving.sockets import BindError

NAME = socket.gethostname()


class Ready:
    def __init__(self) -> None:
        self.now = False


def run(body: Callable[[Address, Ready], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        registry = CollectorRegistry()
        Counter("sample_decisions", "Decisions.", registry=registry).inc()
        ready = Ready()
        admin = Admin((registry, Metrics().registry), lambda: ready.now)
        where = await admin.start(address(":0"))
        try:
            async with asyncio.timeout(20):
                await body(where, ready)
        finally:
            await admin.stop()

    asyncio.run(all_of_it())


async def said(where: Address, sent: bytes) -> tuple[int, str, str]:
    """Status, head and body of an answer; 0 when there is none."""
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(sent)
    try:
        data = await reader.read()
    except ConnectionResetError:
        data = b""
    writer.close()
    head, _, body = data.decode().partition("\r\n\r\n")
    return int(head.split()[1]) if head else 0, head.lower(), body


def get(path: str, method: str = "GET", host: str = "localhost") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()


def test_metrics_of_service_and_process_in_one_text() -> None:
    async def body(where: Address, _: Ready) -> None:
        status, head, text = await said(where, get("/metrics"))
        assert status == 200
        assert "content-type: text/plain" in head
        families = [f.name for f in text_string_to_metric_families(text)]
        assert len(families) == len(set(families))
        assert {"sample_decisions", "foregate_xds_connected", "process_open_fds"} <= set(families)

    run(body)


def test_ready_follows() -> None:
    async def body(where: Address, ready: Ready) -> None:
        assert (await said(where, get("/ready")))[0] == 503
        ready.now = True
        assert (await said(where, get("/ready?x=1")))[0] == 200

    run(body)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (get("/"), 404),
        (get("/ready", "POST"), 405),
        (get("/metrics", "HEAD"), 405),
        (b"nonsense\r\n\r\n", 400),
        (b"GET ready HTTP/1.1\r\n\r\n", 400),
        (b"\xff \xff \xff\r\n\r\n", 400),
        (b"GET /ready HTTP/1.1\r\nhost: evil.example\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /ready HTTP/1.1\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    ],
)
def test_anything_else_is_refused(sent: bytes, status: int) -> None:
    async def body(where: Address, ready: Ready) -> None:
        ready.now = True
        assert (await said(where, sent))[0] in {status, 0 if status == 431 else status}
        assert (await said(where, get("/ready")))[0] == 200

    run(body)


@pytest.mark.parametrize("path", ["/metrics", "/ready", "/nothing"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:18090", "127.0.0.1.evil.example", "localhost.evil.example",
     "localhost:1@evil.example", "evil.example, localhost", "127.1", ""],
)  # fmt: skip
def test_a_page_of_a_name_that_was_bent_to_the_port_reads_nothing(path: str, host: str) -> None:
    async def body(where: Address, ready: Ready) -> None:
        ready.now = True
        status, _, text = await said(where, get(path, host=host))
        assert (status, text) == (403, "the host header names another machine\n")

    run(body)


@pytest.mark.parametrize(
    "host", ["10.0.0.1:18090", "127.0.0.1", "[2001:db8::1]:18090", "[::1]", "LocalHost:1"]
)
def test_who_reads_names_an_address(host: str) -> None:
    async def body(where: Address, ready: Ready) -> None:
        ready.now = True
        assert (await said(where, get("/ready", host=host)))[0] == 200
        probe = b"GET /ready HTTP/1.0\r\n\r\n"
        assert (await said(where, probe))[0] == 200

    run(body)


def test_who_reads_may_name_what_is_listened_on() -> None:
    async def all_of_it() -> None:
        admin = Admin((), lambda: True)
        where = await admin.start(Address(host=NAME, port=0))
        try:
            async with asyncio.timeout(20):
                assert (await said(where, get("/ready", host=f"{NAME.upper()}:{where.port}")))[
                    0
                ] == 200
                assert (await said(where, get("/ready", host="other")))[0] == 403
        finally:
            await admin.stop()

    asyncio.run(all_of_it())


def test_a_client_that_sends_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)

    async def body(where: Address, _: Ready) -> None:
        assert await said(where, b"GET /ready") == (0, "", "")

    run(body)


def test_one_connection_more_than_allowed_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECTIONS", 1)

    async def body(where: Address, _: Ready) -> None:
        _reader, writer = await asyncio.open_connection(where.host, where.port)
        writer.write(b"GET")
        assert await said(where, get("/ready")) == (0, "", "")
        writer.close()

    run(body)


def test_more_pages_are_made_when_they_are_asked_for() -> None:
    made: list[bytes] = []

    def page() -> tuple[str, bytes]:
        made.append(b"x")
        return "application/json", b"[%d]" % len(made)

    async def all_of_it() -> None:
        admin = Admin((), lambda: True, {"/fleet": page})
        where = await admin.start(address(":0"))
        try:
            async with asyncio.timeout(20):
                assert made == []
                status, head, body = await said(where, get("/fleet"))
                assert (status, body) == (200, "[1]")
                assert "content-type: application/json\r\n" in head
                assert (await said(where, get("/fleet?x=1")))[2] == "[2]"
                assert (await said(where, get("/fleet", "POST")))[0] == 405
                assert (await said(where, get("/ready")))[2] == "ready\n"
                missing = await said(where, get("/fleets"))
                assert missing[::2] == (404, "/fleet, /metrics and /ready are here\n")
        finally:
            await admin.stop()

    asyncio.run(all_of_it())


def test_without_more_pages_there_are_two() -> None:
    async def body(where: Address, _: Ready) -> None:
        missing = await said(where, get("/fleet"))
        assert missing[::2] == (404, "/metrics and /ready are here\n")

    run(body)


def test_a_port_that_is_taken_is_said() -> None:
    async def body(where: Address, _: Ready) -> None:
        with pytest.raises(BindError, match="cannot be listened on"):
            await Admin((), lambda: True).start(where)

    run(body)
