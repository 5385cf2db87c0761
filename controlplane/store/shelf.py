"""Numbered files, each of which keeps a build and other objects from being removed.

versions/<number>  lines: what it keeps, then what whoever put it there says of it
numbered           the highest number there ever was
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controlplane.store import objects
from controlplane.store.lines import decoded, encoded, split
from controlplane.store.manifests import is_digest
from controlplane.store.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeps:
    """Digests: of a build (empty for none), of sets with all they name, and of bodies."""

    build: str = ""
    sets: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()

    def reach(self, found: Reach) -> None:
        """Add all of it to what was found. Raises UnreadableError."""
        if self.build:
            found.add_build(self.build)
        for one in self.sets:
            found.add_set(one)
        for one in self.bodies:
            found.add_body(one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A file: what it keeps, by the last line that says so, and its other lines that are whole."""

    keeps: Keeps
    lines: tuple[object, ...]


class Shelf:
    """The numbered files of a folder. Reading needs no lock. Raises OSError."""

    def __init__(self, folder: Path, *, made: bool = True) -> None:
        self.folder = folder / "versions"
        self._highest = folder / "numbered"
        if made:
            objects.private(self.folder)

    def numbers(self) -> list[int]:
        """The numbers of all files, the highest first; also of those that cannot be read."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        return sorted((int(n) for n in names if _is_number(n)), reverse=True)

    def path(self, number: int) -> Path:
        """The file of a number."""
        return self.folder / str(number)

    def mark(self, number: int) -> tuple[int, int, int] | None:
        """What is another one when a file has changed; None where there is none."""
        try:
            found = self.path(number).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def read(self, number: int) -> Shelved | None:
        """A file, without lines that are torn; None where it cannot be read or keeps nothing."""
        data = objects.read(self.path(number))
        keeps, rest = None, []
        for line in split(data or b""):
            held = decoded(line)
            one = _keeps(held)
            if one is not None:
                keeps = one
            elif held is not None:
                rest.append(held)
        return None if keeps is None else Shelved(keeps=keeps, lines=tuple(rest))

    def size(self, number: int) -> int:
        """Bytes that a file takes on the disk; 0 for none."""
        return objects.size(self.path(number))

    def total(self) -> int:
        """Bytes that all of them take on the disk."""
        return objects.total(self.folder)

    def highest(self) -> int:
        """The highest number that there ever was, 0 for none."""
        known = 0
        for line in split(objects.read(self._highest) or b""):
            match decoded(line):
                case ["highest", int() as number] if number > 0:
                    known = number
        return max([known, *self.numbers()[:1]])

    def put(self, number: int, keeps: Keeps, lines: Iterable[object]) -> None:
        """Have a new file on the disk; where that fails, there is none. The lock is held alone."""
        path = self.path(number)
        try:
            self.replace(number, Shelved(keeps=keeps, lines=tuple(lines)))
            objects.write(self._highest, encoded(["highest", number]), durable=True)
            objects.sync_folder(self._highest.parent)
        except OSError:
            objects.remove(path)
            raise

    def replace(self, number: int, one: Shelved) -> None:
        """Put a file in the place of another in one step. The lock is held alone."""
        all_lines: Sequence[object] = [_line(one.keeps), *one.lines]
        objects.write(self.path(number), b"".join(map(encoded, all_lines)), durable=True)
        objects.sync_folder(self.folder)

    def append(self, number: int, line: object, *, durable: bool = False) -> int:
        """Add a line to a file, if it is there; give the file's bytes. The lock is held."""
        return objects.append(self.path(number), encoded(line), durable=durable)

    def reduce(self, number: int, keeps: Keeps) -> None:
        """Have a file keep less from now on. The lock is held alone."""
        self.append(number, _line(keeps), durable=True)

    def remove(self, number: int) -> None:
        """Remove a file. The lock is held alone."""
        objects.remove(self.path(number))


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")


def _line(keeps: Keeps) -> list[object]:
    return ["keeps", keeps.build, list(keeps.sets), list(keeps.bodies)]


def _keeps(held: object) -> Keeps | None:
    match held:
        case ["keeps", str(build), [*sets], [*bodies]]:
            names = [*sets, *bodies, *filter(None, [build])]
            if all(isinstance(one, str) and is_digest(one) for one in names):
                return Keeps(
                    build=build, sets=tuple(map(str, sets)), bodies=tuple(map(str, bodies))
                )
    return None
