"""Which lines of the files a refusal is about."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from controlplane.seen.fleet import NodeView, TypeView
from controlplane.snapshot import Subject
from controlplane.xds.events import Nacked
from language.places import Place

Provenance: TypeAlias = Mapping[Subject, tuple[Place, ...]]


MOST = 10_000
"""Of how many refusals the lines are remembered."""


class Blames:
    """Remembers the lines of refusals, while it is known what was published."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Place, ...]] = {}

    def remember(self, nacked: Nacked, provenance: Provenance) -> None:
        """Remember the lines that a refusal is about."""
        at = (nacked.node, nacked.type_url)
        self._known.pop(at, None)
        self._known[at] = places(nacked, provenance)
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def placed(self, nodes: Iterable[NodeView]) -> tuple[NodeView, ...]:
        """Show refusals at their lines."""
        return tuple(
            replace(node, types=tuple(self._placed(node.node, t) for t in node.types))
            for node in nodes
        )

    def _placed(self, node: str, one: TypeView) -> TypeView:
        found = self._known.get((node, one.type_url), ()) if one.message else ()
        return replace(one, places=found) if found else one


def places(nacked: Nacked, provenance: Provenance) -> tuple[Place, ...]:
    """Give the lines of the resource that the words name, else of the only one refused, if any."""
    mine = [s for s in provenance if s.type_url == nacked.type_url]
    named = [s for s in mine if s.name in nacked.message]
    if not named and len(nacked.content) == 1:
        named = [s for s in mine if s.name == nacked.content[0][0] and not s.part]
    named.sort(key=lambda s: (-len(s.name), s.part))
    return provenance[named[0]] if named else ()
