"""What several subcommands take."""

from pathlib import Path
from typing import Any

import click

output: Any = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text to read, or json for programs.",
)

file: Any = click.argument(
    "file", type=click.Path(path_type=Path), default=Path("gateway.yaml"), required=False
)
