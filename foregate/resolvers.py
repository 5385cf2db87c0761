"""The name servers that Envoys ask for the names of backends."""

import os
from collections.abc import Mapping
from functools import cache

import click

from controlplane.model.addresses import Address, name_server


def resolvers(environ: Mapping[str, str] = os.environ) -> tuple[Address, ...]:
    """`FOREGATE_DNS`, `IP:PORT` and more with commas between; nothing is what Envoy's machine asks.

    Raises ClickException where it is something else.
    """
    return _read(environ.get("FOREGATE_DNS", ""))


@cache
def _read(text: str) -> tuple[Address, ...]:
    """The same objects for the same text, so that what is made of them is not made again."""
    try:
        return tuple(name_server(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise click.ClickException(f"FOREGATE_DNS: {error}") from None
