"""The parts that `dev` puts together, as values: a test may put in others."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from controlplane.build import Build, Options, build
from controlplane.sources import SourceFile
from controlplane.xds.server import Server
from foregate.dev.apply import Control
from foregate.dev.voice import Render
from language.report import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """`serve` opens the xDS server on an address and closes it with its block."""

    build: Callable[[tuple[SourceFile, ...], Options], Build]
    serve: Callable[[str], AbstractAsyncContextManager[Control]]
    render: Render


def real_tools() -> Tools:
    """The parts of the product."""
    return Tools(build=build, serve=Server, render=render)
