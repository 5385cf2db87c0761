"""Limits that no route names any more, but an Envoy that has not moved yet still may.

ratelimit answers an unknown limit with an error, which is 503 to the client. So what was once
served stays, with its last amounts, until newer ones need the room.
"""

from controlplane.snapshot import Resource, resource
from protos.limits_pb2 import Limit, LimitSet

MOST = 10_000
"""How many limits are kept beside the current ones."""


class Retired:
    """Remembers limits by their ids, over all the sets that it was shown."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[str, Limit] = {}

    def beside(self, served: Resource) -> Resource:
        """Give a LimitSet resource with the retired limits beside its own."""
        current = LimitSet.FromString(served.body)
        own = {limit.id: limit for limit in current.limits}
        kept = {name: limit for name, limit in self._known.items() if name not in own}
        for name in list(kept)[: max(0, len(kept) - self._most)]:
            del kept[name]
        self._known = {**kept, **own}
        current.limits.extend(kept[name] for name in sorted(kept))
        return resource(served.type_url, served.name, current)
