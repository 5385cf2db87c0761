"""One pipelined connection to Redis: bytes are written, replies come back in their order."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import hiredis

from ratelimit.stores.address import Address

Reply: TypeAlias = "int | bytes | list[Reply] | hiredis.ReplyError | None"
Answered: TypeAlias = Callable[["Reply | LostError"], None]


class LostError(Exception):
    """The connection ended before the reply: whether the command was executed is not known."""


def command(*words: bytes) -> bytes:
    """A command as Redis reads it (RESP, arrays of bulk strings)."""
    return b"*%d\r\n" % len(words) + b"".join(bulk(w) for w in words)


def bulk(word: bytes) -> bytes:
    """One word of a command."""
    return b"$%d\r\n%b\r\n" % (len(word), word)


class Connection(asyncio.Protocol):
    """What was sent and is not answered yet waits in order. `lost` is told once, at the end."""

    def __init__(self, lost: Callable[["Connection"], None]) -> None:
        self._lost = lost
        self._waiting: deque[Answered] = deque()
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio.Protocol)."""
        self._transport = transport  # type: ignore[assignment] # a stream has asyncio.Transport

    def send(self, data: bytes, *answered: Answered) -> None:
        """Write commands; each of their replies is given to one of `answered`, in order."""
        if self._transport is None or self._transport.is_closing():
            for one in answered:
                one(LostError())
            return
        self._waiting.extend(answered)
        self._transport.write(data)

    async def ask(self, *words: bytes) -> Reply:
        """Send one command and wait for its reply. Raises ReplyError and LostError."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answered(reply: "Reply | LostError") -> None:
            if future.done():
                return
            if isinstance(reply, hiredis.ReplyError | LostError):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        self.send(command(*words), answered)
        return await future

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that are whole (asyncio.Protocol)."""
        reader = self._reader
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not False:
                self._waiting.popleft()(reply)
        except (hiredis.ProtocolError, IndexError):
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """End every wait (asyncio.Protocol)."""
        del error
        self._transport = None
        waiting, self._waiting = self._waiting, deque()
        for answered in waiting:
            answered(LostError())
        self._lost(self)

    def abort(self) -> None:
        """Close at once, without a word to Redis; `lost` follows from the event loop."""
        if self._transport is not None:
            self._transport.abort()


async def connected(address: Address, lost: Callable[[Connection], None]) -> Connection:
    """Open a connection, authenticate and select the database. The caller gives the deadline.

    Raises OSError, LostError and ReplyError; then nothing stays open.
    """
    loop = asyncio.get_running_loop()
    connection = Connection(lost)
    if address.path:
        await loop.create_unix_connection(lambda: connection, address.path)
    else:
        tls = ssl.create_default_context(cafile=address.authorities) if address.tls else None
        await loop.create_connection(lambda: connection, address.host, address.port, ssl=tls)
    try:
        if address.password is not None:
            user = [address.user.encode()] if address.user else []
            await connection.ask(b"AUTH", *user, address.password.encode())
        if address.database:
            await connection.ask(b"SELECT", b"%d" % address.database)
    except BaseException:
        connection.abort()
        raise
    return connection
