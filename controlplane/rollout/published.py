"""What became of a version."""

from dataclasses import dataclass

from controlplane.xds.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a version.

    Its `outcome` is `late` where Envoys have not answered yet, or none is connected: it stands all
    the same, and they get it. `late` are services that did not take it in time: their routes
    answer 503 until they do. Where `rejecting` is named, that service refused the version, and it
    went to no Envoy. `keyless` are the key sources without a key: tokens of theirs do not pass.
    `arrived` is when the last Envoy had it, in monotonic seconds.
    """

    outcome: Outcome
    late: tuple[str, ...] = ()
    rejecting: str = ""
    keyless: tuple[str, ...] = ()
    arrived: float | None = None
