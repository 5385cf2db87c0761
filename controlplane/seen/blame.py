"""Which lines of the files a refusal is about."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build
from controlplane.seen.fleet import NodeView, TypeView
from controlplane.snapshot import ROUTES, Snapshot, Subject
from controlplane.xds.events import Nacked
from controlplane.xds.refusal import blamed
from language.places import Place

Provenance: TypeAlias = Mapping[Subject, tuple[Place, ...]]


FEW = 20
"""How many changed routes a refusal is shown at, at most."""

MOST = 10_000
"""Of how many refusals the lines are remembered."""


class Blames:
    """Remembers the lines of refusals, while it is known what was published."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Place, ...]] = {}
        self._compared: tuple[Build | None, Build | None] = (None, None)
        self._changed: frozenset[Subject] = frozenset()

    def remember(self, nacked: Nacked, target: Build | None, good: Build | None) -> None:
        """Remember the lines that a refusal is about, of a version that follows a good one."""
        at = (nacked.node, nacked.type_url)
        self._known.pop(at, None)
        self._known[at] = self._places(nacked, target, good)
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def _places(
        self, nacked: Nacked, target: Build | None, good: Build | None
    ) -> tuple[Place, ...]:
        if target is None:
            return ()
        if nacked.type_url == ROUTES and not _are(self._compared, (target, good)):
            before = good.snapshot if good is not None else None
            self._changed = changed_routes(before, target.snapshot)
            self._compared = (target, good)
        changed = self._changed if nacked.type_url == ROUTES else frozenset()
        return places(nacked, target.provenance, changed)

    def placed(self, nodes: Iterable[NodeView]) -> tuple[NodeView, ...]:
        """Show refusals at their lines."""
        return tuple(
            replace(node, types=tuple(self._placed(node.node, t) for t in node.types))
            for node in nodes
        )

    def _placed(self, node: str, one: TypeView) -> TypeView:
        found = self._known.get((node, one.type_url), ()) if one.message else ()
        return replace(one, places=found) if found else one


def places(
    nacked: Nacked, provenance: Provenance, changed: frozenset[Subject] = frozenset()
) -> tuple[Place, ...]:
    """Give the lines of the resource that the words name, else of the only one refused, if any.

    Envoy's refusals of routes name none: they are at those that have changed, if these are few.
    """
    new = sorted(s for s in changed if s.type_url == nacked.type_url and provenance.get(s))
    if new and len(new) <= FEW:
        return tuple(dict.fromkeys(provenance[s][0] for s in new))
    mine = [s for s in provenance if s.type_url == nacked.type_url]
    culprits = blamed(nacked.type_url, nacked.message, (s.name for s in mine))
    named = [s for s in mine if s.name in (culprits or nacked.message)]
    if not named and len(nacked.content) == 1:
        named = [s for s in mine if s.name == nacked.content[0][0] and not s.part]
    named.sort(key=lambda s: (-len(s.name), s.part))
    return provenance[named[0]] if named else ()


def changed_routes(before: Snapshot | None, after: Snapshot | None) -> frozenset[Subject]:
    """Say which routes of a version are others than before, or new; of copies, one."""
    if before is None or after is None:
        return frozenset()
    old = _routes(before)
    found = set()
    for part, contents in _routes(after).items():
        new = contents.keys() - old.get(part, {}).keys()
        if new:
            found.add(min(contents[one] for one in new))
    return frozenset(found)


def _routes(one: Snapshot) -> dict[str, dict[bytes, Subject]]:
    """Give what rules say by what they are called in the provenance, and a table that has it."""
    found: dict[str, dict[bytes, Subject]] = {}
    for name, table in one.of(ROUTES).items():
        parts: dict[str, bytes] = {}
        for host in RouteConfiguration.FromString(table.body).virtual_hosts:
            for route in host.routes:
                part = f"{host.name}/{route.name}"
                data = route.SerializeToString(deterministic=True)
                parts[part] = parts.get(part, b"") + data
        for part, content in parts.items():
            found.setdefault(part, {}).setdefault(content, Subject(ROUTES, name, part))
    return found


def _are(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return all(one is other for one, other in zip(some, others, strict=True))
