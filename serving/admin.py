"""The admin port: GET of /metrics, /ready and more pages, over a minimal HTTP/1.1.

One request a connection.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TypeAlias

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from serving.address import Address
from serving.sockets import BindError

HEAD_BYTES = 8192
"""A longer request head is refused."""

SECONDS = 5.0
"""How long a client may take, from connecting until it has the answer."""

CONNECTIONS = 16
"""Connections at once; another is closed."""

Page: TypeAlias = Callable[[], tuple[str, bytes]]
"""What makes a page: its content type and its body. It is called on the event loop."""

_NO_PAGES: Mapping[str, Page] = MappingProxyType({})
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"} | {
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
_TEXT = "text/plain; charset=utf-8"
_log = structlog.get_logger(__name__)


class Admin:
    """The admin server of one process; `pages` are what it has besides, by path."""

    def __init__(
        self,
        registries: Sequence[CollectorRegistry],
        ready: Callable[[], bool],
        pages: Mapping[str, Page] = _NO_PAGES,
    ) -> None:
        self._registries = registries
        self._ready = ready
        self._pages = pages
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self, where: Address) -> Address:
        """Listen; return where. Raises BindError."""
        try:
            if where.path is not None:
                self._server = await asyncio.start_unix_server(
                    self._serve, where.path, limit=HEAD_BYTES
                )
                return where
            host = where.host.strip("[]")
            self._server = await asyncio.start_server(
                self._serve, host, where.port, limit=HEAD_BYTES
            )
        except OSError as error:
            raise BindError(f"{where} cannot be listened on: {error.strerror or error}") from None
        return Address(host=where.host, port=self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port. What is being answered is cut."""
        if self._server is not None:
            self._server.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 0.2)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._open >= CONNECTIONS:
                return
            self._open += 1
            try:
                async with asyncio.timeout(SECONDS):
                    writer.write(self._answer(*await _request(reader)))
                    await writer.drain()
            finally:
                self._open -= 1
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            _log.debug("admin client gone")
        finally:
            writer.close()

    def _answer(self, method: str, path: str) -> bytes:
        if not path:
            return _response(431 if method else 400, b"", _TEXT)
        if path not in {"/metrics", "/ready", *self._pages}:
            here = ", ".join((*sorted(self._pages), "/metrics"))
            return _response(404, f"{here} and /ready are here\n".encode(), _TEXT)
        if method != "GET":
            return _response(405, b"only GET\n", _TEXT, "allow: GET\r\n")
        if path == "/metrics":
            body = b"".join(generate_latest(r) for r in self._registries)
            return _response(200, body, CONTENT_TYPE_LATEST)
        if path != "/ready":
            kind, body = self._pages[path]()
            return _response(200, body, kind)
        ready = self._ready()
        return _response(200 if ready else 503, b"ready\n" if ready else b"not ready\n", _TEXT)


async def _request(reader: asyncio.StreamReader) -> tuple[str, str]:
    """Read a request head; return method and path. No path: there is none, or it is too long."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return "long", ""
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1.") or not words[1].startswith(b"/"):
        return "", ""
    return words[0].decode("ascii", "replace"), words[1].decode("ascii", "replace").split("?")[0]


def _response(status: int, body: bytes, kind: str, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n"
        f"x-content-type-options: nosniff\r\n{more}\r\n"
    )
    return head.encode() + body
