"""A snapshot as streams serve it: prepared once at publish, shared by all of them.

Each role of node has a world of its own, with its own types: ours never reach an Envoy, Envoy's
never a service, and what one service judges by never reaches the other.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ORDER,
    ROUTES,
    SCOPE,
    SECRET,
    Resource,
    Snapshot,
)
from protos import KEY_REQUEST, PIPELINE, SERVICE_TYPES

ENVOY = "envoy"
"""The role of every node that does not say that it is one of our services."""

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType({ENVOY: ORDER, **SERVICE_TYPES})
"""The types that each role is served, in the order in which they are sent, and no others."""

ARCHIVED = frozenset({PIPELINE})
"""Types named by their content: what an older snapshot held stays available by its name."""

PAST = frozenset({ENDPOINTS, SECRET, EXTENSION, ROUTES})
"""Types that a node asks for by name once it has their users: users that are on their way out,
or still on their way in, ask for what a newer snapshot does not hold."""

ARCHIVE_SIZE = 10_000
"""How many archived resources of a type are kept; the oldest leave first."""

_ENVOY_NEEDS = (CLUSTER, LISTENER, SCOPE, ROUTES)
_NOTHING: Mapping[str, Resource] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """All resources of one type; `version` covers `resources` and nothing else.

    It is what the wire calls `version_info`, so a type whose content did not change keeps its
    version although the snapshot has another one. `archive` is there for whoever subscribes to a
    name in it, and no part of the wildcard; the oldest is first. `past` is there for users of
    before. `names` are all of `resources`.
    """

    type_url: str
    version: str
    resources: Mapping[str, Resource]
    archive: Mapping[str, Resource] = field(default_factory=dict)
    past: Mapping[str, Resource] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def find(self, name: str) -> Resource | None:
        """Return a resource by its name, a current or an archived one."""
        return self.resources.get(name) or self.archive.get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What every node of a role shall have.

    `version` is the snapshot's, `offers` holds every type of the role in its order. A node is
    complete once it asked for the `expected` types.
    """

    version: str
    role: str
    snapshot: Snapshot
    offers: Mapping[str, Offer]
    expected: frozenset[str]


def world(
    snapshot: Snapshot,
    role: str = ENVOY,
    *,
    archive: Mapping[str, Resource] = _NOTHING,
    before: World | None = None,
) -> World:
    """Prepare a snapshot. A type that it does not use is known and empty, not unknown.

    What the world `before` held is archived, beside its own archive and `archive` (by name, older
    than all that). Raises ForeignTypeError for a resource that the role must not see.
    """
    foreign = snapshot.resources.keys() - ROLES[role] | snapshot.resources.keys() & {KEY_REQUEST}
    foreign |= {r.type_url for r in archive.values()} - ARCHIVED.intersection(ROLES[role])
    if foreign:
        raise ForeignTypeError(role, frozenset(foreign))
    offers = {
        type_url: _offer(type_url, snapshot.of(type_url), archive, before)
        for type_url in ROLES[role]
    }
    expected = frozenset(ROLES[role]) - {KEY_REQUEST}
    if role == ENVOY:  # which asks for what others name only once it is named
        expected = frozenset(t for t in _ENVOY_NEEDS if snapshot.of(t))
    return World(
        version=snapshot.version,
        role=role,
        snapshot=snapshot,
        offers=MappingProxyType(offers),
        expected=expected,
    )


class ForeignTypeError(Exception):
    """A mistake of ours: a snapshot for one role holds types that are not its."""

    def __init__(self, role: str, types: frozenset[str]) -> None:
        super().__init__(role, sorted(types))
        self.role = role
        self.types = types


def _offer(
    type_url: str,
    there: Mapping[str, Resource],
    older: Mapping[str, Resource],
    before: World | None,
) -> Offer:
    """Offer resources of a type; what did not change is the same object as before."""
    version = _version(there)
    last = before.offers[type_url] if before else None
    kept = last if last is not None and last.version == version else None
    return Offer(
        type_url=type_url,
        version=version,
        resources=kept.resources if kept else there,
        archive=_archive(there, older, last) if type_url in ARCHIVED else _NOTHING,
        past=_past(there, last) if type_url in PAST and last is not None else _NOTHING,
        names=kept.names if kept else frozenset(there),
    )


def _archive(
    current: Mapping[str, Resource], older: Mapping[str, Resource], last: Offer | None
) -> Mapping[str, Resource]:
    known = {**older, **last.archive, **last.resources} if last else older
    names = [name for name in known if name not in current]
    return MappingProxyType({name: known[name] for name in names[-ARCHIVE_SIZE:]})


def _past(current: Mapping[str, Resource], last: Offer) -> Mapping[str, Resource]:
    if last.resources.keys() <= current.keys() and last.past.keys().isdisjoint(current):
        return last.past
    known = {**last.past, **last.resources}
    names = [name for name in known if name not in current]
    return MappingProxyType({name: known[name] for name in names[-ARCHIVE_SIZE:]})


def _version(resources: Mapping[str, Resource]) -> str:
    digest = hashlib.sha256()
    for name in sorted(resources):
        digest.update(f"{len(name)} {name} {resources[name].version}\n".encode())
    return digest.hexdigest()[:16]
