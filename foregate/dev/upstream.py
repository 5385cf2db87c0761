"""The demo upstream: an HTTP/1.1 server that answers each request with what arrived.

Run as a child: each line on stdin is a JSON list of the backends to serve from now on; the answer
on stdout names those that could not be. It ends with its stdin. Run by itself, as in a container,
its arguments say what it serves until a signal ends it: `python -m foregate.dev.upstream
NAME=HOST:PORT…`.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass

HEAD = 64 << 10
"""Bytes of a request's head that are read; Envoy's own bound is lower."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A backend's name with one of its addresses."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What arrived. Header names are in lower case; `body` is its length in bytes."""

    method: str
    target: str
    headers: Headers
    body: int


class BadRequestError(Exception):
    """Not HTTP/1.1 as a proxy writes it."""


def answer(request: Request, backend: Backend) -> bytes:
    """Write the response: JSON with the request and who answers; plain words on `/healthz`."""
    path, _, query = request.target.partition("?")
    if path == "/healthz":
        return _response(request.method, "text/plain", b"ok\n")
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    echo = {
        "backend": backend.name,
        "port": backend.port,
        "method": request.method,
        "path": path,
        "query": query,
        "headers": headers,
        "body": request.body,
    }
    body = json.dumps(echo, indent=2).encode() + b"\n"
    return _response(request.method, "application/json", body)


def head_of(data: bytes) -> tuple[str, str, Headers]:
    """Read a request's head: method, target, headers. Raises BadRequestError."""
    first, *lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError(first)
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError(line)
        headers.append((name.strip().lower(), value.strip()))
    return words[0], words[1], tuple(headers)


async def serve(backend: Backend) -> asyncio.Server:
    """Listen for one backend; raises OSError where its address is taken."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await _requests(reader, writer, backend)
            except (BadRequestError, ValueError, asyncio.LimitOverrunError):
                writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    return await asyncio.start_server(connection, backend.host, backend.port, limit=HEAD)


async def _requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend
) -> None:
    """Answer the requests of one connection until either side closes it."""
    while True:
        method, target, headers = head_of(await reader.readuntil(b"\r\n\r\n"))
        fields = dict(headers)
        if "chunked" in fields.get("transfer-encoding", ""):
            length = await _chunks(reader)
        else:
            length = int(fields.get("content-length", "0"))
            await _skip(reader, length)
        request = Request(method=method, target=target, headers=headers, body=length)
        writer.write(answer(request, backend))
        await writer.drain()
        if fields.get("connection", "").lower() == "close":
            return


async def _chunks(reader: asyncio.StreamReader) -> int:
    """Skip a chunked body with its trailers, and give its length."""
    total = 0
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        await _skip(reader, size + 2)
        total += size
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return total


async def _skip(reader: asyncio.StreamReader, count: int) -> None:
    while count > 0:
        data = await reader.read(min(count, HEAD))
        if not data:
            raise asyncio.IncompleteReadError(b"", count)
        count -= len(data)


def _response(method: str, kind: str, body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\n"
        f"content-type: {kind}\r\n"
        f"content-length: {len(body)}\r\n"
        "server: foregate-demo\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else body)


async def main() -> None:
    """Serve what stdin says until it closes."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    servers: dict[Backend, asyncio.Server] = {}
    while line := await lines.readline():
        wanted = [Backend(name=n, host=h, port=p) for n, h, p in json.loads(line)]
        for gone in servers.keys() - set(wanted):
            servers.pop(gone).close()
        failed: list[tuple[str, str]] = []
        for backend in wanted:
            if backend not in servers:
                try:
                    servers[backend] = await serve(backend)
                except OSError as error:
                    failed.append((backend.name, error.strerror or str(error)))
        sys.stdout.write(json.dumps(failed) + "\n")
        sys.stdout.flush()


def named(argument: str) -> Backend:
    """Read `NAME=HOST:PORT`; raises ValueError."""
    name, _, address = argument.partition("=")
    host, _, port = address.rpartition(":")
    if not (name and host):
        raise ValueError(f"{argument} is not NAME=HOST:PORT")
    return Backend(name=name, host=host.strip("[]"), port=int(port))


async def stand_alone(backends: Iterable[Backend]) -> None:
    """Serve these until SIGTERM or Ctrl-C; raises OSError where an address is taken."""
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    for backend in backends:
        await serve(backend)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(stand_alone(map(named, sys.argv[1:])) if sys.argv[1:] else main())
