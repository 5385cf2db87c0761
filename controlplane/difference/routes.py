"""Routes as a difference tells them: added, removed, changed, moved, shadowed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

from controlplane.difference.difference import Answerer, RouteChange, RouteKind, ValueChange
from controlplane.difference.handovers import Compared
from controlplane.difference.pairing import placed
from controlplane.difference.words import changes, words
from controlplane.matching.condition import pattern
from controlplane.model.keys import route_keys
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.plan.precedence import headers, query
from policies.contract import Action

NOTHING = range(400, 600)
"""Statuses of a written answer that serves nothing."""


def answerer(entry: Entry) -> Answerer:
    """An entry as it is shown."""
    if isinstance(entry, Preflight) and entry.route is not None:
        return replace(answerer(entry.route), goes="by its cors", open=False)
    if not isinstance(entry, PlannedRoute):
        return Answerer(
            path=entry.path.text,
            methods=(),
            headers=(),
            query=(),
            place=entry.places[0],
            goes=_refusal(entry),
            open=False,
        )
    return Answerer(
        path=pattern(entry).text,
        methods=entry.route.match.methods,
        headers=tuple((n, m.shown) for n, m in headers(entry.route)),
        query=tuple((n, m.shown) for n, m in query(entry.route)),
        place=entry.route.place,
        goes=f"{'to ' if entry.route.action is Action.FORWARD else ''}{_goes(entry)}",
        open=is_open(entry),
    )


def _refusal(entry: MethodNotAllowed | Preflight) -> str:
    if isinstance(entry, MethodNotAllowed):
        return f"405, allow: {', '.join(entry.allow)}"
    return "403"


def serves(entry: Entry | None) -> bool:
    """Whether requests get something here: 404, 405 and a written refusal are nothing."""
    if not isinstance(entry, PlannedRoute) or entry.held:
        return False
    settings = {one.key: one.value for one in entry.settings}
    status = getattr(settings.get(Action.RESPOND.value), "status", 200)
    return status not in NOTHING


def is_open(entry: Entry | None) -> bool:
    """Whether a route serves whoever asks."""
    if not isinstance(entry, PlannedRoute) or not serves(entry):
        return False
    return all(one.value is None for one in entry.settings if one.key == "auth")


def route_changes(
    found: Compared, hosts: tuple[str, ...], homes: tuple[Mapping[str, str], Mapping[str, str]]
) -> Iterator[RouteChange]:
    """What is told of the routes of a region; `homes` are the files' names seen from their root."""
    for one in found.pairing.gone:
        if isinstance(found.before[one], PlannedRoute):
            yield RouteChange(
                kind="removed", hosts=hosts, before=answerer(found.before[one]), after=None
            )
    for one in found.pairing.come:
        if isinstance(found.after[one], PlannedRoute):
            yield RouteChange(
                kind="added", hosts=hosts, before=None, after=answerer(found.after[one])
            )
    for one, other in found.shadowed:
        yield _kept("shadowed", hosts, found.before[one], found.after[other], ())
    for one, other in found.pairing.pairs:
        before, after = found.before[one], found.after[other]
        if isinstance(before, PlannedRoute) and isinstance(after, PlannedRoute):
            yield from _of_pair(before, after, hosts, homes)


def _of_pair(
    before: PlannedRoute,
    after: PlannedRoute,
    hosts: tuple[str, ...],
    homes: tuple[Mapping[str, str], Mapping[str, str]],
) -> Iterator[RouteChange]:
    values: tuple[ValueChange, ...] = ()
    if not _same(before, after):
        values = (*_swapped(before, after), *changes(_words(before), _words(after)))
    if values:
        yield _kept("changed", hosts, before, after, values)
        return
    priorities = (before.route.match.priority, after.route.match.priority)
    files = (homes[0][before.route.file], homes[1][after.route.file])
    moved = [("file", *files), ("priority", *map(str, priorities))]
    told = tuple(ValueChange(key=k, before=b, after=a) for k, b, a in moved if b != a)
    if told:
        yield _kept("moved", hosts, before, after, told)


def _kept(
    kind: RouteKind,
    hosts: tuple[str, ...],
    before: Entry,
    after: Entry,
    values: tuple[ValueChange, ...],
) -> RouteChange:
    return RouteChange(
        kind=kind, hosts=hosts, before=answerer(before), after=answerer(after), values=values
    )


def _same(before: PlannedRoute, after: PlannedRoute) -> bool:
    """Whether two routes surely say the same, without a word made."""
    old, new = before.route, after.route
    if (old.match.to, old.action) != (new.match.to, new.action):
        return False
    if len(old.settings) != len(new.settings):
        return False
    return all(
        b.key == a.key and placed(b.value, old.path) == placed(a.value, new.path)
        for b, a in zip(old.settings, new.settings, strict=True)
    )


def _swapped(before: PlannedRoute, after: PlannedRoute) -> tuple[ValueChange, ...]:
    """The paths, where the same words of a new path name other variables of them."""
    old, new = before.route, after.route
    for b, a in product(old.settings, new.settings):
        same = b.key == a.key and b.value == a.value
        if same and placed(b.value, old.path) != placed(a.value, new.path):
            return (ValueChange(key="path", before=old.path.text, after=new.path.text),)
    return ()


def _words(route: PlannedRoute) -> dict[str, str]:
    """What a route says, as it is written with what it inherits."""
    said = {"to": _goes(route)} if route.route.action is Action.FORWARD else {}
    said |= {} if said else {"action": route.route.action.value}
    for one in route.route.settings:
        said |= dict(words(one.key, one.value, route_keys()[one.key].settings))
    return said


def _goes(route: PlannedRoute) -> str:
    to = route.route.match.to
    if route.route.action is Action.RESPOND:
        value = next(s.value for s in route.settings if s.key == Action.RESPOND.value)
        return f"respond {value.status}"
    if to is None:
        return str(route.route.action.value)
    if len(to) == 1:
        return str(next(iter(to)))
    return ", ".join(f"{name} {weight}%" for name, weight in sorted(to.items()))
