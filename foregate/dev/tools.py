"""The parts that `dev` puts together, as values: a test may put in others."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from controlplane.build import Build, Options, build
from controlplane.sources import SourceFile
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
    # Read when grpc is imported. We start programs while gRPC runs, and never go on in a fork: its
    # hooks would do nothing but log that they did nothing.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    from controlplane.xds.server import Server  # noqa: PLC0415 - after the line above

    return Tools(build=build, serve=Server, render=render)
