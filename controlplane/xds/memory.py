"""What is known of nodes and of resources from before a stream."""

from collections.abc import Iterable, Mapping

from controlplane.snapshot import Reference, Resource
from controlplane.xds.phases import unknown
from controlplane.xds.world import Offer


class Memory:
    """Remembers nothing; who keeps records says more."""

    def find(self, type_url: str, name: str, version: str) -> Resource | None:  # noqa: ARG002 # for others to say
        """Return a resource that was once published."""
        return None

    def holding(self, node: str) -> Mapping[str, tuple[Resource, ...]]:  # noqa: ARG002 # as above
        """Return all that a node may hold, by type."""
        return {}

    def draining(self, node: str) -> Mapping[Reference, float]:  # noqa: ARG002 # as above
        """Return until when what lost a user stays, on an earlier stream of a node."""
        return {}

    def found(self, offer: Offer, name: str, version: str) -> Resource:
        """Return what a node holds by the version that it says, or a stand-in for what it is."""
        offered = offer.find(name)
        if offered is not None and offered.version == version:
            return offered
        return self.find(offer.type_url, name, version) or unknown(offer.type_url, name, version)


def by_name(several: Iterable[Resource]) -> Mapping[str, tuple[Resource, ...]]:
    """Group resources of one type."""
    found: dict[str, tuple[Resource, ...]] = {}
    for one in several:
        found[one.name] = (*found.get(one.name, ()), one)
    return found
