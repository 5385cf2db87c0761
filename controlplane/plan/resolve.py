"""Files to a plan: names looked up, hosts grouped, routes ordered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from controlplane.memo import Memo
from controlplane.model.gateway import Backend, File, Listen, Named, Setting
from controlplane.model.keys import named_keys
from controlplane.plan.conflicts import conflicts
from controlplane.plan.forwarding import disagreeing
from controlplane.plan.loops import redirect_loops
from controlplane.plan.names import (
    defined,
    mistakes_of_names,
    needed_by_names,
    unused,
    values,
)
from controlplane.plan.overlaps import overlaps
from controlplane.plan.plan import Plan, PlannedRoute, VirtualHost
from controlplane.plan.precedence import ordered, rule_of
from controlplane.plan.settle import Settled, claimed_twice, settled
from controlplane.plan.untrusting import untrusting
from controlplane.plan.waiting import waiting
from language.decode import mistake_at
from language.mistakes import Mistake, errors
from language.nodes import MapNode, Scalar
from language.places import Place
from language.scalars import is_name
from language.suggest import nearest
from policies.contract import Names, WhenDown

Idle: TypeAlias = Literal["error", "warning", "untold"]
"""How it is told that `whenDown` says something of what nothing here depends on. It is `untold`,
like all that no route uses, where not every file is here: one that is not may need it."""


def resolve(
    files: tuple[File, ...],
    held: tuple[File, ...] = (),
    *,
    idle: Idle = "error",
    memo: Memo | None = None,
) -> tuple[Plan, tuple[Mistake, ...]]:
    """Put files together. The plan is fit to compile where no mistake is an error.

    Of files that are `held` nothing is served: their routes stand in the plan to answer 503.
    """
    memo = memo or Memo()
    files = tuple(sorted(files, key=lambda file: file.name))  # whatever order they were read in
    mistakes = [*_defined_twice(files), *_references(files, idle, memo), *_idle(files)]
    hosts: list[VirtualHost] = []
    told: set[Mistake] = set()
    things = defined(files)
    names = memo(_names, *(one for kind in things.values() for one in kind.values()))
    settled_files = [memo(settled, file, names) for file in files]
    planned: list[tuple[File, Settled | _Held]] = [*zip(files, settled_files, strict=True)]
    together = sorted([*planned, *memo(_held, *held)], key=lambda one: one[0].name)
    for host, found in _virtual_hosts(together, memo):
        hosts.append(host)
        told.update(found)
    told.update(overlaps(hosts, memo))
    mistakes.extend(told)
    of_names = list(mistakes_of_names(files, things))
    mistakes.extend(of_names)
    mistakes.extend(m for one in settled_files for m in one.mistakes)
    mistakes.extend(claimed_twice(settled_files))
    mistakes.extend(disagreeing(files))
    when_down = next((f.when_down for f in files if f.when_down is not None), None)
    whole = all(file.sound for file in files) and any(file.routes for file in files)
    if whole and idle != "untold":
        mistakes.extend(() if errors(of_names) else unused(files, things))
        needed = {*needed_by_names(names), *(key for one in settled_files for key in one.needed)}
        mistakes.extend(replace(m, severity=idle) for m in _needless(when_down, needed))
    listening = next((f for f in files if f.listen is not None), None)
    backends = {b.key.text: b for f in files for b in f.backends}
    listen = (listening and listening.listen) or Listen()
    if not listen.trusted_hops:
        mistakes.extend(dict.fromkeys(m for file in files for m in memo(untrusting, file)))
    top = listening.listen_place if listening else Place(files[0].name, 1, 1)
    plan = Plan(
        listen=listen,
        listen_place=top,
        hosts=tuple(sorted(hosts, key=lambda h: h.name)),
        backends=tuple(backends[n] for n in sorted(backends)),
        named=things,
        when_down=WhenDown() if when_down is None else when_down.value,
        when_down_place=top if when_down is None else when_down.place,
    )
    return plan, tuple(mistakes)


def _defined_twice(files: tuple[File, ...]) -> Iterator[Mistake]:
    first: dict[str, Place] = {}
    for file in files:
        for name in file.names:
            place = Place(file.name, name.line, name.column)
            if name.text not in first:
                first[name.text] = place
                continue
            yield Mistake(
                place=place,
                message=f"the backend '{name.text}' is defined twice",
                hint="a folder is one namespace: rename one",
                width=len(name.text),
                also=(first[name.text],),
            )


def _references(files: tuple[File, ...], idle: Idle, memo: Memo) -> Iterator[Mistake]:
    """Names that lead nowhere; and, where there is no mistake, names that none leads to."""
    if not all(file.complete for file in files):
        return
    known = {name.text for file in files for name in file.names}
    by_file = [(file, memo(_used, file)) for file in files]
    used = frozenset().union(*(names for _, names in by_file))
    for file, names in by_file:
        for name in () if names <= known else file.references:
            if is_name(name.text) and name.text not in known:
                yield _unknown_backend(file, name, known)
    whole = all(file.sound for file in files) and any(file.routes for file in files)
    if used <= known and whole and idle != "untold":
        for file in files:
            for backend in file.backends:
                if backend.key.text not in used:
                    yield _unused(backend)


def _used(file: File) -> frozenset[str]:
    """The backends that the routes of a file name."""
    return frozenset(name.text for name in file.references)


def _idle(files: tuple[File, ...]) -> Iterator[Mistake]:
    """What holds for a file's own routes and backends, in a file that has none."""
    if not all(file.sound for file in files) or not any(file.routes for file in files):
        return
    for file in files:
        keys = {key.text: key for key in file.keys}
        for name in ("hosts", "defaults"):
            if name not in keys or file.routes or (name == "defaults" and file.backends):
                continue
            hint = "move it to the files with routes: it holds for its own file alone"
            message = f"'{name}' has no effect: this file has no routes"
            yield mistake_at(file.name, keys[name], message, hint)


def _unknown_backend(file: File, name: Scalar, known: set[str]) -> Mistake:
    near = nearest(name.text, sorted(known))
    hint = f"did you mean '{near}'?" if near else "define it below backends"
    return mistake_at(file.name, name, f"there is no backend '{name.text}'", hint)


def _unused(backend: Backend) -> Mistake:
    return Mistake(
        place=backend.place,
        message=f"no route goes to the backend '{backend.key.text}'",
        hint="remove it, or name it in a route",
        width=len(backend.key.text),
        severity="warning",
    )


def _needless(written: Setting | None, needed: set[str]) -> Iterator[Mistake]:
    """What `whenDown` says of things that nothing here depends on."""
    if written is None or not isinstance(written.node, MapNode):
        return
    for key, _ in written.node.entries:
        if key.text not in needed:
            message = f"'{key.text}' has no effect: nothing here depends on it"
            yield mistake_at(written.file, key, message, "leave it out")


def _names(*things: Named) -> Names:
    """The settings of all named things: the same object as long as they are the same things."""
    found: dict[str, dict[str, Named]] = defaultdict(dict)
    for one in things:
        found[one.kind][one.key.text] = one
    return values({kind: found[kind] for kind in named_keys()})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The routes of a file that is not served."""

    routes: tuple[PlannedRoute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Routes of a file that have the same hosts; the same object as long as the file is."""

    routes: tuple[PlannedRoute, ...]


def _virtual_hosts(
    files: Sequence[tuple[File, Settled | _Held]], memo: Memo
) -> Iterator[tuple[VirtualHost, tuple[Mistake, ...]]]:
    """Domains that the same routes are for share them, and are one virtual host."""
    parts = [part for _, of_file in files for part in memo(_by_hosts, of_file)]
    every = sorted({"*"}.union(*(part.routes[0].route.hosts for part in parts)))
    claims: dict[str, list[tuple[int, Place]]] = defaultdict(list)
    for number, part in enumerate(parts):
        route = part.routes[0].route
        for domain, place in zip(route.hosts, route.host_places, strict=True):
            claims[domain].append((number, place))
        if not route.hosts:  # unreadable, so held: its routes may be for any
            for domain in every:
                claims[domain].append((number, Place(route.file, 1, 1)))
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for domain, claimed in claims.items():
        groups[tuple(number for number, _ in claimed)].append(domain)
    for owners, domains in groups.items():
        places = tuple(place for d in sorted(domains) for _, place in claims[d])
        routes = tuple(parts[number] for number in owners)
        yield memo(_virtual_host, tuple(sorted(domains)), places, routes)


def _by_hosts(of_file: Settled | _Held) -> tuple[_Group, ...]:
    """The routes of a file in groups of the same hosts."""
    groups: dict[tuple[str, ...], list[PlannedRoute]] = {}
    for one in of_file.routes:
        groups.setdefault(one.route.hosts, []).append(one)
    return tuple(_Group(routes=tuple(routes)) for routes in groups.values())


def _virtual_host(
    domains: tuple[str, ...], places: tuple[Place, ...], groups: tuple[_Group, ...]
) -> tuple[VirtualHost, tuple[Mistake, ...]]:
    """A virtual host, and what its routes cannot mean together."""
    routes = [one for group in groups for one in group.routes]
    host = VirtualHost(
        name=domains[0],
        domains=domains,
        places=places,
        entries=ordered(_reached(routes), domains[0]),
    )
    found = [*conflicts(r.route for r in routes if not r.held), *waiting(routes)]
    return host, (*found, *redirect_loops(host))


def _reached(routes: list[PlannedRoute]) -> Iterator[PlannedRoute]:
    """The routes without those that a held one of the same rule takes all requests from."""
    held = {one.rule for one in routes if one.held}
    return (one for one in routes if one.held or one.rule not in held)


def _held(*files: File) -> tuple[tuple[File, _Held], ...]:
    """The routes of each file, to answer 503; one that two files claim stands once."""
    found: list[tuple[File, _Held]] = []
    rules: set[str] = set()
    for file in sorted(files, key=lambda file: file.name):
        routes: list[PlannedRoute] = []
        for route in file.routes:
            rule = rule_of(route)
            if rule not in rules:
                rules.add(rule)
                routes.append(
                    PlannedRoute(rule=rule, route=route, settings=(), placements=(), held=True)
                )
        found.append((file, _Held(routes=tuple(routes))))
    return tuple(found)
