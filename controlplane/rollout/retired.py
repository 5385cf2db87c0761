"""Limits that no route names any more, but an Envoy that has not moved yet still may.

ratelimit answers an unknown limit with an error, which is 503 to the client. So what was once
live stays, with its last amounts, until newer ones need the room.
"""

from controlplane.snapshot import Resource, resource
from protos.limits_pb2 import Limit, LimitSet

MOST = 10_000
"""How many limits are kept beside the current ones."""


class Retired:
    """Remembers limits by their ids, over all the sets that were live."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[str, Limit] = {}

    def keep(self, served: Resource) -> None:
        """Remember the limits of a set that everybody took: none that was refused is kept."""
        for limit in LimitSet.FromString(served.body).limits:
            self._known.pop(limit.id, None)
            self._known[limit.id] = limit
        for name in list(self._known)[: max(0, len(self._known) - self._most)]:
            del self._known[name]

    def beside(self, served: Resource) -> Resource:
        """Give a LimitSet resource with the remembered limits beside its own."""
        current = LimitSet.FromString(served.body)
        own = {limit.id for limit in current.limits}
        current.limits.extend(self._known[name] for name in sorted(self._known.keys() - own))
        return resource(served.type_url, served.name, current)
