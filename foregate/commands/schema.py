"""`foregate schema`: the JSON Schema of the gateway file, for editors."""

import json

import click

from controlplane.model.schema import json_schema


@click.command()
def command() -> None:
    """Print the JSON Schema of the gateway file.

    \b
    Example:
      foregate schema > gateway.schema.json
    and in the first line of gateway.yaml:
      # yaml-language-server: $schema=./gateway.schema.json
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    click.echo(json.dumps(json_schema(), indent=2))
