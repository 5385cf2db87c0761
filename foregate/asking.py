"""Asking a running control plane, through its admin port."""

import asyncio

import click
import httpx

from serving.address import Address, AddressError, address, not_here

PAGE_BYTES = 64 * 2**20
"""A longer answer is none: 10,000 nodes that refuse everything are less."""

_INSTEAD = {
    500: "failed at that: its log says why",
    503: "has too much to do, or ends: ask again later",
    504: "is still at it: see `foregate fleet`",
}
"""What a control plane says where it has done nothing yet, or not to the end."""

_START = "start `foregate controlplane`, or name its admin port with --admin (FOREGATE_ADMIN)"


def get(admin: str, path: str, seconds: float) -> bytes:
    """Fetch a page. Raises ClickException that says what to start."""
    return asyncio.run(_asked(admin, path, None, seconds))


def post(admin: str, path: str, body: bytes, seconds: float) -> bytes:
    """Have something done; raises as `get` does."""
    return asyncio.run(_asked(admin, path, body, seconds))


def _address(admin: str) -> Address:
    try:
        where = address(admin)
    except AddressError as error:
        raise click.ClickException(f"--admin (FOREGATE_ADMIN): {error.message}") from None
    if not where.here:
        raise click.ClickException(f"--admin (FOREGATE_ADMIN): {not_here(admin)}")
    return where


async def _asked(admin: str, path: str, body: bytes | None, seconds: float) -> bytes:
    """Ask, bounded from connecting until the whole answer is there."""
    where = _address(admin)
    method = "GET" if body is None else "POST"
    socket = str(where.path) if where.path is not None else None
    base = "http://localhost" if socket else f"http://{where}"
    transport = httpx.AsyncHTTPTransport(uds=socket)
    headers = {} if body is None else {"content-type": "application/json"}
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(transport=transport, trust_env=False, timeout=None) as client,  # noqa: S113 # the line above bounds all of it
            client.stream(method, base + path, content=body, headers=headers) as response,
        ):
            if body is not None and response.status_code in _INSTEAD:
                raise click.ClickException(f"{admin} {_INSTEAD[response.status_code]}")
            if response.status_code != 200:
                raise click.ClickException(_refused(admin, path, response.status_code))
            return await _body(response, admin)
    except TimeoutError:
        raise click.ClickException(f"{admin} does not answer within {seconds:g} s") from None
    except httpx.ConnectError:
        raise click.ClickException(f"no control plane answers at {admin}: {_START}") from None
    except httpx.HTTPError:  # its words may be the other side's
        raise click.ClickException(
            f"what listens at {admin} is no control plane: {_START}"
        ) from None


def _refused(admin: str, path: str, status: int) -> str:
    if status == 404:
        return f"what listens at {admin} has no {path}: {_START}"
    return f"what listens at {admin} does not do this (status {status}): is it of this release?"


async def _body(response: httpx.Response, admin: str) -> bytes:
    data = bytearray()
    async for part in response.aiter_raw():
        data += part
        if len(data) > PAGE_BYTES:
            raise click.ClickException(f"what {admin} answers is too long for a control plane")
    return bytes(data)
