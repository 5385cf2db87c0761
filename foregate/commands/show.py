"""`foregate show`: one published version: its files, what stayed behind, who has it."""

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from controlplane.history.version import Version
from controlplane.history.versions import Versions
from controlplane.store.objects import StoreError
from foregate.commands.options import output as output_option
from foregate.commands.options import state_dir as state_dir_option
from foregate.contents import contents
from foregate.historypage import as_json
from foregate.historytable import show_one
from serving.logs import configure

WIDE = 100_000
"""Columns where nobody looks: a program or a file gets each line whole."""


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--files", is_flag=True, help="With the contents of the files.")
@state_dir_option
@output_option
def command(number: int, state_dir: Path, output: str, *, files: bool) -> None:
    """Show a published version, from the disk alone.

    Hashes of keys and passwords in URLs are crossed out, also in the contents of the files.

    \b
    Examples:
      foregate show 7
      foregate show 7 --files
      foregate show 7 -o json | jq '.nodes'
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    past = history(state_dir)
    version = named(past, number)
    try:
        shown = _contents(past, number) if files else None
        before = next((one for one in past.versions() if one.number < number), None)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    if output == "json":
        click.echo(json.dumps(as_json(version, before, shown), indent=2))
        return
    width = None if sys.stdout.isatty() else WIDE
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    show_one(version, shown, console)


def history(state_dir: Path) -> Versions:
    """Open the history of a state folder. Raises ClickException where there is none."""
    configure("history", "warning")  # a version that is left out is told on stderr
    folder = state_dir / "xds"
    if not folder.is_dir():
        raise click.ClickException(
            f"there is no history in {state_dir}: name the --state-dir of the control plane"
            " (FOREGATE_STATE_DIR)"
        )
    return Versions(folder)


def named(past: Versions, number: int) -> Version:
    """Give a version by its number. Raises ClickException that says which there are."""
    try:
        found = past.version(number)
        there = [one.number for one in past.versions()] if found is None else []
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    if found is not None:
        return found
    which = f"there are {there[-1]} to {there[0]}" if there else "no version has been published"
    raise click.ClickException(f"there is no version {number}: {which}")


def _contents(past: Versions, number: int) -> dict[str, str]:
    return {one.home: contents(one.data) for one in past.files(number) if one.digest}
