"""Routes with their settings resolved: what compile uses, and where each policy is enforced."""

from collections.abc import Iterable, Iterator, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a route claims for itself, and what is to be said where another had it before."""

    key: str
    identity: str
    mistake: Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The routes of a file, and what their settings cannot mean together.

    `needed` are the keys of `whenDown` that have an effect because of them.
    """

    routes: tuple[PlannedRoute, ...]
    mistakes: tuple[Mistake, ...]
    claims: tuple[Claim, ...]
    needed: frozenset[str]


def settled(file: File, names: Names) -> Settled:
    """Resolve the routes of a file."""
    settler = _Settler(file=file, names=names)
    routes = tuple(map(settler.route, file.routes))
    return Settled(
        routes=routes,
        mistakes=tuple(settler.mistakes),
        claims=tuple(settler.claims),
        needed=frozenset(settler.needed),
    )


def claimed_twice(files: Iterable[Settled]) -> Iterator[Mistake]:
    """What two routes claim, told at the second."""
    first: dict[tuple[str, str], Place] = {}
    for file in files:
        for claim in file.claims:
            mistake = claim.mistake
            before = first.setdefault((claim.key, claim.identity), mistake.place)
            if before != mistake.place:
                yield replace(mistake, also=(before,))


@dataclass(slots=True, kw_only=True)
class _Settler:
    """Resolves the routes of a file; what is inherited is resolved once for all that inherit it."""

    file: File
    names: Names
    needed: set[str] = field(default_factory=set)
    mistakes: list[Mistake] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    _inherited: dict[int, Setting | None] = field(default_factory=dict)
    _placed: dict[int, Placement | None] = field(default_factory=dict)

    def route(self, route: Route) -> PlannedRoute:
        """Give a route with its settings resolved."""
        settings = [self._settled(route, one) for one in route.settings]
        whole = [one for one in settings if one is not None]
        if len(whole) == len(settings):
            self.mistakes += _clashes(route, whole)
        self._claim(whole)
        return PlannedRoute(
            rule=rule_of(route),
            route=route,
            settings=tuple(whole),
            placements=tuple(p for one in whole if (p := self._placement(one)) is not None),
        )

    def _claim(self, settings: list[Setting]) -> None:
        for setting in settings:
            key = route_keys()[setting.key]
            if setting.inherited or setting.value is None:
                continue
            for claim in key.claims(setting.value):
                entry = (setting.name, setting.node)
                mistake = told(setting.file, entry, claim.fault, inherited=False)
                if mistake is not None:
                    one = Claim(key=setting.key, identity=claim.identity, mistake=mistake)
                    self.claims.append(one)

    def _settled(self, route: Route, setting: Setting) -> Setting | None:
        """A setting with its resolved value, or None where a name in it leads nowhere."""
        if not setting.inherited:
            return self._resolved(route.path.text, route.hosts, setting)
        if id(setting) not in self._inherited:
            self._inherited[id(setting)] = self._resolved("", self.file.hosts, setting)
        return self._inherited[id(setting)]

    def _placement(self, setting: Setting) -> Placement | None:
        """Where a setting is enforced; None where it only states something."""
        if not setting.inherited:
            return _placement(setting)
        if id(setting) not in self._placed:  # its file, or `_inherited`, keeps it alive
            self._placed[id(setting)] = _placement(setting)
        return self._placed[id(setting)]

    def _resolved(self, path: str, hosts: tuple[str, ...], setting: Setting) -> Setting | None:
        key = route_keys()[setting.key]
        if setting.value is None:
            return setting
        if any(r.name not in self.names[r.kind] for r in key.references(setting.value)):
            return None
        out = setting
        if key.resolved is not as_written:
            around = Surroundings(
                names=self.names,
                file=self.file.home,
                hosts=hosts,
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


def _placement(setting: Setting) -> Placement | None:
    call = _call(route_keys()[setting.key], setting)
    if call is None:
        return None
    return Placement(
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
