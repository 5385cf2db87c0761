"""The files of a gateway as they stand on disk, read once into values.

A file alone is the gateway. A folder is one namespace when it holds `gateway.yaml`: every YAML file
below it belongs to it. What cannot be read is a mistake with words that say what to do.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controlplane.sources import SourceFile
from language.mistakes import Mistake
from language.places import Place

MAIN = "gateway.yaml"
SUFFIXES = (".yaml", ".yml")
LARGEST = 8 << 20
"""Bytes of one file: LANGUAGE rule 8."""
DEEPEST = 64
"""Folders below one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What was read. With mistakes, `files` are those that could be read.

    `unread` are the names of files that are there and could not be read, each with its mistake. Any
    other mistake is one of the whole: which files there are is not known.
    """

    files: tuple[SourceFile, ...]
    mistakes: tuple[Mistake, ...]
    unread: tuple[str, ...] = ()


def read_sources(path: Path) -> Sources:
    """Read a file, or every YAML file of a folder in the order of their names.

    Names stay as the user wrote them: `path` itself, or `path` and what is below it.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        return Sources(files=(), mistakes=(_unreadable(path, error),))
    if not is_folder:
        return _read_all([path])
    if not (path / MAIN).exists():
        return Sources(files=(), mistakes=(_no_gateway(path),))
    try:
        return _read_all(list(yaml_files(path)))
    except DeepError as error:
        hint = "move it up, or out of this folder"
        message = f"folders lie deeper than {DEEPEST} here"
        return Sources(files=(), mistakes=(_mistake(error.folder, message, hint),))
    except OSError as error:
        return Sources(files=(), mistakes=(_unreadable(Path(str(error.filename)), error),))


class DeepError(Exception):
    """A folder that lies too deep."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


def yaml_files(folder: Path) -> Iterator[Path]:
    """Walk a folder's YAML files, sorted; hidden ones and the insides of linked folders are not.

    A link to a file counts (a mounted ConfigMap is links); a link to a folder could lead in a
    circle or out of the namespace, so it is not followed. Raises OSError where a folder cannot be
    read, DeepError where one lies too deep.
    """
    found = _entries(folder)
    while found:
        entry = found.pop()
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.is_symlink():
                continue
            if len(entry.relative_to(folder).parts) > DEEPEST:
                raise DeepError(entry)
            found += _entries(entry)
        elif entry.suffix in SUFFIXES:
            yield entry


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), reverse=True)


def _read_all(paths: list[Path]) -> Sources:
    files: list[SourceFile] = []
    mistakes: list[Mistake] = []
    for path in paths:
        one = _read(path)
        if isinstance(one, Mistake):
            mistakes.append(one)
        else:
            files.append(one)
    unread = tuple(mistake.place.file for mistake in mistakes)
    return Sources(files=tuple(files), mistakes=tuple(mistakes), unread=unread)


def _read(path: Path) -> SourceFile | Mistake:
    """Read a regular file up to the bound; opening a FIFO or device must not hang or empty it."""
    if _printed(path) != str(path):
        return _mistake(path, "this name is not UTF-8", "rename it")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _unreadable(path, error)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return _mistake(path, "this is not a regular file", "give a YAML file or a folder")
        try:
            data = b"" if found.st_size > LARGEST else file.read(LARGEST + 1)
        except OSError as error:
            return _unreadable(path, error)
    if found.st_size > LARGEST or len(data) > LARGEST:
        return _mistake(
            path, "this file is larger than 8 MiB", "split it into several files of one folder"
        )
    return SourceFile(name=str(path), data=data)


def _unreadable(path: Path, error: OSError) -> Mistake:
    if isinstance(error, FileNotFoundError):
        if path.is_symlink():
            return _mistake(path, "this link leads nowhere", "mend or remove it")
        return _mistake(path, "there is no such file or folder", "check the name")
    if isinstance(error, PermissionError):
        return _mistake(path, "this cannot be read: permission denied", "let this user read it")
    return _mistake(path, f"this cannot be read: {error.strerror}", "")


def _no_gateway(path: Path) -> Mistake:
    if (path / "gateway.yml").exists():
        return _mistake(
            path / "gateway.yml", f"a folder's main file is called {MAIN}", f"rename it to {MAIN}"
        )
    return _mistake(
        path, f"this folder holds no {MAIN}", f"put one there, or name the folder of your {MAIN}"
    )


def _mistake(path: Path, message: str, hint: str) -> Mistake:
    return Mistake(place=Place(_printed(path), 1, 1), message=message, hint=hint)


def _printed(path: Path) -> str:
    """A path in characters that can be written anywhere: bytes that are no UTF-8 as escapes."""
    return os.fsencode(path).decode(errors="backslashreplace")
