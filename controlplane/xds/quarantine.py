"""What nodes refused, kept from others of their group until its content changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.snapshot import Reference
from controlplane.xds.events import Nacked
from controlplane.xds.world import World

MOST = 1_000
"""How many refusals are remembered; the oldest leave first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A NACK: of whom, and on which stream. Its content is not offered to that group again."""

    role: str
    group: str
    stream: str
    nacked: Nacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """All refusals that stand."""

    refusals: tuple[Refusal, ...] = ()

    def with_one(self, refusal: Refusal) -> "Quarantine":
        """Add a refusal; one of the same content and group takes the place of the older."""
        content = refusal.nacked.content
        others = [r for r in self.refusals if r.nacked.content != content or not _alike(r, refusal)]
        return Quarantine(refusals=(*others, refusal)[-MOST:])

    def within(self, world: World) -> "Quarantine":
        """Forget what is not offered any more: one change lifts the whole of a refusal."""
        return Quarantine(
            refusals=tuple(
                r for r in self.refusals if r.role != world.role or _offered(r.nacked, world)
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

    def nacks(self, role: str) -> tuple[Nacked, ...]:
        """Give the words of all refusals of a role."""
        return tuple(r.nacked for r in self.refusals if r.role == role)

    def _of(self, role: str, group: str, but: str) -> Iterable[Refusal]:
        mine = (r for r in self.refusals if (r.role, r.group) == (role, group))
        return (r for r in mine if r.stream != but)


def _alike(one: Refusal, other: Refusal) -> bool:
    mine, theirs = one.nacked, other.nacked
    return (one.role, one.group, mine.type_url) == (other.role, other.group, theirs.type_url)


def _offered(nacked: Nacked, world: World) -> bool:
    offer = world.offers.get(nacked.type_url)
    there = {n: one.version for n, one in offer.resources.items()} if offer else {}
    return bool(nacked.content) and all(there.get(n, "") == v for n, v in nacked.content)
