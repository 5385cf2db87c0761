"""What is offered under another name of its content, so that it is read once more.

The server does not send again what was refused, and Envoy does not look again at what it has.
"""

from dataclasses import replace

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.prover.copies import Resources
from controlplane.snapshot import LISTENER, ROUTES, Resource
from controlplane.xds.events import Nacked

_MARKED = (LISTENER, ROUTES)
"""What names clusters and has a place for a mark."""

_END = "~"
"""What ends a resource's own version; no hash holds it."""


KEPT = 10_000
"""How many refused resources are remembered; what was forgotten wrongly gets no answer in time."""


class Afresh:
    """What was refused, and how often clusters have left."""

    def __init__(self) -> None:
        self._refused: set[tuple[str, str, str]] = set()
        self._losses = 0
        self._turns = 0

    def lost_clusters(self) -> None:
        """Have all that may name clusters be read again."""
        self._losses += 1

    def refused(self, nacks: tuple[Nacked, ...]) -> None:
        """Have these be sent again, should they be offered again."""
        if len(self._refused) > KEPT:
            self._refused.clear()
        for nack in nacks:
            self._refused |= {
                (nack.type_url, name, version.partition(_END)[0]) for name, version in nack.content
            }

    def offered(self, new: Resources) -> Resources:
        """Give resources as they are to be offered now."""
        self._turns += 1
        if not self._refused and not self._losses:
            return new
        return {
            type_url: {name: self._fresh(one) for name, one in group.items()}
            for type_url, group in new.items()
        }

    def _fresh(self, one: Resource) -> Resource:
        version, body = one.version, one.body
        if self._losses and one.type_url in _MARKED:
            version += f"{_END}{self._losses}"
            body += _mark(one.type_url, self._losses)
        if (one.type_url, one.name, one.version) in self._refused:
            version += f"{_END}{_END}{self._turns}"
        return one if version == one.version else replace(one, version=version, body=body)


def _mark(type_url: str, number: int) -> bytes:
    """Give what is appended to a message to make it another, without another meaning."""
    marked: Listener | RouteConfiguration = (
        Listener() if type_url == LISTENER else RouteConfiguration()
    )
    marked.metadata.filter_metadata["foregate.gate"].fields["loss"].number_value = number
    return marked.SerializeToString()
