"""A real Envoy whose routes move between pages and one table, under load: no request is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controlplane.build import Build, Options, build
from controlplane.snapshot import ROUTES, Snapshot
from controlplane.sources import SourceFile
from controlplane.xds.options import ServerOptions
from controlplane.xds.server import Server
from tests.controlplane.small_pages import in_pages
from tests.controlplane.xds.envoy_fleet import DEADLINE, Envoy, backend, running, until
from tests.e2e.process import free_port

OPTIONS = Options(loopback=True, trust_store="/authorities.crt")
PATHS = ("/users/1", "/orders/1", "/items/1", "/items/special/1", "/open")


@dataclass
class Book:
    """What was answered, and what was not."""

    answers: list[tuple[str, int]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    async def more(self, count: int = 60) -> None:
        """Wait for as many answers."""
        wanted = len(self.answers) + count

        async def there() -> bool:
            return len(self.answers) >= wanted

        await until(there)


def gateway(port: int, to: int, *more: str) -> Build:
    lines = [
        f'version: 1\nlisten: {{http: "127.0.0.1:{port}"}}\ndefaults: {{auth: none}}',
        f"backends: {{a: 'http://127.0.0.1:{to}'}}\nroutes:",
        "- {path: /users/**, to: a}",
        "- {path: /orders/**, to: a}",
        "- {path: /items/**, to: a}",
        '- {path: "/items/special/{id}", to: a}',
        "- {path: /open, to: a}",
        *more,
    ]
    made = build((SourceFile(name="gateway.yaml", data="\n".join(lines).encode()),), OPTIONS)
    assert made.snapshot is not None, made.mistakes
    return made


def paged(one: Build, largest: int) -> Snapshot:
    made = in_pages(one, OPTIONS, largest).snapshot
    assert made is not None
    return made


def plain(one: Build) -> Snapshot:
    assert one.snapshot is not None
    return one.snapshot


async def _ask(port: int, book: Book, ended: asyncio.Event) -> None:
    """Ask on connections that are kept; one that the gateway says it closes is opened again."""
    number = 0
    while not ended.is_set():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        closes = False
        while not (closes or ended.is_set()):
            path = PATHS[number % len(PATHS)]
            number += 1
            try:
                request = f"GET {path} HTTP/1.1\r\nhost: any.test\r\n\r\n"
                writer.write(request.encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, _, length = head.partition("content-length: ")
                await reader.readexactly(int(length.split("\r")[0] or 0))
            except (OSError, asyncio.IncompleteReadError) as error:
                book.lost.append(f"{path}: {error!r}")
                break
            book.answers.append((path, int(head.split()[1])))
            closes = "connection: close" in head
            await asyncio.sleep(0.001)
        writer.close()


@asynccontextmanager
async def load(port: int) -> AsyncIterator[Book]:
    book, ended = Book(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(_ask(port, book, ended))
        try:
            yield book
        finally:
            ended.set()


async def live(server: Server, snapshot: Snapshot) -> None:
    server.publish(snapshot)
    outcome = await server.settled(snapshot.version, within=DEADLINE)
    assert outcome.state == "live", outcome


async def tables(envoy: Envoy, whole: Snapshot) -> dict[str, int]:
    """How often each table was read."""
    return {
        name: await envoy.stat(f"http.http.rds.{name}.config_reload") for name in whole.of(ROUTES)
    }


@pytest.mark.parametrize("delta", [True, False], ids=["delta", "sotw"])
def test_routes_move_between_pages_and_one_table_and_nothing_is_lost(
    tmp_path: Path, *, delta: bool
) -> None:
    async def whole() -> None:
        port = free_port()
        async with (
            backend("a") as to,
            Server(f"unix:{tmp_path}/xds.sock", options=ServerOptions(drain_seconds=1)) as server,
            running(tmp_path, delta=delta) as envoy,
        ):
            first = gateway(port, to)
            pages = paged(first, 1)
            assert len(pages.of(ROUTES)) > 4
            await live(server, pages)
            await envoy.port()
            before = await tables(envoy, pages)
            async with load(port) as book:
                await book.more()
                other = gateway(port, to, "- {path: /users/two, to: a, timeout: 3s}")
                changed = paged(other, 1)
                await live(server, changed)
                same = {
                    n for n in pages.of(ROUTES) if changed.of(ROUTES).get(n) == pages.of(ROUTES)[n]
                }
                assert len(same) >= len(pages.of(ROUTES)) - 2
                after = await tables(envoy, pages)
                assert {n for n in same if after[n] != before[n]} == set()
                await book.more()
                for turn in (paged(other, 3), paged(first, 1), plain(first), paged(first, 2)):
                    await live(server, turn)
                    await book.more()
                await live(server, plain(other))
                await book.more()
            assert book.lost == []
            assert {status for _, status in book.answers} == {200}
            assert len(book.answers) > 400

    asyncio.run(whole())
