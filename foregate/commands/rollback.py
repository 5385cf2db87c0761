"""`foregate rollback`: serve an older version again, as it was, from the control plane's disk."""

import click

from foregate.commands.options import admin as admin_option
from foregate.commands.options import output as output_option
from foregate.operating import LARGEST, ask_rollback, tell


@click.command()
@click.argument("number", type=click.IntRange(1, LARGEST), required=False)
@admin_option
@click.option(
    "--restore-consumers",
    is_flag=True,
    help="Give consumers back the keys and scopes that were taken from them since.",
)
@output_option
def command(number: int | None, admin: str, output: str, *, restore_consumers: bool) -> None:
    """Serve version NUMBER of `foregate history` again; without one, the version before.

    Nothing is read or compiled: it is served as it was, from the state folder alone, over restarts
    too, and on every replica of that folder. Consumers and keys that were removed since stay away.
    It stays until the files change or `foregate push` publishes them. Look at `foregate diff live
    NUMBER` before.

    \b
    Examples:
      foregate rollback
      foregate rollback 12
      foregate rollback 12 --restore-consumers
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    done = "is live: it stays until the files change, or `foregate push`"
    tell(ask_rollback(admin, number, restore_consumers=restore_consumers), output, done=done)
