"""Files named by the SHA-256 of their content: written once, never changed, checked when read.

They are compressed; those of before, which were not, are read as well.
"""

import errno
import heapq
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from controlplane.store.manifests import digest, is_digest
from controlplane.store.packed import HEAD_BYTES, packed, sizes, unpacked

LARGEST = 1 << 28
"""Bytes of one file; what is larger is none of ours."""

_NEW = ".new-"
_SYNCING = 16
"""Files that are synced at once: 2,000 took 2.9 s one by one and 0.2 s so, as they share commits of
the file system's journal."""

_BLOCK = 4096
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.ELOOP})
_NOT_THE_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class StoreError(Exception):
    """The store cannot be used: `words` say what is wrong with `path`."""

    def __init__(self, path: Path, words: str) -> None:
        super().__init__(path, words)
        self.path = path
        self.words = words

    def __str__(self) -> str:
        """Give the path and the words."""
        return f"{self.path}: {self.words}"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Give what the system refuses as a StoreError."""
    try:
        yield
    except OSError as error:
        at = path if error.filename is None else Path(os.fsdecode(error.filename))
        words = (error.strerror or str(error)).lower()
        raise StoreError(at, f"this cannot be used as a store: {words}") from error


class Objects:
    """One folder of such files. Raises OSError when it cannot be written.

    Where it is only read (`made` is False), the folder need not be there.
    """

    def __init__(self, folder: Path, *, made: bool = True) -> None:
        self.folder = folder
        self._there: set[str] = set()  # seen whole by us, or written
        self._durable: set[str] = set()
        if made:
            private(folder)

    def read(self, name: str) -> bytes | None:
        """The content, or None where it is missing or is not what its name says."""
        file = read(self.folder / name)
        for data in () if file is None else (unpacked(file, LARGEST), file):
            if data is not None and digest(data) == name:
                self._there.add(name)
                return data
        self._there.discard(name)
        return None

    def has(self, name: str, size: int) -> bool:
        """Tell, without reading all of it, whether there is a file whose content has this size."""
        if name in self._there:
            return True
        try:
            handle = os.open(self.folder / name, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                return False
            return size == found.st_size or sizes(os.read(handle, HEAD_BYTES)) == (
                size,
                found.st_size,
            )
        except OSError:
            return False
        finally:
            os.close(handle)

    def lost(self, name: str) -> bool:
        """Tell of one that could not be read whether it never will be: missing, or another content.

        Else the disk is at fault, perhaps for a while only.
        """
        try:
            handle = os.open(self.folder / name, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            return error.errno in _MISSING
        try:
            while os.read(handle, 1 << 20):
                pass
        except OSError as error:
            return error.errno == errno.EISDIR
        finally:
            os.close(handle)
        return True

    def size(self, name: str) -> int:
        """Bytes that a file takes on the disk, in whole blocks; 0 for none."""
        return size(self.folder / name)

    def total(self) -> int:
        """Bytes that all of them take on the disk."""
        return total(self.folder)

    def put(self, name: str, data: bytes) -> None:
        """Have the content there, safe from the end of this process but not of the machine."""
        if name in self._there:
            return
        if self.read(name) is None:
            write(self.folder / name, packed(data), durable=False)
            self._durable.discard(name)
        self._there.add(name)

    def sync(self, names: Iterable[str]) -> None:
        """Have these on the disk. One that was removed meanwhile is passed over."""
        durable = self._durable  # whoever removes files meanwhile puts another set there
        new = [name for name in dict.fromkeys(names) if name not in durable]
        if new:
            with ThreadPoolExecutor(_SYNCING) as pool:
                found = pool.map(_sync, [self.folder / name for name in new])
                done = [name for name, there in zip(new, found, strict=True) if there]
            sync_folder(self.folder)
            durable.update(done)

    def names(self) -> Iterator[str]:
        """What seems to be there."""
        return filter(is_digest, (path.name for path in self.folder.iterdir()))

    def newest(self, most: int) -> list[str]:
        """The names of those that were written last."""
        with os.scandir(self.folder) as found:
            at = [(_written(one), one.name) for one in found if is_digest(one.name)]
        return [name for _, name in heapq.nlargest(most, at)]

    def sweep(self, keep: AbstractSet[str]) -> None:
        """Remove all others, and what a killed writer left. Nobody may write meanwhile."""
        sweep_new(self.folder)
        for name in list(self.names()):
            if name not in keep:
                remove(self.folder / name)
        self.forget()

    def forget(self) -> None:
        """Somebody else may have removed files."""
        self._there, self._durable = set(), set()


def size(path: Path) -> int:
    """Bytes that a file takes on the disk, in whole blocks; 0 for none."""
    try:
        return _blocks(path.stat().st_size)
    except OSError:
        return 0


def total(folder: Path) -> int:
    """Bytes that the files in a folder take on the disk."""
    with os.scandir(folder) as found:
        return sum(_blocks(_bytes(one)) for one in found)


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _bytes(one: os.DirEntry[str]) -> int:
    try:
        return one.stat(follow_symlinks=False).st_size
    except OSError:  # it was removed meanwhile
        return 0


def _written(one: os.DirEntry[str]) -> int:
    try:
        return one.stat(follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0


def private(folder: Path) -> None:
    """Have a folder that is the owner's alone."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)


def read(path: Path) -> bytes | None:
    """A regular file's content, None where there is none or it is larger than any of ours.

    Raises OSError only where the fault is not the file's.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a FIFO must not hang
    except OSError as error:
        if error.errno in _NOT_THE_FILES:
            raise
        return None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(LARGEST)
    except OSError as error:
        if error.errno in _NOT_THE_FILES:
            raise
        return None
    finally:
        os.close(handle)


def write(path: Path, data: bytes, *, durable: bool) -> None:
    """Replace a file in one step, by a name that no other writer has. Its folder is not synced."""
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=_NEW)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            write_all(handle, data)
            if durable:
                os.fsync(file.fileno())
        os.replace(new, path)  # noqa: PTH105 # the other calls here have no method either
    except BaseException:
        remove(Path(new))
        raise


def append(path: Path, data: bytes, *, durable: bool) -> int:
    """Add to a file that is there, and give its bytes; 0 where there is none."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    except FileNotFoundError:
        return 0
    try:
        write_all(handle, data)
        if durable:
            os.fsync(handle)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """Write everything; nearly always in one call."""
    while data:
        data = data[os.write(handle, data) :]


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    _sync(folder)


def sweep_new(folder: Path) -> None:
    """Remove what a killed writer left. Nobody may write meanwhile."""
    for path in list(folder.iterdir()):
        if path.name.startswith(_NEW):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file if it is there and lets itself be removed."""
    try:
        os.unlink(path)  # noqa: PTH108 # as above
    except OSError:
        return


def _sync(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return True
