"""What streams have to say: to the log, to the meter, and to whoever wants to hear it."""

from collections.abc import Callable, Iterable, Mapping

import structlog

from controlplane.xds.connection import Connection, Told
from controlplane.xds.discovery import Push
from controlplane.xds.events import Acked, Ignored, Instances, Nacked, Silent, Status, Wanted
from controlplane.xds.meter import Meter, Refusal
from controlplane.xds.stream import Stream

Heard = Told | Instances | Silent

_REASONS: Mapping[Status, Refusal] = {
    "INVALID_ARGUMENT": "malformed",
    "UNAVAILABLE": "not_ready",
    "RESOURCE_EXHAUSTED": "busy",
    "DEADLINE_EXCEEDED": "slow",
}
_log = structlog.get_logger(__name__)


class News:
    """Tells it on. `quiet`: what nodes say is no news to whoever reads the log."""

    def __init__(self, heard: Callable[[Heard], None] | None, meter: Meter, *, quiet: bool) -> None:
        self._heard = heard
        self._meter = meter
        self._info = _log.debug if quiet else _log.info
        self._warning = _log.debug if quiet else _log.warning
        self._instances: dict[str, tuple[str, ...]] = {}

    def tell(self, event: Heard) -> None:
        """Have it heard."""
        if self._heard is not None:
            self._heard(event)

    def note(self, role: str, event: Told) -> None:
        """Write down and count what a node said."""
        match event:
            case Nacked():
                self._warning(
                    "xds rejected", node=event.node, type=event.type_url, why=event.message
                )
                self._meter.nacked(role, event.type_url)
            case Ignored():
                self._warning("xds type unknown", node=event.node, type=event.type_url)
                self._meter.unknown(role)
            case Wanted():
                _log.debug("xds wanted", node=event.node, type=event.type_url, name=event.name)
            case Acked():
                _log.debug("xds acked", node=event.node, type=event.type_url)
                self._meter.acked(role, event.type_url)

    def connected(self, stream: Stream) -> None:
        """Say that a node has said who it is."""
        self._info("xds node connected", node=stream.node, role=stream.role, delta=stream.delta)

    def ended(self, stream: Stream) -> None:
        """Say that a stream has ended."""
        tell = self._info if stream.node else _log.debug  # who came too early comes again
        tell("xds stream ended", node=stream.node, role=stream.role, delta=stream.delta)

    def closed(self, status: Status) -> None:
        """Count a stream that was ended by us."""
        self._meter.refused(_REASONS[status])

    def wrote(self, connection: Connection, push: Push, size: int) -> None:
        """Count a reply that was written."""
        self._meter.pushed(connection.stream.role, push.type_url, size)

    def ready(self, role: str, addresses: Iterable[str]) -> None:
        """Tell of the ready instances of a service when they are others than before."""
        now = tuple(sorted(set(addresses)))
        if now != self._instances.get(role, ()):
            self._instances[role] = now
            _log.info("xds instances", role=role, ready=len(now))
            self.tell(Instances(role=role, addresses=now))
