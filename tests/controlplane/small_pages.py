"""Gateways of a few routes in pages: each page is so small that there are several."""

from dataclasses import replace
from functools import partial

import pytest

from controlplane.build import Build, build
from controlplane.compile.options import Options
from controlplane.compile.pages import scopes
from controlplane.compile.pages.region import Cutting, regions
from controlplane.snapshot import SCOPE


def in_pages(one: Build, options: Options, largest: int = 2) -> Build:
    """The same files, compiled to pages of hardly more than so many entries."""
    with pytest.MonkeyPatch.context() as patch:
        cutting = Cutting(largest=largest, worth_it=1)
        patch.setattr(scopes, "regions", partial(regions, cutting=cutting))
        made = build(one.sources, replace(options, layout="pages"))
    assert made.snapshot is not None, made.mistakes
    assert len(made.snapshot.of(SCOPE)) > 1
    return made
