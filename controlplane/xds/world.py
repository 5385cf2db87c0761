"""A snapshot as streams serve it: prepared once at publish, shared by all of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from controlplane.snapshot import ORDER, Resource, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """All resources of one type; `version` covers them and nothing else.

    It is what the wire calls `version_info`, so a type whose content did not change keeps its
    version although the snapshot has another one.
    """

    type_url: str
    version: str
    resources: Mapping[str, Resource]

    def with_more(self, more: Mapping[str, Resource]) -> "Offer":
        """Return the offer with resources beside, which it does not hold itself (any more)."""
        if not more:
            return self
        resources = {**more, **self.resources}
        return replace(self, version=_version(resources), resources=MappingProxyType(resources))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What every node shall have: `version` is the snapshot's, `offers` holds every known type."""

    version: str
    offers: Mapping[str, Offer]


def world(snapshot: Snapshot) -> World:
    """Prepare a snapshot. A type that it does not use is known and empty, not unknown."""
    types = dict.fromkeys((*ORDER, *snapshot.resources))
    offers = {
        t: Offer(type_url=t, version=_version(snapshot.of(t)), resources=snapshot.of(t))
        for t in types
    }
    return World(version=snapshot.version, offers=MappingProxyType(offers))


def _version(resources: Mapping[str, Resource]) -> str:
    digest = hashlib.sha256()
    for name in sorted(resources):
        digest.update(f"{len(name)} {name} {resources[name].version}\n".encode())
    return digest.hexdigest()[:16]
