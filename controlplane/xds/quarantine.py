"""What nodes refused, kept from others of their group until its content changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.snapshot import Reference, Resource
from controlplane.xds.discovery import version_of
from controlplane.xds.events import Nacked
from controlplane.xds.world import World

Held = Mapping[str, Resource | None]

MOST = 1_000
"""How many rejections are remembered; the oldest leave first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A NACK: of whom, and on which stream. Its content is not offered to that group again."""

    role: str
    group: str
    stream: str
    nacked: Nacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """All rejections that stand."""

    rejections: tuple[Rejection, ...] = ()

    def with_one(self, rejection: Rejection) -> "Quarantine":
        """Add a refusal; one of the same content and group takes the place of the older."""
        content = rejection.nacked.content
        others = [
            r for r in self.rejections if r.nacked.content != content or not _alike(r, rejection)
        ]
        return Quarantine(rejections=(*others, rejection)[-MOST:])

    def within(self, role: str, worlds: Iterable[World]) -> "Quarantine":
        """Forget what is offered to nobody any more: one change lifts the whole of a refusal."""
        mine = tuple(worlds)
        return Quarantine(
            rejections=tuple(
                r
                for r in self.rejections
                if r.role != role or any(_offered(r.nacked, world) for world in mine)
            )
        )

    def of(self, role: str, group: str, *, but: str) -> Mapping[Reference, frozenset[str]]:
        """Give the refused versions for a stream; its own memory is better than this one."""
        found: dict[Reference, frozenset[str]] = {}
        for one in self._of(role, group, but):
            for name, version in one.nacked.content:
                at = Reference(one.nacked.type_url, name)
                found[at] = found.get(at, frozenset()) | {version}
        return found

    def without(self, role: str, group: str, type_url: str, held: Held) -> "Quarantine":
        """Forget what another node of the group took all the same: it was that one node's fault."""
        return Quarantine(
            rejections=tuple(
                r
                for r in self.rejections
                if (r.role, r.group, r.nacked.type_url) != (role, group, type_url)
                or not all(version_of(held.get(n)) == v for n, v in r.nacked.content)
            )
        )

    def nacks(self, role: str) -> tuple[Nacked, ...]:
        """Give the words of all rejections of a role."""
        return tuple(r.nacked for r in self.rejections if r.role == role)

    def _of(self, role: str, group: str, but: str) -> Iterable[Rejection]:
        mine = (r for r in self.rejections if (r.role, r.group) == (role, group))
        return (r for r in mine if r.stream != but)


def _alike(one: Rejection, other: Rejection) -> bool:
    mine, theirs = one.nacked, other.nacked
    same = (mine.type_url, mine.content) == (theirs.type_url, theirs.content)
    return same and (one.role, one.group) == (other.role, other.group)


def _offered(nacked: Nacked, world: World) -> bool:
    offer = world.offers.get(nacked.type_url)
    if offer is None or not nacked.content:
        return False
    return all(version_of(offer.resources.get(n)) == v for n, v in nacked.content)
