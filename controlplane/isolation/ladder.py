"""What stands in for refused routes and hosts: the next try after what is refused now.

A route: as it was; closed; closed wider. Then its virtual host: as it was; closed. Which step is
next is seen from what stands there, so whoever is refused again comes one step further.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane.gate.brake import USERS_ROUTE
from controlplane.isolation.backends import Backends
from controlplane.isolation.closed import closed_host, closures, is_closed, widest
from controlplane.isolation.hosts import Host, Routes, with_domains, with_routes
from controlplane.isolation.isolated import KeptState
from controlplane.isolation.judged import Judged
from controlplane.isolation.listeners import enforced
from controlplane.isolation.preflights import answering_as, leaving
from controlplane.isolation.targets import repointed, targets
from language.paths import PathPattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The steps for one table.

    `before` are the virtual hosts that it had, by domain; `chain` are the filters that there will
    be; `paths` are what users wrote, by virtual host and rule. `misdescribed`: the table does not
    say what it needs, and perhaps only that is refused: what is as before is tried once more.
    """

    before: Mapping[str, Host]
    backends: Backends
    judged: Judged
    chain: frozenset[str] | None
    paths: Mapping[tuple[str, str], PathPattern]
    misdescribed: bool = False

    def of_rule(self, host: Host, rule: str) -> tuple[Routes, KeptState] | None:
        """The next step for a rule in a virtual host; None after the last."""
        present = host.of(rule)
        shut = closures(present, self.paths.get((host.message.name, rule)))
        steps: list[tuple[Routes, KeptState]] = [((one,), "closed") for one in shut]
        old = self._rule_before(host, rule)
        if old and is_closed(old):
            steps = steps[next((i for i, s in enumerate(steps) if _same(s[0], old)), 0) :]
        elif old and rule not in host.scattered and _as_wide(rule, old, present):
            kept = self._kept(old, present)
            if kept is not None:
                steps.insert(0, (leaving(kept, present), "last good"))
        at = next((i for i, s in enumerate(steps) if self._stands(s[0], present)), -1)
        return steps[at + 1] if at + 1 < len(steps) else None

    def of_preflight(self, host: Host, rule: str) -> tuple[Routes, KeptState] | None:
        """What stands in for what answers the preflights of kept routes; None where it may stay.

        Where the routes had no `cors` it is refused: no other policy may answer in their place.
        """
        present = host.of(rule)
        if not present or is_closed(present):
            return None
        old = self._rule_before(host, rule)
        if old and not is_closed(old):
            made = answering_as(self._kept(old, present) or (), present)
            if made:
                return None if _same(made, present) else (made, "last good")
        return closures(present, None)[:1], "closed"

    def of_host(
        self, host: Host, bad: Collection[str] = (), without: str = ""
    ) -> tuple[tuple[pb.VirtualHost, KeptState], ...]:
        """The next step for a virtual host, in parts where it was several; none after the last.

        `bad` are rules of it that are refused too. With `without` the host as it was is no step
        where it holds that rule.
        """
        shut = closed_host(host.message.name, host.message.domains)
        if host.message == shut:
            return ()
        found = self._hosts_before(host)
        had = any(old is not None and without in old.rules for old, _ in found)
        made = tuple(self._host(host, old, domains, len(found), bad) for old, domains in found)
        same = len(made) == 1 and self._stands_whole(made[0][0], host)
        if had or same or all(state == "closed" for _, state in made):
            return ((shut, "closed"),)
        return made

    def _host(
        self,
        host: Host,
        old: Host | None,
        domains: Sequence[str],
        count: int,
        bad: Collection[str],
    ) -> tuple[pb.VirtualHost, KeptState]:
        name = host.message.name if count == 1 else min(domains)
        if old is None or is_closed(old.message.routes):
            return closed_host(name, domains), "closed"
        made: list[pb.Route] = []
        for rule, routes in old.rules.items():
            kept = None if rule in old.scattered else self._kept(routes, host.of(rule))
            if kept is not None and rule in bad and self._stands(kept, host.of(rule)):
                kept = None  # as it was, it is refused too
            made.extend(closures(routes, None)[:1] if kept is None else kept)
        if is_closed(made):
            return closed_host(name, domains), "closed"
        return with_domains(with_routes(old.message, made), name, domains), "last good"

    def _kept(self, old: Routes, present: Routes) -> Routes | None:
        """Routes of before as they can be among those of now; None where not all is there.

        What was closed in an earlier round stays closed: what the new version asks for at that rule
        is not known any more.
        """
        if present and is_closed(present):
            return None
        names = {name: self.backends.kept(name) for name in targets(old)}
        found = {name: new for name, new in names.items() if new is not None}
        if len(found) < len(names) or not enforced(old, self.chain):
            return None
        return repointed(old, found) if self.judged.keeps(old, present) else None

    def _rule_before(self, host: Host, rule: str) -> Routes:
        """A rule as it was, if it was the same for every domain of the host."""
        found = [() if old is None else old.of(rule) for old, _ in self._hosts_before(host)]
        return found[0] if found and all(_same(found[0], one) for one in found) else ()

    def _hosts_before(self, host: Host) -> list[tuple[Host | None, list[str]]]:
        """The virtual hosts that the domains of this one were in, with the domains of each."""
        found: dict[str, tuple[Host | None, list[str]]] = {}
        for domain in host.message.domains:
            old = self.before.get(domain)
            found.setdefault("" if old is None else old.message.name, (old, []))[1].append(domain)
        return list(found.values())

    def _stands(self, step: Routes, present: Routes) -> bool:
        """Whether a step is what stands there now, and leads to the same."""
        if self.misdescribed:
            return False
        return _same(step, present) and all(map(self.backends.stays, targets(step)))

    def _stands_whole(self, step: pb.VirtualHost, present: Host) -> bool:
        return step == present.message and all(map(self.backends.stays, targets(step.routes)))


def _as_wide(rule: str, old: Routes, present: Routes) -> bool:
    """Whether a rule of before takes all that it takes now, so that nothing falls through it.

    The id of a user's route is made of all that it matches; that of the gateway's own is not.
    """
    if rule.startswith(USERS_ROUTE):
        return True
    wide = widest(one.match for one in present)
    return wide is not None and wide == widest(one.match for one in old)


def _same(some: Routes, other: Routes) -> bool:
    return len(some) == len(other) and all(a == b for a, b in zip(some, other, strict=True))
