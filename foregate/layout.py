"""How routes are laid out, where the operator says so: `FOREGATE_LAYOUT`."""

import os
from collections.abc import Mapping
from types import MappingProxyType

import click

from controlplane.compile.options import Layout

NAME = "FOREGATE_LAYOUT"

_LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {"auto": "auto", "plain": "plain", "pages": "pages"}
)


def layout(environ: Mapping[str, str] = os.environ) -> Layout:
    """What it says; by the number of routes where it is not set. Raises click.ClickException."""
    said = environ.get(NAME) or "auto"
    if said not in _LAYOUTS:
        raise click.ClickException(f"{NAME} is '{said}': it is one of {', '.join(_LAYOUTS)}")
    return _LAYOUTS[said]
