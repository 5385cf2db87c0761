"""Who wrote what is on the disk, where git knows: the last commit's author and hash.

A folder may be anybody's: git runs nothing that it names (no hook, no fsmonitor, no pager, no
filter), takes no lock, asks nobody, and has a second in all.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from controlplane.files import SUFFIXES, read_sources, yaml_files

SECONDS = 1.0
"""How long git may take, all of its calls together."""

_SHA1 = 40  # digits
_LONGEST = 200  # characters of an author
_LOG = ("log", "-1", "--no-show-signature", "--format=%H%x00%an <%ae>")
_NOTHING_OF_THEIRS = (
    "--no-pager",
    "--no-optional-locks",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.mailmap=false"),
)
_THEIRS = ("PATH", "HOME")
"""All that git gets of our environment: values of `${NAME}` are in it. HOME has whose repositories
may be read (safe.directory)."""

_ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # a repository that lacks objects may not fetch them
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}


class Origin(NamedTuple):
    """The author of the last commit that changed the files, and its hash; empty where unknown.

    A hash that ends in `+dirty` is of files that have changed since.
    """

    author: str = ""
    commit: str = ""


def origin(path: Path) -> Origin:
    """Give the origin of a gateway file, or of a folder of them. Blocks; never raises.

    Empty without git, outside a repository, in one of another user, and where nothing is committed.
    """
    until = time.monotonic() + SECONDS
    try:
        at = path.resolve()
        folder, named = (at, ".") if at.is_dir() else (at.parent, at.name)
        log = _git(folder, until, *_LOG, "--", named)
        commit, _, author = log.decode(errors="replace").rstrip("\n").partition("\0")
        tree = _git(folder, until, "ls-tree", "-r", "-z", "HEAD", "--", named)
        there = {name: blob for name, blob in _blobs(tree) if named != "." or _ours(name)}
        if not commit or not there:
            return Origin()
        dirty = _differs(folder, named, there)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError):
        return Origin()
    return Origin(author=author[:_LONGEST], commit=f"{commit}+dirty" if dirty else commit)


def _blobs(tree: bytes) -> Iterator[tuple[str, str]]:
    """Path, from the folder, and hash of each file of a tree."""
    for line in filter(None, tree.split(b"\0")):
        head, _, name = line.partition(b"\t")
        yield os.fsdecode(name), head.split(b" ")[2].decode()


def _ours(name: str) -> bool:
    """Whether a gateway of the whole folder would read a file."""
    path = PurePosixPath(name)
    return path.suffix in SUFFIXES and not any(part.startswith(".") for part in path.parts)


def _differs(folder: Path, named: str, there: Mapping[str, str]) -> bool:
    """Whether the files are not those of the tree. Git would run filters to find out."""
    found = yaml_files(folder) if named == "." else [folder / named]
    names = {str(one.relative_to(folder)): one for one in found}
    if names.keys() != there.keys():
        return True
    return any(_blob(names[name], len(blob)) != blob for name, blob in there.items())


def _blob(path: Path, digits: int) -> str:
    """The hash that git gives a file, or a link."""
    if path.is_symlink():
        data = os.fsencode(path.readlink())
    else:
        (read,) = read_sources(path).files
        data = read.data
    made = hashlib.new("sha1" if digits == _SHA1 else "sha256", usedforsecurity=False)
    made.update(b"blob %d\0" % len(data))
    made.update(data)
    return made.hexdigest()


def _git(folder: Path, until: float, *words: str) -> bytes:
    """What git says in a folder. Raises OSError, ValueError or SubprocessError."""
    environ = {k: os.environ[k] for k in _THEIRS if k in os.environ} | _ENVIRON
    done = subprocess.run(
        [shutil.which("git") or "/nowhere/git", *_NOTHING_OF_THEIRS, "-C", str(folder), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=max(0.0, until - time.monotonic()),
        check=True,
        env=environ,
    )
    return done.stdout
