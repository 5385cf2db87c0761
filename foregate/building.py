"""Files on disk to a build, with what only a machine knows put in."""

import gc
from pathlib import Path

from controlplane.build import Build, Options, build
from controlplane.files import read_sources
from foregate.trust import trust_store
from language.mistakes import Mistake


def build_path(path: Path, *, loopback: bool = False) -> tuple[Build, tuple[Mistake, ...]]:
    """Build what stands at a path; the mistakes are those of the reading and of the build."""
    sources = read_sources(path)
    options = Options(loopback=loopback, trust_store=trust_store())
    collecting = gc.isenabled()
    gc.disable()  # a tree of a large file is all live: collecting it costs as much as reading it
    try:
        built = build(sources.files, options)
    finally:
        if collecting:
            gc.enable()
    mistakes = tuple(sorted((*sources.mistakes, *built.mistakes), key=lambda m: m.place))
    return built, mistakes
