"""What the end-to-end tests are given."""

from dataclasses import dataclass
from pathlib import Path

from tests.e2e.process import Process
from tests.e2e.upstream import Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A running gateway, its folder, and what stands behind it."""

    process: Process
    folder: Path
    base: str
    port: int
    upstreams: dict[str, Upstream]
