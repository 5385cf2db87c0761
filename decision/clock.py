"""Where a shell has the time from."""

from typing import Protocol


class Clock(Protocol):
    """The time of day. It may step back; who counts by it has to bear that."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
