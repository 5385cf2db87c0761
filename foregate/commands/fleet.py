"""`foregate fleet`: who is connected, what each node has, and what it refuses, at its line."""

import json
import sys

import click
from rich.console import Console

from controlplane.seen.page import FleetPageError, FleetRecord, read
from foregate.asking import get
from foregate.commands.options import admin as admin_option
from foregate.commands.options import output as output_option
from foregate.fleettable import show
from foregate.servedtable import show_served

SECONDS = 5.0
"""How long the control plane may take, from connecting until the whole page is there."""

_WIDE = 100_000  # columns where nobody looks: a program or a file gets each line whole


@click.command()
@admin_option
@output_option
def command(admin: str, output: str) -> None:
    """Show what is served, and each node of the fleet: its state, and what it refuses at its line.

    Of the files are shown those that are not served as they are on disk, with the reason.

    Exit 0 where every node is live, 1 where one is not, or none is connected.

    \b
    Examples:
      foregate fleet
      foregate fleet --admin unix:/run/foregate/admin.sock
      foregate fleet -o json
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    data = get(admin, "/fleet", SECONDS)
    try:
        fleet = read(data)
    except FleetPageError as error:
        raise click.ClickException(f"what {admin} answers is no fleet: {error.message}") from None
    if output == "json":
        click.echo(json.dumps(json.loads(data), indent=2))
    else:
        width = None if sys.stdout.isatty() else _WIDE
        console = Console(width=width, highlight=False, markup=False, emoji=False)
        if "served" in fleet:
            show_served(fleet["served"], console)
        show(fleet, console)
    sys.exit(0 if _all_live(fleet) else 1)


def _all_live(fleet: FleetRecord) -> bool:
    """Whether a deployment may go on; a fleet of nobody serves nobody."""
    return bool(fleet["nodes"]) and all(n["state"] == "live" for n in fleet["nodes"])
