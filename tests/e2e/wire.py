"""One HTTP/1.1 connection of a client that retries nothing and hides nothing."""

import asyncio
from collections.abc import Mapping
from typing import Self


class Connection:
    """Opened at the first request and again after a `drop`; one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._at = (host, port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.drop()

    async def get(self, path: str, headers: Mapping[str, str]) -> int:
        """Send a GET, read the whole answer and give its status.

        Raises OSError, EOFError or ValueError where there is none; the connection is to be dropped.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._at)
        reader, writer = self._streams
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        status = int(first.split(" ")[1])
        said = {n.strip(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        if said.get("transfer-encoding") == "chunked":
            await _chunks(reader)
        elif "content-length" in said:
            await reader.readexactly(int(said["content-length"]))
        elif status not in (204, 304):
            raise ValueError("an answer without a length")
        if said.get("connection") == "close":
            self.drop()
        return status

    def drop(self) -> None:
        """Close it at once; the next request opens another."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> None:
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        await reader.readexactly(size + 2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
