"""Gateways of a few routes in pages: each page is so small that there are several."""

from dataclasses import replace

import pytest

from controlplane.build import Build, build
from controlplane.compile.options import Options
from controlplane.compile.pages import region


def in_pages(one: Build, options: Options, largest: int = 2) -> Build:
    """The same files, compiled to pages of hardly more than so many entries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region, "LARGEST", largest)
        patch.setattr(region, "WORTH_IT", 1)
        made = build(one.sources, replace(options, layout="pages"))
    assert made.snapshot is not None, made.mistakes
    return made
