"""The entries of two virtual hosts, those that match the same requests in pairs."""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TypeAlias

from controlplane.matching.condition import condition, pattern
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from language.paths import PathPattern, PathTemplate
from language.segments import Kind
from policies.contract import Settings

Identity: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Positions of entries: of both sides in `pairs`, of one alone in `gone` and `come`."""

    pairs: tuple[tuple[int, int], ...]
    gone: tuple[int, ...]
    come: tuple[int, ...]


def paired(before: tuple[Entry, ...], after: tuple[Entry, ...]) -> Pairing:
    """Pair entries by what they match; of several that match the same, in their order."""
    old, new = _by_identity(before), _by_identity(after)
    pairs: list[tuple[int, int]] = []
    gone: list[int] = []
    come = [p for key, found in new.items() for p in found[len(old.get(key, ())) :]]
    for key, found in old.items():
        others = new.get(key, [])
        pairs += zip(found, others, strict=False)
        gone += found[len(others) :]
    return Pairing(pairs=tuple(pairs), gone=tuple(gone), come=tuple(come))


def alike(before: Entry, after: Entry) -> bool:
    """Whether two entries of a pair stand in the same order and do the same."""
    if not (isinstance(before, PlannedRoute) and isinstance(after, PlannedRoute)):
        return True
    return (
        before.held == after.held
        and before.route.match.priority == after.route.match.priority
        and before.route.match.to == after.route.match.to
        and before.route.action is after.route.action
        and meaning(before) == meaning(after)
    )


def meaning(route: PlannedRoute) -> list[tuple[str, object]]:
    """What a route's settings say, whatever its path calls its variables."""
    return [(one.key, placed(one.value, route.route.path)) for one in route.settings]


def placed(value: Settings, path: PathPattern) -> object:
    """A setting in which the variables of a new path are named by where they stand in the path."""
    template = getattr(value, "path", None)
    if not isinstance(template, PathTemplate):
        return value
    names = [one.text or "**" for one in path.segments if one.kind in {Kind.VARIABLE, Kind.REST}]
    parts = [
        str(names.index(part)) if position % 2 else part
        for position, part in enumerate(template.parts)
    ]
    return replace(value, path=PathTemplate(text="", parts=tuple(parts)))


def _by_identity(entries: tuple[Entry, ...]) -> dict[Identity, list[int]]:
    found: dict[Identity, list[int]] = defaultdict(list)
    for position, entry in enumerate(entries):
        found[_identity(entry)].append(position)
    return found


def _identity(entry: Entry) -> Identity:
    if isinstance(entry, MethodNotAllowed):
        return (entry.path.shape, frozenset(entry.allow))
    if isinstance(entry, Preflight):
        return (entry.path.shape, frozenset(entry.methods), entry.others, Preflight)
    methods = frozenset(entry.route.match.methods)
    return (pattern(entry).shape, methods, condition(entry), PlannedRoute)
