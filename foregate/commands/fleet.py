"""`foregate fleet`: who is connected, what each node has, and what it refuses, at its line."""

import asyncio
import json
import sys

import click
import httpx
from rich.console import Console

from controlplane.seen.page import FleetPageError, FleetRecord, read
from foregate.commands.options import ADMIN
from foregate.commands.options import output as output_option
from foregate.fleettable import show
from serving.address import Address, AddressError, address, not_here

SECONDS = 5.0
"""How long the control plane may take, from connecting until the whole page is there."""

PAGE_BYTES = 64 * 2**20
"""A longer page is no fleet: 10,000 nodes that refuse everything are less."""

_WIDE = 100_000  # columns where nobody looks: a program or a file gets each line whole


@click.command()
@click.option(
    "--admin",
    metavar="ADDRESS",
    envvar="FOREGATE_ADMIN",
    default=ADMIN,
    show_default=True,
    help="The admin port of the control plane: HOST:PORT or unix:PATH.",
)
@output_option
def command(admin: str, output: str) -> None:
    """Show each node of the fleet: its state, its version, and what it refuses at its line.

    Exit 0 where every node is live, 1 where one is not, or none is connected.

    \b
    Examples:
      foregate fleet
      foregate fleet --admin unix:/run/foregate/admin.sock
      foregate fleet -o json
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    data = asyncio.run(_page(_address(admin), admin))
    try:
        fleet = read(data)
    except FleetPageError as error:
        raise click.ClickException(f"what {admin} answers is no fleet: {error.message}") from None
    if output == "json":
        click.echo(json.dumps(json.loads(data), indent=2))
    else:
        width = None if sys.stdout.isatty() else _WIDE
        show(fleet, Console(width=width, highlight=False, markup=False, emoji=False))
    sys.exit(0 if _all_live(fleet) else 1)


def _all_live(fleet: FleetRecord) -> bool:
    """Whether a deployment may go on; a fleet of nobody serves nobody."""
    return bool(fleet["nodes"]) and all(n["state"] == "live" for n in fleet["nodes"])


def _address(admin: str) -> Address:
    try:
        where = address(admin)
    except AddressError as error:
        raise click.ClickException(f"--admin (FOREGATE_ADMIN): {error.message}") from None
    if not where.here:
        raise click.ClickException(f"--admin (FOREGATE_ADMIN): {not_here(admin)}")
    return where


async def _page(where: Address, admin: str) -> bytes:
    """Fetch the page. Raises ClickException that says what to start."""
    start = "start `foregate controlplane`, or name its admin port with --admin (FOREGATE_ADMIN)"
    path = str(where.path) if where.path is not None else None
    base = "http://localhost" if path else f"http://{where}"
    transport = httpx.AsyncHTTPTransport(uds=path)
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(transport=transport, trust_env=False, timeout=None) as client,  # noqa: S113 # the line above bounds all of it
            client.stream("GET", f"{base}/fleet") as response,
        ):
            if response.status_code != 200:
                raise click.ClickException(f"what listens at {admin} has no fleet: {start}")
            return await _body(response, admin)
    except TimeoutError:
        raise click.ClickException(f"{admin} does not answer within {SECONDS:g} s") from None
    except httpx.ConnectError:
        raise click.ClickException(f"no control plane answers at {admin}: {start}") from None
    except httpx.HTTPError:  # its words may be the other side's
        raise click.ClickException(
            f"what listens at {admin} is no control plane: {start}"
        ) from None


async def _body(response: httpx.Response, admin: str) -> bytes:
    data = bytearray()
    async for part in response.aiter_raw():
        data += part
        if len(data) > PAGE_BYTES:
            raise click.ClickException(f"what {admin} answers is too long for a fleet")
    return bytes(data)
