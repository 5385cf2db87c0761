"""What a publisher works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.rollout.recorder import Recorder
from controlplane.xds.options import ServerOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherOptions:
    """Where it keeps what it needs, and who hears of it.

    `files` is where key files are looked up, `state` where keys outlive the process, `trust_store`
    what issuers are verified with. `took` hears seconds from a save to the last ACK, `published`
    each version that Envoys are offered.
    """

    files: Path
    state: Path | None = None
    trust_store: str = ""
    server: ServerOptions = field(default_factory=ServerOptions)
    recorder: Recorder = field(default_factory=Recorder)
    took: Callable[[float], None] = lambda _: None
    published: Callable[[str], None] = lambda _: None
