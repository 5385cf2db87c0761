"""Which versions leave: those beyond a number, an age or a size, the oldest first."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from controlplane.history.version import Version

DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much is kept.

    Beyond `versions`, or after `days`, a version leaves; the newest `least` and those of the last
    `young` days stay all the same. `bytes` on the disk win over all that: what is beyond them
    leaves, except for the newest version and the newest that is live. It is looked at once in
    `every` versions.
    """

    versions: int = 1_000
    days: float = 90
    bytes: int = 1 << 30
    least: int = 10
    young: float = 7
    every: int = 64


def leaving(
    versions: Sequence[Version], now: float, bounds: Retention, sizes: Callable[[Version], int]
) -> frozenset[int]:
    """Give the numbers of those that leave, of all versions, the newest first.

    `sizes` says how many bytes the disk holds for a version and all that are newer; it is asked in
    their order.
    """
    always = _always(versions)
    out = set()
    full = False
    for at, one in enumerate(versions):
        age = (now - one.at) / DAY
        wanted = at < bounds.least or age < bounds.young
        kept = wanted or (at < bounds.versions and age < bounds.days)
        if one.number not in always and (full or not kept):
            out.add(one.number)
            continue
        full = sizes(one) > bounds.bytes or full
        if full and one.number not in always:
            out.add(one.number)
    return frozenset(out)


def _always(versions: Iterable[Version]) -> frozenset[int]:
    newest = next(iter(versions), None)
    live = next((one for one in versions if one.fate == "live"), None)
    return frozenset(one.number for one in (newest, live) if one is not None)
