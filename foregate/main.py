"""The command `foregate`: one file per subcommand, loaded when it is called."""

import importlib
import io
import os
import sys
from importlib.metadata import version

import click

# Read when gRPC is imported. We start programs beside it, and it would log at each that its fork
# handlers do nothing.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

COMMANDS = (
    "check",
    "controlplane",
    "dev",
    "diff",
    "docs",
    "explain",
    "extauthz",
    "fleet",
    "history",
    "keys",
    "push",
    "ratelimit",
    "rollback",
    "schema",
    "show",
    "xds",
)


class _OnDemand(click.Group):
    """Subcommands by name; importing all of them would make each start slowly."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line, once what is said of it can be written."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # an escape in place of what a terminal or a file cannot hold, such as the bytes
                # of an argument that are no UTF-8: never a traceback in place of an answer
                stream.reconfigure(errors="backslashreplace")
        return super().parse_args(ctx, args)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"foregate.commands.{cmd_name}").command
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from language.suggest import nearest  # noqa: PLC0415 # only a mistake pays for it

            near = nearest(args[0], COMMANDS)
            hint = f" Did you mean '{near}'?" if near else f" There are {', '.join(COMMANDS)}."
            ctx.fail(f"There is no command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)


@click.command(cls=_OnDemand, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("foregate"), prog_name="foregate")
def main() -> None:
    """An API gateway on Envoy that tells you what a change will do before it does it.

    \b
    Examples:
      foregate dev gateway.yaml          a live gateway that follows the file
      foregate dev --to http://localhost:3000
      foregate check gateway.yaml        every mistake at its line and column
      foregate docs retry                what a key means
      foregate explain GET http://api.example.com/a   which route takes it, and why
      foregate keys create --consumer acme

    \b
    Shell completion (bash; zsh and fish likewise):
      eval "$(_FOREGATE_COMPLETE=bash_source foregate)"
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
