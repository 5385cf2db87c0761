"""Each save of a file or folder, as it happens."""

from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

from controlplane.files import SUFFIXES

DEBOUNCE = 40
"""Milliseconds without a further change after which a save counts as done."""

STEP = 10
TIMEOUT = 1000
"""Milliseconds after which an idle watch reports nothing, by which its start is known."""


async def saves(path: Path) -> AsyncIterator[None]:
    """Yield once when the watch has begun, then after each change that may concern `path`.

    Whatever was saved between a first read and the first yield may have been missed: read again.
    """
    roots, recursive = watched(path)
    begun = False
    async for changes in awatch(
        *roots,
        watch_filter=lambda _, changed: concerns(path, changed),
        debounce=DEBOUNCE,
        step=STEP,
        rust_timeout=TIMEOUT,
        yield_on_timeout=True,
        recursive=recursive,
        raise_interrupt=False,
    ):
        if changes or not begun:
            begun = True
            yield


def watched(path: Path) -> tuple[tuple[Path, ...], bool]:
    """Say what to watch, and whether with all below it.

    Editors replace a file instead of writing into it, so a file is watched through its folder, and
    a link also through the folder of what it leads to.
    """
    if path.is_dir():
        return (path,), True
    return tuple(dict.fromkeys((path.absolute().parent, path.resolve().parent))), False


def concerns(path: Path, changed: str) -> bool:
    """Say whether a changed path may be part of the gateway."""
    name = Path(changed).name
    if path.suffix in SUFFIXES and not path.is_dir():
        return name in (path.name, path.resolve().name)
    return not name.startswith(".") and Path(changed).suffix in (*SUFFIXES, "")
