"""What is served now: which version, which content of each file, what Envoy made stay behind."""

from dataclasses import dataclass

from controlplane.isolation.isolated import Kept
from controlplane.selection.chosen import FileView


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The version that everybody is offered, and what of the files is not in it.

    `number` is the version in the history (None: none is written), `content` the snapshot's version
    (empty: nothing is served yet), `since` Unix seconds. `pinned` is the version that a rollback
    went back to, None where the files say what is served.
    """

    number: int | None = None
    content: str = ""
    since: float = 0.0
    files: tuple[FileView, ...] = ()
    kept: tuple[Kept, ...] = ()
    pinned: int | None = None
