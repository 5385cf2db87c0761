"""An issuer that misbehaves on request: a real HTTP(S) server with an answer for each path."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Answer: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What goes over the wire as it is, or something that writes it."""

METADATA = "/.well-known/openid-configuration"


def key(kid: str) -> dict[str, Any]:
    """A public key that looks sound."""
    return {"kty": "RSA", "kid": kid, "n": "AQAB" * 64, "e": "AQAB"}


def jwks(*kids: str) -> dict[str, Any]:
    return {"keys": [key(kid) for kid in kids]}


def ok(body: Any, **headers: str) -> bytes:
    """A 200 with a body: bytes as they are, anything else as JSON."""
    return status(200, body if isinstance(body, bytes) else json.dumps(body).encode(), **headers)


def status(code: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} X", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def stalled(_: asyncio.StreamWriter) -> None:
    """Say nothing, until the client is gone."""


async def half(writer: asyncio.StreamWriter) -> None:
    """Promise more than ever comes."""
    writer.write(b'HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{"keys":')


@dataclass
class Issuer:
    """`seen` counts the requests of each path. `at` is where it listens."""

    at: str
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    open: int = 0
    most: int = 0

    async def asked(self, path: str, times: int) -> None:
        """Wait until a path was asked for so many times."""
        async with self.moved:
            await self.moved.wait_for(lambda: self.seen[path] >= times)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request, *lines = head.split("\r\n")
            path = request.split()[1]
            self.headers.append(dict(line.lower().split(": ", 1) for line in lines if line))
            self.open += 1
            self.most = max(self.most, self.open)
            async with self.moved:
                self.seen[path] += 1
                self.moved.notify_all()
            answer = self.answers.get(path, status(404))
            if isinstance(answer, bytes):
                writer.write(answer)
                writer.write_eof() if writer.can_write_eof() else writer.close()
            else:
                await answer(writer)
            await reader.read()
            self.open -= 1
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def issuer(trust: ssl.SSLContext | None = None) -> AsyncIterator[Issuer]:
    """Run an issuer on this machine, over TLS where a context is given."""
    running: set[asyncio.Task[None]] = set()
    mine = Issuer(at="")

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(mine.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=trust)
    port = server.sockets[0].getsockname()[1]
    mine.at = f"http://127.0.0.1:{port}" if trust is None else f"https://localhost:{port}"
    try:
        yield mine
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
