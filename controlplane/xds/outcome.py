"""How a version ended up, once nodes have answered it or the time is over."""

from dataclasses import dataclass
from typing import Literal

from controlplane.xds.events import Nacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a published version ended up on the connected nodes.

    `rejected`: a node refused a part of it; `nacks` are its words, also those about content that
    an earlier version brought. `superseded`: another version was published meanwhile. `late`: the
    time is up; `waiting` are the nodes without an answer, empty when none was connected.
    """

    state: Literal["live", "rejected", "superseded", "late"]
    nacks: tuple[Nacked, ...] = ()
    waiting: tuple[str, ...] = ()
