"""Routes with their settings resolved: what compile uses, and where each policy is enforced."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from controlplane.model.gateway import File, Route, Setting
from controlplane.model.inherit import told
from controlplane.model.keys import route_keys
from controlplane.plan.plan import Placement, PlannedRoute
from controlplane.plan.precedence import rule_of
from language.decode import mistake_at
from language.mistakes import Mistake
from language.places import Place
from policies.contract import (
    Call,
    Names,
    RouteKey,
    Settings,
    Surroundings,
)
from policies.defaults import as_written, unhindered, untouched


@dataclass(slots=True)
class Settler:
    """Resolves the routes of files; what is inherited is resolved once for all that inherit it.

    `needed` grows with the keys of `whenDown` that have an effect.
    """

    names: Names
    needed: set[str] = field(default_factory=set)
    _inherited: dict[int, Setting | None] = field(default_factory=dict)
    _claims: dict[tuple[str, str], Place] = field(default_factory=dict)

    def routes(self, file: File) -> Iterator[PlannedRoute | Mistake]:
        """Each route of a file, and what its settings cannot mean together."""
        for route in file.routes:
            settings = [self._settled(file, route, one) for one in route.settings]
            whole = [one for one in settings if one is not None]
            if len(whole) == len(settings):
                yield from _clashes(route, whole)
            yield from self._claimed_twice(whole)
            yield PlannedRoute(
                rule=rule_of(route, file.hosts),
                route=route,
                settings=tuple(whole),
                placements=tuple(_placements(whole)),
            )

    def _claimed_twice(self, settings: list[Setting]) -> Iterator[Mistake]:
        for setting in settings:
            key = route_keys()[setting.key]
            if setting.inherited or setting.value is None:
                continue
            for claim in key.claims(setting.value):
                entry = (setting.name, setting.node)
                mistake = told(setting.file, entry, claim.fault, inherited=False)
                if mistake is None:
                    continue
                first = self._claims.setdefault((setting.key, claim.identity), mistake.place)
                if first != mistake.place:
                    yield replace(mistake, also=(first,))

    def _settled(self, file: File, route: Route, setting: Setting) -> Setting | None:
        """A setting with its resolved value, or None where a name in it leads nowhere."""
        if not setting.inherited:
            return self._resolved(file, route.path.text, setting)
        if id(setting) not in self._inherited:
            self._inherited[id(setting)] = self._resolved(file, "", setting)
        return self._inherited[id(setting)]

    def _resolved(self, file: File, path: str, setting: Setting) -> Setting | None:
        key = route_keys()[setting.key]
        if setting.value is None:
            return setting
        if any(r.name not in self.names[r.kind] for r in key.references(setting.value)):
            return None
        out = setting
        if key.resolved is not as_written:
            around = Surroundings(
                names=self.names,
                file=file.home,
                hosts=file.hosts,
                path=path,
                inherited=setting.inherited,
            )
            out = replace(setting, value=key.resolved(setting.value, around))
        if key.when_down is not untouched:
            self.needed.update(key.when_down(out.value))
        return out


def _clashes(route: Route, settings: list[Setting]) -> Iterator[Mistake]:
    """What cannot be meant: told where it is written, or at the route that inherits it."""
    others: Mapping[str, Settings] | None = None
    for setting in settings:
        key = route_keys()[setting.key]
        if key.clashes is unhindered or setting.value is None:
            continue
        others = others or {one.key: one.value for one in settings}
        for fault in key.clashes(setting.value, others):
            start = route.node.entries[0][0]
            entry = (start, start) if setting.inherited else (setting.name, setting.node)
            mistake = (
                mistake_at(route.file, start, fault.message, fault.hint)
                if setting.inherited and not fault.idle
                else told(route.file, entry, fault, inherited=setting.inherited)
            )
            if mistake is not None:
                yield replace(mistake, severity="warning") if fault.warning else mistake


def _placements(settings: list[Setting]) -> Iterator[Placement]:
    for setting in settings:
        call = _call(route_keys()[setting.key], setting)
        if call is not None:
            yield Placement(
                key=setting.key,
                where=call.service,
                why=call.why,
                place=setting.place,
                inherited=setting.inherited,
            )


def _call(key: RouteKey, setting: Setting) -> Call | None:
    if key.in_envoy:
        return Call(service=ENVOY, why=key.in_envoy)
    return None if setting.value is None else key.calls(setting.value)


ENVOY = "envoy"
"""Where a policy is placed that needs no service."""
