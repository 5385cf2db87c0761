"""YAML to Envoy resources: CPU for 5,000 routes in 50 files, and for a change in one of 10."""

import gc
import statistics
import time
from collections.abc import Iterator

from bench.gateways import folder
from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile

ROUTES, FILES, ROUNDS = 5_000, 50, 5


def lines() -> Iterator[str]:
    """The measurement in words."""
    sources = folder(ROUTES, FILES)
    count = sum(s.data.count(b"\n") for s in sources)
    used = []
    for _ in range(ROUNDS):
        gc.collect()
        gc.disable()  # as the command does
        began = time.process_time()
        built = build(sources, Options())
        used.append(time.process_time() - began)
        gc.enable()
        if built.snapshot is None:
            raise ValueError(built.mistakes[:3])
    yield (
        f"{ROUTES:,} routes, {count:,} lines in {FILES} files: "
        f"{statistics.median(used):.2f} s of CPU (median of {ROUNDS}, best {min(used):.2f}); "
        f"goal 1.0"
    )
    yield _changed()


def _changed() -> str:
    """Choose among 1,000 routes in 10 files of which one changed, and the others were read."""
    sources = folder(1_000, 10)
    selector, used = Selector(), []
    good = selector.choose(Sources(files=sources, mistakes=()), (), Options()).build.sources
    for number in range(ROUNDS):
        first, *others = sources
        data = first.data + f"# {number}\n".encode()
        files = (SourceFile(name=first.name, data=data), *others)
        began = time.process_time()
        chosen = selector.choose(Sources(files=files, mistakes=()), good, Options())
        used.append(time.process_time() - began)
        if chosen.build.snapshot is None:
            raise ValueError(chosen.mistakes[:3])
    return (
        f"1,000 routes in 10 files, one changed: {statistics.median(used) * 1000:.0f} ms of CPU "
        f"(median of {ROUNDS}, best {min(used) * 1000:.0f})"
    )
