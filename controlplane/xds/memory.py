"""What is known of nodes and of resources from before a stream."""

from collections.abc import Iterable, Mapping

from controlplane.snapshot import Reference, Resource
from controlplane.xds.phases import unknown
from controlplane.xds.world import Offer

FOUND = 20_000
"""How many resources of before are remembered by the version that a node said."""

NODES = 10_000
"""Of how many nodes without a stream it is remembered what they drain."""


class Memory:
    """Remembers nothing; who keeps records says more, and that it `records`."""

    records = False

    def find(self, type_url: str, name: str, version: str) -> Resource | None:  # noqa: ARG002 # for others to say
        """Return a resource that was once published."""
        return None

    def holding(self, node: str) -> Mapping[str, tuple[Resource, ...]]:  # noqa: ARG002 # as above
        """Return all that a node may hold, by type."""
        return {}

    def draining(self, node: str) -> Mapping[Reference, float] | None:  # noqa: ARG002 # as above
        """Return until when what lost a user stays, on an earlier stream of a node.

        None where there was none here: it may drain what nobody knows of.
        """
        return None

    def found(self, offer: Offer, name: str, version: str) -> Resource:
        """Return what a node holds by the version that it says, or a stand-in for what it is."""
        offered = offer.find(name)
        if offered is not None and offered.version == version:
            return offered
        return self.find(offer.type_url, name, version) or unknown(offer.type_url, name, version)


class Lasting(Memory):
    """Another memory, and beside it what nodes drain over a break of their streams."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.records = memory.records
        self._found: dict[tuple[str, str, str], Resource | None] = {}
        self._drains: dict[str, Mapping[Reference, float]] = {}

    def find(self, type_url: str, name: str, version: str) -> Resource | None:
        """Return a resource that was once published, of those that were looked up."""
        return self._found.get((type_url, name, version))

    def holding(self, node: str) -> Mapping[str, tuple[Resource, ...]]:
        """Return all that a node may hold, by type. Blocks."""
        return self._memory.holding(node)

    def look_up(self, type_url: str, versions: Iterable[tuple[str, str]]) -> None:
        """Look up resources by name and version, for `find`. Blocks; for one thread at a time."""
        for name, version in versions:
            at = (type_url, name, version)
            if at not in self._found:
                self._found[at] = self._memory.find(*at)
        while len(self._found) > FOUND:
            del self._found[next(iter(self._found))]

    def draining(self, node: str) -> Mapping[Reference, float] | None:
        """Return until when what lost a user stays, on an earlier stream of a node."""
        return self._drains.get(node)

    def drain(self, node: str, drains: Mapping[Reference, float]) -> None:
        """Remember what a node whose stream ends was draining."""
        self._drains.pop(node, None)
        self._drains[node] = drains
        if len(self._drains) > NODES:
            del self._drains[next(iter(self._drains))]


def by_name(several: Iterable[Resource]) -> Mapping[str, tuple[Resource, ...]]:
    """Group resources of one type."""
    found: dict[str, tuple[Resource, ...]] = {}
    for one in several:
        found[one.name] = (*found.get(one.name, ()), one)
    return found
