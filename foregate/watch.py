"""Each save of a file or folder, as it happens, also while it is not there."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from watchfiles import Change, awatch
from watchfiles._rust_notify import (
    WatchfilesRustInternalError,  # documented there, exported nowhere
)

from controlplane.files import SUFFIXES

STEP = 10
"""Milliseconds without a further change after which a save counts as done.

An editor that empties a file and then writes it does both within one: what is read is whole. All
that takes longer comes as another save, and `debounce` says when that is looked at.
"""

GROUPED = 40
"""Milliseconds after which a save is told though it goes on."""

TIMEOUT = 1000
"""Milliseconds after which an idle watch reports nothing, by which its start is known."""

Standing = tuple[tuple[tuple[Path, int, int], ...], bool]
"""What is watched, each folder with its device and inode, and whether with all below."""


async def saves(path: Path) -> AsyncGenerator[None]:
    """Yield once when the watch has begun, then after each change that may concern `path`.

    Whatever was saved between a first read and the first yield may have been missed: read again.
    The same goes when another folder has to be watched, as `path` came, went or was replaced.
    """
    while True:
        standing = _standing(path)
        try:
            async with aclosing(_watch(path, standing)) as told:
                async for _ in told:
                    yield
        # Gone this moment, not for this user, or with names that are not UTF-8, which the watch
        # cannot tell: then it is looked at now and then.
        except* (OSError, WatchfilesRustInternalError):
            await asyncio.sleep(TIMEOUT / 1000)
        yield


async def _watch(path: Path, standing: Standing) -> AsyncGenerator[None]:
    """Yield as `saves` does, until something else has to be watched."""
    found, recursive = standing
    roots = [str(root) for root, _, _ in found]
    changes_of = awatch(
        *roots,
        watch_filter=lambda _, changed: concerns(path, changed),
        debounce=GROUPED,
        step=STEP,
        rust_timeout=TIMEOUT,
        yield_on_timeout=True,
        recursive=recursive,
    )
    begun = False
    async with aclosing(changes_of) as watching:
        async for changes in watching:
            # A folder that was removed and made again may have the same inode, unwatched.
            lost = any(change is Change.deleted and name in roots for change, name in changes)
            if lost or _standing(path) != standing:
                return
            if changes or not begun:
                begun = True
                yield


def watched(path: Path) -> tuple[tuple[Path, ...], bool]:
    """Say what to watch, and whether with all below it.

    Editors replace a file instead of writing into it, so a file is watched through its folder, and
    a link also through the folder of what it leads to. Of a folder that is not there, the nearest
    above it that is.
    """
    if os.path.isdir(path):  # noqa: PTH112 # Path.is_dir raises where a folder may not be entered
        return (path,), True
    parents = (path.absolute().parent, path.resolve().parent)
    return tuple(dict.fromkeys(_there(one) for one in parents)), False


def concerns(path: Path, changed: str) -> bool:
    """Say whether a changed path may be part of the gateway, or a folder above it."""
    one = Path(changed).absolute()
    whole = path.absolute()
    if one == whole or one in whole.parents or one in path.resolve().parents:
        return True
    if path.suffix in SUFFIXES and not path.is_dir():
        return one.name in (path.name, path.resolve().name)
    return not one.name.startswith(".") and one.suffix in (*SUFFIXES, "")


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next((p for p in (folder, *folder.parents) if os.path.isdir(p)), folder)  # noqa: PTH112 # as above


def _standing(path: Path) -> Standing:
    roots, recursive = watched(path)
    found = []
    for root in roots:
        try:
            status = root.stat()
        except OSError:
            found.append((root, 0, 0))
        else:
            found.append((root, status.st_dev, status.st_ino))
    return tuple(found), recursive
