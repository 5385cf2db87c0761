"""Which build was published last, and which before it: two small files that are replaced whole."""

from collections.abc import Iterator
from pathlib import Path

from controlplane.store.manifests import is_digest
from controlplane.store.objects import Objects, read, sync_folder, write


class Pointers:
    """The pointers of a folder to its builds. Raises OSError when they cannot be written."""

    def __init__(self, folder: Path, builds: Objects) -> None:
        self._last, self._before = folder / "published", folder / "published.before"
        self._builds = builds

    def named(self) -> Iterator[tuple[Path, str | None]]:
        """Give each pointer, the last one first, with its build, if there is such a one."""
        for path in (self._last, self._before):
            yield path, self._named(path)

    def builds(self) -> frozenset[str]:
        """The builds that they name."""
        return frozenset(name for _, name in self.named() if name is not None)

    def point(self, name: str) -> None:
        """Go from one build to the next, in one step; the one before stays for bad days."""
        last = self._named(self._last)
        if last not in {None, name}:
            write(self._before, f"{last}\n".encode(), durable=True)
        if last != name:
            write(self._last, f"{name}\n".encode(), durable=True)
        sync_folder(self._last.parent)

    def _named(self, path: Path) -> str | None:
        data = read(path) or b""
        name = data.decode("ascii", "replace").removesuffix("\n")
        return name if is_digest(name) and (self._builds.folder / name).exists() else None
