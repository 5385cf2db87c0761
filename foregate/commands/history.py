"""`foregate history`: every version that was published, from the disk alone."""

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from controlplane.store.objects import StoreError
from foregate.commands.options import output as output_option
from foregate.commands.options import state_dir as state_dir_option
from foregate.commands.show import WIDE, history
from foregate.commands.show import command as show
from foregate.historypage import as_json, befores
from foregate.historytable import show_all


@click.group(invoke_without_command=True)
@click.option(
    "--limit",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many of the newest are shown.",
)
@state_dir_option
@output_option
@click.pass_context
def command(context: click.Context, limit: int, state_dir: Path, output: str) -> None:
    """List the versions that were published, the newest first.

    No control plane is asked and nothing is written: beside a running one, from a copy of its
    state folder, or where that may only be read, it is the same.

    \b
    Examples:
      foregate history
      foregate history --limit 5 --state-dir /var/lib/foregate
      foregate history -o json | jq '.versions[0].commit'
      foregate history show 7
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    if context.invoked_subcommand is not None:
        _without_effect(context)
        return
    try:
        found = history(state_dir).versions(limit + 1)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    if output == "json":
        before = befores(found)
        records = [as_json(one, before.get(one.number)) for one in found[:limit]]
        click.echo(json.dumps({"versions": records}, indent=2))
        return
    if not found:
        click.echo("no version has been published")
        return
    width = None if sys.stdout.isatty() else WIDE
    show_all(found, limit, Console(width=width, highlight=False, markup=False, emoji=False))


def _without_effect(context: click.Context) -> None:
    """Refuse options that a subcommand would not see."""
    given = click.core.ParameterSource.COMMANDLINE
    for name in context.params:
        if context.get_parameter_source(name) is given:
            flag = "--" + name.replace("_", "-")
            raise click.UsageError(f"{flag} belongs behind '{context.invoked_subcommand}'")


command.add_command(show, "show")
