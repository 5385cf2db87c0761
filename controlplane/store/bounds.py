"""How much a store keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is kept.

    `nodes` are remembered for `seconds`. Beyond `journal` bytes of lines, or so many new `sets`,
    what nobody needs is removed. `cache` is the bytes of bodies in memory, twice.
    """

    nodes: int = 10_000
    seconds: float = 7 * 24 * 3600.0
    journal: int = 4 << 20
    sets: int = 64
    cache: int = 64 << 20
