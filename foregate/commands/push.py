"""`foregate push`: publish the files now, and wait until the fleet has them."""

import click

from foregate.commands.options import admin as admin_option
from foregate.commands.options import output as output_option
from foregate.operating import ask_push, tell


@click.command()
@admin_option
@click.option(
    "--allow-removal",
    is_flag=True,
    help="Let this one version through though it removes all listeners, hosts, routes, backends,"
    " consumers or limits, or 20 % and at least 10 of them. The history says who did.",
)
@output_option
def command(admin: str, output: str, *, allow_removal: bool) -> None:
    """Publish the files of the control plane now, and wait until every node has them.

    It follows its files by itself: this is for what it holds, for scripts that want to know, and
    to leave a rollback. Exit 0 where all files are served as they are on disk, 1 where not.

    \b
    Examples:
      foregate push
      foregate push --allow-removal
      foregate push -o json | jq .state
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    tell(ask_push(admin, allow_removal=allow_removal), output, done="is live")
