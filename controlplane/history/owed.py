"""What the services must still answer though no file says it any more.

An Envoy that has not moved, or is away, asks by what its old routes name: for a week after a
version was replaced, and for as long as a node is remembered with a route table of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from controlplane.history import words
from controlplane.history.retention import DAY
from controlplane.history.version import Version
from controlplane.snapshot import ROUTES, Resource
from controlplane.store.catalogue import Catalogue
from controlplane.store.shelf import Keeps, Shelf
from protos import LIMITS, PIPELINE

OWED_DAYS = 7.0
"""How long after it was replaced a version is answered for (DESIGN section 3)."""

ANSWERS = frozenset({PIPELINE, LIMITS, ROUTES})
"""The types that say what a version has to be answered for, and by what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """A version that there is or was, what is kept of it, and when the next one came.

    `answers` are its sets of the types of ANSWERS. `until` is in Unix seconds, None for the newest.
    """

    version: Version
    keeps: Keeps
    answers: tuple[str, ...]
    until: float | None


def aged(shelf: Shelf) -> tuple[Aged, ...]:
    """Read everything on the shelf, the newest first. Raises OSError."""
    out: list[Aged] = []
    until = None
    for number in shelf.numbers():
        shelved = shelf.read(number)
        version = None if shelved is None else words.version(number, shelved.lines)
        if shelved is not None and version is not None:
            answers = words.answers(number, shelved.lines)
            out.append(Aged(version=version, keeps=shelved.keeps, answers=answers, until=until))
            until = version.at
    return tuple(out)


def owed(
    found: Sequence[Aged], held: AbstractSet[tuple[str, str]], now: float, catalogue: Catalogue
) -> tuple[Aged, ...]:
    """Give those that are still to be answered for, the newest first.

    `held` are name and version of the route tables that nodes may hold. A table that a younger
    version has too needs none that is older.
    """
    left = set(held)
    out = []
    for one in found:
        young = one.until is None or one.until > now - OWED_DAYS * DAY
        routes = left and left & _routes(one, catalogue)
        if young or routes:
            out.append(one)
            left -= routes
    return tuple(out)


def pipelines(found: Iterable[Aged], catalogue: Catalogue) -> Iterator[Resource]:
    """Give the pipelines of these, those of the first first."""
    return (r for one in found for r in _resources(one, PIPELINE, catalogue))


def limits(found: Iterable[Aged], catalogue: Catalogue) -> Iterator[Resource]:
    """Give the sets of limits of these, those of the first first."""
    return (r for one in found for r in _resources(one, LIMITS, catalogue))


def _routes(one: Aged, catalogue: Catalogue) -> frozenset[tuple[str, str]]:
    entries = (e for name in one.answers for e in catalogue.set(name) or ())
    return frozenset((e.name, e.version) for e in entries if e.type_url == ROUTES)


def _resources(one: Aged, type_url: str, catalogue: Catalogue) -> Iterator[Resource]:
    for name in one.answers:
        entries = catalogue.set(name) or ()
        if any(e.type_url == type_url for e in entries):
            yield from catalogue.resources([name]).get(type_url, ())
