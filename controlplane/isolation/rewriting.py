"""Tables with what stands in for their refused parts, each in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.isolation.closed import is_closed
from controlplane.isolation.hosts import Host, Routes, read, with_routes
from controlplane.isolation.isolated import Kept, KeptState
from controlplane.isolation.ladder import Ladder
from controlplane.isolation.preflights import preflight_rule
from controlplane.isolation.refused import Parts
from controlplane.snapshot import ROUTES, Subject
from language.places import Place

Places = tuple[Place, ...]


@dataclass(slots=True, kw_only=True)
class Rewriting:
    """Writes tables anew.

    `tables` are the new ones. `old` are the routes that are as they were, with the lines that are
    told for them; `others` are all other routes. `places` are lines of what had none before.
    """

    found: Parts
    provenance: Mapping[Subject, Places]
    tables: dict[str, RouteConfiguration] = field(default_factory=dict)
    old: list[tuple[pb.Route, Places]] = field(default_factory=list)
    others: list[pb.Route] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    places: dict[Subject, Places] = field(default_factory=dict)

    def write(self, table: RouteConfiguration, ladder: Ladder) -> bool:
        """Write one; False where no step is left for some part of it."""
        out = RouteConfiguration()
        out.CopyFrom(table)
        del out.virtual_hosts[:]
        for message in table.virtual_hosts:
            at = (table.name, message.name)
            if at not in self.found.hosts and at not in self.found.rules:
                out.virtual_hosts.append(message)
                self.others.extend(message.routes)
                continue
            made = self._host(table.name, read(message), ladder)
            if not made:
                return False
            out.virtual_hosts.extend(made)
        self.tables[table.name] = out
        return True

    def _host(self, table: str, host: Host, ladder: Ladder) -> list[pb.VirtualHost]:
        at = (table, host.message.name)
        bad = self.found.rules.get(at, {})
        if at in self.found.hosts:
            return self._whole(table, host, ladder.of_host(host, bad), self.found.hosts[at])
        steps: dict[str, tuple[Routes, KeptState]] = {}
        for rule, why in bad.items():
            step = ladder.of_rule(host, rule)
            if step is None:
                return self._whole(table, host, ladder.of_host(host, bad, without=rule), why)
            steps[rule] = step
        told = {**bad, **_with_preflights(host, ladder, steps, bad)}
        made: list[pb.Route] = []
        for rule, routes in _in_place(host, steps):
            made.extend(routes)
            if rule not in steps:
                self.others.extend(routes)
                continue
            if not routes:
                continue
            subject = Subject(ROUTES, table, f"{host.message.name}/{rule}")
            places = self._lines(subject, at)
            self._note(subject, steps[rule][1], places, told[rule])
            self._sort(routes, places)
        return [with_routes(host.message, made)]

    def _whole(
        self,
        table: str,
        host: Host,
        made: tuple[tuple[pb.VirtualHost, KeptState], ...],
        why: str,
    ) -> list[pb.VirtualHost]:
        at = (table, host.message.name)
        for message, state in made:
            subject = Subject(ROUTES, table, message.name)
            lines = self._lines(subject, at)
            self._note(subject, state, lines, why)
            for rule, routes in read(message).rules.items():
                part = Subject(ROUTES, table, f"{message.name}/{rule}")
                # where it is written still, its new lines
                written = Subject(ROUTES, table, f"{host.message.name}/{rule}")
                self.places[part] = self.provenance.get(written, lines)
                self._sort(routes, self.places[part])
                if state == "last good" and is_closed(routes):
                    self._note(part, "closed", self.places[part], why)
        return [message for message, _ in made]

    def _lines(self, subject: Subject, at: tuple[str, str]) -> Places:
        table, host = at
        return self.provenance.get(subject, self.provenance.get(Subject(ROUTES, table, host), ()))

    def _note(self, subject: Subject, state: KeptState, places: Places, why: str) -> None:
        self.kept.append(Kept(subject=subject, state=state, places=places, why=why))
        self.places[subject] = places

    def _sort(self, routes: Routes, places: Places) -> None:
        if is_closed(routes):
            self.others.extend(routes)
        else:
            self.old.extend((route, places) for route in routes)


def _with_preflights(
    host: Host,
    ladder: Ladder,
    steps: dict[str, tuple[Routes, KeptState]],
    refused: Mapping[str, str],
) -> dict[str, str]:
    """Add what answers the preflights of routes that are as they were; give why, by rule."""
    told: dict[str, str] = {}
    for rule, (_, state) in [*steps.items()]:
        about = preflight_rule(rule)
        step = ladder.of_preflight(host, about) if state == "last good" else None
        if step is not None and about not in refused:
            steps[about] = step
            told[about] = refused[rule]
    return told


def _in_place(
    host: Host, steps: Mapping[str, tuple[Routes, KeptState]]
) -> list[tuple[str, Routes]]:
    """The routes of a host in order, what is replaced where the first of its rule stands."""
    out: list[tuple[str, Routes]] = []
    done: set[str] = set()
    for route in host.message.routes:
        rule = route.name
        if rule not in steps:
            out.append((rule, (route,)))
        elif rule not in done:
            done.add(rule)
            out.append((rule, steps[rule][0]))
    return out
