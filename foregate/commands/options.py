"""What several subcommands take."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import click

Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]

ADMIN = "127.0.0.1:18090"
"""Where the control plane's admin port is unless said otherwise."""

output: Decorator = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text to read, or json for programs.",
)

state_dir: Decorator = click.option(
    "--state-dir",
    metavar="DIR",
    envvar="FOREGATE_STATE_DIR",
    type=click.Path(path_type=Path),
    default=Path(".foregate"),
    show_default=True,
    help="The state folder of the control plane; it is only read.",
)

file: Decorator = click.argument(
    "file", type=click.Path(path_type=Path), default=Path("gateway.yaml"), required=False
)

admin: Decorator = click.option(
    "--admin",
    metavar="ADDRESS",
    envvar="FOREGATE_ADMIN",
    default=ADMIN,
    show_default=True,
    help="The admin port of the control plane: HOST:PORT or unix:PATH.",
)
