"""What an ADS server works with."""

from dataclasses import dataclass, field

from controlplane.xds.memory import Memory
from controlplane.xds.meter import Meter
from controlplane.xds.phases import DRAIN_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What a server works with.

    `memory` knows what nodes hold from before, `meter` counts, `drain_seconds` is how long Envoys
    drain a listener, `starting` how many streams may be new at once, `singly` the types that are
    sent one resource at a time. `quiet`: nobody wants to read in the log what these nodes say.
    """

    memory: Memory = field(default_factory=Memory)
    meter: Meter = field(default_factory=Meter)
    drain_seconds: float = DRAIN_SECONDS
    starting: int = 256
    singly: frozenset[str] = frozenset()
    quiet: bool = False
