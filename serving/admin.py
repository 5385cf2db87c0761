"""The admin port: GET of /metrics, /ready and more pages, POST of actions; a minimal HTTP/1.1.

One request a connection. No web page may read or change anything through the browser of who can
reach the port: a request names an address, or what the port was told to listen on, which a foreign
name that was bent to it does not. An action has to name this machine, and to be JSON besides, which
a foreign page cannot send without asking first.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from serving.address import Address
from serving.logs import place
from serving.sockets import BindError

HEAD_BYTES = 8192
"""A longer request head is refused."""

BODY_BYTES = 65_536
"""A longer body of an action is refused."""

SECONDS = 5.0
"""How long a client may take, from connecting until it has the answer of a page, or until all of
its action is here."""

ACTION_SECONDS = 100.0
"""How long an action is waited for; then it goes on, and whoever asked is told so."""

ACTIONS = 8
"""Actions at once, of those that go on too: pages have the other connections."""

STOP_SECONDS = 5.0
"""How long an action may go on after the end of the port; then it is cancelled."""

CONNECTIONS = 16
"""Connections at once; another is closed."""

Page: TypeAlias = Callable[[], tuple[str, bytes]]
"""What makes a page: its content type and its body. It is called on the event loop."""

Action: TypeAlias = Callable[[bytes], Awaitable[tuple[int, bytes]]]
"""What does something: the body of the request in, a status and JSON out."""

_NO_PAGES: Mapping[str, Page] = MappingProxyType({})
_NO_ACTIONS: Mapping[str, Action] = MappingProxyType({})
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"} | {
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_ONCE = ("host", "content-type", "content-length", "transfer-encoding")
JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A request head. No path: there is none, or the head is too long (`method` says it)."""

    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Admin:
    """The admin server of one process; `pages` and `actions` are what it has besides, by path."""

    def __init__(
        self,
        registries: Sequence[CollectorRegistry],
        ready: Callable[[], bool],
        pages: Mapping[str, Page] = _NO_PAGES,
        actions: Mapping[str, Action] = _NO_ACTIONS,
    ) -> None:
        self._registries = registries
        self._ready = ready
        self._pages = pages
        self._actions = actions
        self._open = 0
        self._name: str | None = None
        self._acting: set[asyncio.Task[bytes]] = set()
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
            self._name = host.lower()
            self._server = await asyncio.start_server(
                self._serve, host, where.port, limit=HEAD_BYTES
            )
        except OSError as error:
            raise BindError(f"{where} cannot be listened on: {error.strerror or error}") from None
        return Address(host=where.host, port=self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port. Actions have a moment to come to their end; pages are cut."""
        if self._server is not None:
            self._server.close()
            acting = tuple(self._acting)
            if acting:
                await asyncio.wait(acting, timeout=STOP_SECONDS)
                for one in acting:
                    one.cancel()
                await asyncio.gather(*acting, return_exceptions=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 0.2)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._open >= CONNECTIONS:
                return
            self._open += 1
            try:
                async with asyncio.timeout(SECONDS) as bound:
                    request = await _request(reader)
                    if not self._is_named(request.headers.get("host")):
                        answer = _response(403, b"the host header names another machine\n", _TEXT)
                    elif request.method == "POST" and request.path in self._actions:
                        answer = await self._acted(request, reader, bound)
                    else:
                        answer = self._answer(request.method, request.path)
                    writer.write(answer)
                    await writer.drain()
            finally:
                self._open -= 1
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            _log.debug("admin client gone")
        finally:
            writer.close()

    def _is_named(self, host: str | None) -> bool:
        """Whether a request may be meant for this port. Every browser names a host."""
        if host is None or self._name is None:
            return True
        name = _without_port(host)
        return name in {"localhost", self._name} or _ip(name) is not None

    async def _acted(
        self, request: _Request, reader: asyncio.StreamReader, bound: asyncio.Timeout
    ) -> bytes:
        """Have an action done. Neither its client nor the time ends it half-way."""
        refusal = _refusal(request)
        if refusal is not None:
            return refusal
        body = await reader.readexactly(int(request.headers.get("content-length", "0")))
        if len(self._acting) >= ACTIONS:
            return _response(503, b'{"error": "too much is asked for at once"}', JSON)
        bound.reschedule(asyncio.get_running_loop().time() + ACTION_SECONDS + SECONDS)
        action = self._actions[request.path]
        acting = asyncio.create_task(_done(action, request.path, body))
        self._acting.add(acting)
        acting.add_done_callback(self._acting.discard)
        await asyncio.wait({acting}, timeout=ACTION_SECONDS)  # it ends none
        if not acting.done():
            return _response(504, b'{"error": "still going on: see foregate fleet"}', JSON)
        if acting.cancelled():
            return _response(503, b'{"error": "the process ends"}', JSON)
        return acting.result()

    def _answer(self, method: str, path: str) -> bytes:
        if not path:
            return _response(431 if method else 400, b"", _TEXT)
        if path not in {"/metrics", "/ready", *self._pages, *self._actions}:
            here = ", ".join((*sorted((*self._pages, *self._actions)), "/metrics"))
            return _response(404, f"{here} and /ready are here\n".encode(), _TEXT)
        allowed = "POST" if path in self._actions else "GET"
        if method != allowed:
            more = f"allow: {allowed}\r\n"
            return _response(405, f"only {allowed}\n".encode(), _TEXT, more)
        if path == "/metrics":
            body = b"".join(generate_latest(r) for r in self._registries)
            return _response(200, body, CONTENT_TYPE_LATEST)
        if path != "/ready":
            kind, body = self._pages[path]()
            return _response(200, body, kind)
        ready = self._ready()
        return _response(200 if ready else 503, b"ready\n" if ready else b"not ready\n", _TEXT)


async def _done(action: Action, path: str, body: bytes) -> bytes:
    """Do an action to its end. What goes wrong in it is for the log, not for who asked."""
    try:
        status, answer = await action(body)
    except Exception as error:  # noqa: BLE001 # a mistake of ours; who waits is to be told
        _log.error("an action failed", path=path, error=type(error).__name__, at=place(error))
        return _response(500, b'{"error": "it failed: the log says why"}', JSON)
    return _response(status, answer, JSON)


def _refusal(request: _Request) -> bytes | None:
    """Say why an action is not done: a web page may be behind it, or its body has no bounds."""
    headers = request.headers
    if not _names_this_machine(headers.get("host", "")):
        return _response(403, b"the host header names another machine\n", _TEXT)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        return _response(415, b"only application/json\n", _TEXT)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or "transfer-encoding" in headers:
        return _response(400, b"a content-length is needed\n", _TEXT)
    if len(length) > 8 or int(length) > BODY_BYTES:
        return _response(413, b"too long\n", _TEXT)
    return None


def _names_this_machine(host: str) -> bool:
    name = _without_port(host)
    address = _ip(name)
    return name == "localhost" if address is None else address.is_loopback


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() else host).strip("[]").lower()


def _ip(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


async def _request(reader: asyncio.StreamReader) -> _Request:
    """Read a request head."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return _Request(method="long")
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1.") or not words[1].startswith(b"/"):
        return _Request()
    pairs = [line.decode("latin-1").partition(":") for line in lines]
    names = [name.lower() for name, _, _ in pairs]
    if any(names.count(one) > 1 for one in _ONCE):  # which of them counts, nobody can say
        return _Request()
    return _Request(
        method=words[0].decode("ascii", "replace"),
        path=words[1].decode("ascii", "replace").split("?")[0],
        headers={name.lower(): value.strip() for name, _, value in pairs},
    )


def _response(status: int, body: bytes, kind: str, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n"
        f"x-content-type-options: nosniff\r\n{more}\r\n"
    )
    return head.encode() + body
