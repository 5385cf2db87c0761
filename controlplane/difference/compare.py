"""Two builds to their difference."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from controlplane.build import Build
from controlplane.difference.difference import (
    Answerer,
    Difference,
    Grant,
    Handover,
    RouteChange,
    Weakening,
)
from controlplane.difference.entries import Backends, backends, entry_weaker, unbounded
from controlplane.difference.gatewaywide import whole_changes, whole_weakenings
from controlplane.difference.guards import Guards, judged, together_steps
from controlplane.difference.handovers import Compared, Passed, compared
from controlplane.difference.hosts import Region, regions
from controlplane.difference.pairing import alike
from controlplane.difference.preflights import (
    deciding_elsewhere,
    preflight_weaker,
    preflights_compared,
)
from controlplane.difference.requests import Allowance
from controlplane.difference.resources import drains, resource_changes
from controlplane.difference.routes import answerer, is_open, route_changes, serves
from controlplane.difference.things import named_changes, thing_changes, unverified
from controlplane.files import MAIN
from controlplane.model.keys import route_keys
from controlplane.plan.plan import Entry, Plan, PlannedRoute, Preflight
from controlplane.sources import gateway_of, home
from language.places import Place
from policies.guards import Weaker

OnHosts = TypeVar("OnHosts", RouteChange, Handover)


_TRIED = 40_000
_TRIED_OF_EACH = 20
"""How many requests are tried, and how many more for each entry: one takes some 30 µs."""


class UnreadableBuildError(Exception):
    """A build with errors: there is nothing to compare."""


def difference(before: Build, after: Build) -> Difference:
    """Say what changes between two builds without errors."""
    if before.plan is None or after.plan is None:
        raise UnreadableBuildError
    old, new = before.plan, after.plan
    where = regions(old, new)
    allowance = Allowance(left=_TRIED + _TRIED_OF_EACH * _entries(where))
    found = [(region, compared(region, allowance)) for region in where]
    told = ((region, preflights_compared(region, allowance)) for region in where)
    asked = [(region, one) for region, one in told if one is not None]
    homes = (_homes(before), _homes(after))
    named = list(named_changes(old, new))
    passed = [(region.domains, one) for region, each in found for one in each.passed]
    decided = [(region.domains, one) for region, each in asked for one in each.passed]
    elsewhere = [(h, p) for h, p in passed if _goes_elsewhere(p)]
    elsewhere += [(h, p) for h, p in decided if deciding_elsewhere(p)]
    return Difference(
        weakenings=(
            *_weakenings(found, decided, old, new),
            *whole_weakenings(old, new),
            *(one for one in named if isinstance(one, Weakening)),
            *unverified(old, new),
            *_untried([*found, *asked]),
            *_unsaid(found, asked, old, new),
        ),
        opened=_once(_handover(h, p) for h, p in passed if _opens(p)),
        grants=tuple(one for one in named if isinstance(one, Grant)),
        elsewhere=_once(_handover(h, p) for h, p in elsewhere),
        routes=_once(
            one for region, each in found for one in route_changes(each, region.domains, homes)
        ),
        things=(*whole_changes(old, new), *thing_changes(old, new)),
        resources=tuple(resource_changes(before, after)),
        drains=tuple(drains(before, after)),
    )


def _entries(where: tuple[Region, ...]) -> int:
    sides = chain.from_iterable((one.before, one.after) for one in where)
    return sum(len(host.entries) for host in sides if host is not None)


def _untried(found: list[tuple[Region, Compared]]) -> Iterator[Weakening]:
    """What nobody has compared may be anything."""
    stopped = [each.stopped for _, each in found if each.stopped is not None]
    if stopped:
        what = "from here on nothing was compared: too many routes take the same requests"
        places = tuple(dict.fromkeys(answerer(one).place for one in stopped))
        yield Weakening(key="routes", what=what, comparable=False, handovers=(), places=places)


def _unsaid(
    found: list[tuple[Region, Compared]], asked: list[tuple[Region, Compared]], old: Plan, new: Plan
) -> Iterator[Weakening]:
    """Where requests may pass to a weaker answerer, and nobody can say whether any does."""
    guards = Guards()
    spoken = (backends(old), backends(new))
    places: dict[Place, None] = {}
    for before, after in (pair for _, each in found for pair in each.unsaid):
        if after is not None and _may_weaken(guards, spoken, before, after):
            places[answerer(after).place] = None
    for before, after in (pair for _, each in asked for pair in each.unsaid):
        if after is not None and any(preflight_weaker(guards, before, after)):
            places[answerer(after).place] = None
    if places:
        what = "nobody can say which requests this takes: no example was found of an expression"
        yield Weakening(
            key="routes", what=what, comparable=False, handovers=(), places=tuple(places)
        )


def _may_weaken(
    guards: Guards, spoken: tuple[Backends, Backends], before: Entry | None, after: Entry
) -> bool:
    if is_open(after) and not serves(before):
        return True
    if any(entry_weaker(before, after, *spoken)):
        return True
    if not isinstance(before, PlannedRoute) or not isinstance(after, PlannedRoute):
        return False
    return any(guards.weaker(before, after)) or any(
        any(step([(judged(before, key), judged(after, key))]))
        for key, step in together_steps().items()
    )


def _homes(build: Build) -> Mapping[str, str]:
    """What each file is called from the folder of the main one, which is called the same always."""
    main = gateway_of([s.name for s in build.sources])
    return {s.name: MAIN if s.name == main else home(s.name, main) for s in build.sources}


def _opens(passed: Passed) -> bool:
    return is_open(passed.after) and not serves(passed.before)


def _goes_elsewhere(passed: Passed) -> bool:
    """Whether another route answers what a route answered, and still is served by one."""
    before, after = passed.before, passed.after
    if not isinstance(before, PlannedRoute) or not isinstance(after, PlannedRoute):
        return isinstance(before, PlannedRoute)
    return _matched(before) != _matched(after)


def _matched(one: PlannedRoute) -> tuple[object, ...]:
    match = one.route.match
    return (one.route.path.shape, frozenset(match.methods), match.headers, match.query)


def _handover(hosts: tuple[str, ...], passed: Passed) -> Handover:
    return Handover(
        hosts=hosts,
        request=passed.request,
        before=_shown(passed.before),
        after=_shown(passed.after),
    )


def _shown(entry: Entry | None) -> Answerer | None:
    return None if entry is None else answerer(entry)


def _once(found: Iterable[OnHosts]) -> tuple[OnHosts, ...]:
    """Put together what is the same on several hosts."""
    hosts: dict[OnHosts, dict[str, None]] = {}
    for one in found:
        hosts.setdefault(replace(one, hosts=()), {}).update(dict.fromkeys(one.hosts))
    return tuple(replace(one, hosts=tuple(sorted(of))) for one, of in hosts.items())


def _weakenings(
    found: list[tuple[Region, Compared]],
    decided: list[tuple[tuple[str, ...], Passed]],
    old: Plan,
    new: Plan,
) -> Iterator[Weakening]:
    """Each way in which some request is judged less strictly, once for all those requests."""
    guards = Guards()
    passed: dict[tuple[str, Weaker], list[Handover]] = defaultdict(list)
    places: dict[tuple[str, Weaker], dict[Place, None]] = defaultdict(dict)
    taken = [
        (region.domains, one, one.before, one.after)
        for region, each in found
        for one in each.passed
        if isinstance(one.before, PlannedRoute) and isinstance(one.after, PlannedRoute)
    ]
    told = [
        (way, at)
        for at, (_, _, before, after) in enumerate(taken)
        for way in guards.weaker(before, after)
    ]
    for key, step in together_steps().items():
        routes = chain(((b, a) for _, _, b, a in taken), _unchanged(found))
        pairs = [(judged(b, key), judged(a, key)) for b, a in routes]
        told += [((key, way), at) for at, way in step(pairs) if at < len(taken)]
    spoken = (backends(old), backends(new))
    ways = [(way, *taken[at][:2]) for way, at in told]
    ways += [
        (way, region.domains, one)
        for region, each in found
        for one in each.passed
        for way in entry_weaker(one.before, one.after, *spoken)
    ]
    ways += [
        (way, hosts, one)
        for hosts, one in decided
        for way in preflight_weaker(guards, one.before, one.after)
    ]
    for found_way, hosts, one in ways:
        passed[found_way].append(_handover(hosts, one))
        by = one.after.route if isinstance(one.after, Preflight) else one.after
        if isinstance(by, PlannedRoute):
            written = _written(by, found_way[0], old, new)
            places[found_way].update(dict.fromkeys(written))
    yield from _unbounded(found, *spoken)
    for (key, weaker), handovers in passed.items():
        yield Weakening(
            key=key,
            what=weaker.what,
            comparable=weaker.comparable,
            handovers=_once(handovers),
            places=tuple(places[key, weaker]),
        )


def _unbounded(
    found: list[tuple[Region, Compared]], old: Backends, new: Backends
) -> Iterator[Weakening]:
    """Routes that are streams by what their backends speak now, and say themselves what they did.

    Those that say something else are among the ways of their requests.
    """
    told: dict[Weaker, dict[Place, None]] = defaultdict(dict)
    for before, after in _unchanged(found) if old.streaming != new.streaming else ():
        if alike(before, after):
            for _, one in unbounded(before, after, old, new):
                told[one][after.route.place] = None
    for one, places in told.items():
        yield Weakening(
            key="stream",
            what=one.what,
            comparable=one.comparable,
            handovers=(),
            places=tuple(places),
        )


def _unchanged(
    found: list[tuple[Region, Compared]],
) -> Iterator[tuple[PlannedRoute, PlannedRoute]]:
    for _, each in found:
        for one, other in each.pairing.pairs:
            before, after = each.before[one], each.after[other]
            if isinstance(before, PlannedRoute) and isinstance(after, PlannedRoute):
                yield before, after


def _written(route: PlannedRoute, key: str, old: Plan, new: Plan) -> Iterator[Place]:
    """The line that a route's key stands at, without it that of the route.

    Where a thing that it names says something else than before, that is the line.
    """
    setting = next((one for one in route.route.settings if one.key == key), None)
    if setting is None:
        yield route.route.place
        return
    named = () if setting.value is None else route_keys()[key].references(setting.value)
    things = [(old.named[one.kind].get(one.name), new.named[one.kind][one.name]) for one in named]
    other = [now.place for was, now in things if was is not None and was.value != now.value]
    yield from other or [setting.place]
