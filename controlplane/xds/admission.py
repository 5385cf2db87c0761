"""How many streams may be new at once: after a restart all of a fleet comes at the same time."""

from collections.abc import Hashable

SECONDS = 10.0
"""A stream counts as new until its first ACK, but no longer than this."""

STREAMS = 20_000
"""How many streams there may be at all."""


class Admission:
    """Counts the streams that are new. A moment is in monotonic seconds."""

    def __init__(self, most: int, streams: int = STREAMS) -> None:
        self._most = most
        self._streams = streams
        self._new: dict[Hashable, float] = {}

    def admits(self, stream: Hashable, open_streams: int, now: float) -> bool:
        """Count a stream as new and say so, or say that it has to come again later."""
        for one, since in list(self._new.items()):  # oldest first
            if since + SECONDS > now:
                break
            del self._new[one]
        if len(self._new) >= self._most or open_streams >= self._streams:
            return False
        self._new[stream] = now
        return True

    def settled(self, stream: Hashable) -> None:
        """Count a stream no longer as new: it took a reply, or it ended."""
        self._new.pop(stream, None)
