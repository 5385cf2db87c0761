"""`foregate rollback`: serve an older version again, as it was, from the control plane's disk."""

import click

from foregate.commands.options import admin as admin_option
from foregate.commands.options import output as output_option
from foregate.operating import LARGEST, ROLLBACK, ask, tell


@click.command()
@click.argument("number", type=click.IntRange(1, LARGEST), required=False)
@admin_option
@output_option
def command(number: int | None, admin: str, output: str) -> None:
    """Serve version NUMBER of `foregate history` again; without one, the version before.

    Nothing is read or compiled: it is served as it was, consumers included, from the state folder
    alone, over restarts too, and on every replica of that folder. It stays until the files change
    or `foregate push` publishes them. Look at `foregate diff live NUMBER` before.

    \b
    Examples:
      foregate rollback
      foregate rollback 12
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    done = "is live: it stays until the files change, or `foregate push`"
    tell(ask(admin, ROLLBACK, to=number), output, done=done)
