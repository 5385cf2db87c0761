"""The nouns of a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.model.gateway import Backend, Listen, Named, Route, Setting
from controlplane.model.keys import route_keys
from language.paths import PathPattern
from language.places import Place
from policies.contract import WhenDown


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a policy of a route is enforced, why there, and which line asked for it."""

    key: str
    where: str
    why: str
    place: Place
    inherited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRoute:
    """A route in its place; `rule` is the opaque id that answers carry and operators look up.

    `settings` are the route's with every name in them resolved. One that is `held` answers 503: its
    file is not served, and no other route may take its requests meanwhile. `unanswered`: preflights
    reach it that its `cors` is not to answer, as they ask about other routes of its path.
    """

    rule: str
    route: Route
    settings: tuple[Setting, ...]
    placements: tuple[Placement, ...]
    held: bool = False
    unanswered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What answers the CORS preflights of a path, before its routes; nothing of it is forwarded.

    `methods` are those asked about, or all but `others` where there are none. `route` is the one
    that takes these methods first, headers and parameters aside, and has a `cors`; without one, all
    preflights are refused that no route of the path takes: no other path's policy may answer them.
    """

    rule: str
    path: PathPattern
    methods: tuple[str, ...]
    others: tuple[str, ...]
    route: PlannedRoute | None
    places: tuple[Place, ...]

    def answers(self, requested: str) -> bool:
        """Whether it is for a preflight with this `Access-Control-Request-Method`."""
        return requested in self.methods if self.methods else requested not in self.others


def besides(planned: PlannedRoute) -> tuple[str, ...]:
    """The backends that requests of a route go to besides those of its `to`."""
    return tuple(
        one.name
        for setting in planned.settings
        if setting.value is not None
        for one in route_keys()[setting.key].backends(setting.value)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodNotAllowed:
    """The 405 of a path whose routes take other methods only, after those routes."""

    rule: str
    path: PathPattern
    allow: tuple[str, ...]
    places: tuple[Place, ...]


Entry: TypeAlias = PlannedRoute | MethodNotAllowed | Preflight


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHost:
    """Domains that share their routes, and the routes in the order in which they are tried."""

    name: str
    domains: tuple[str, ...]
    places: tuple[Place, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is served; `named` are named things by kind and name.

    The places are where a key stands, or where its file starts that does not write it.
    """

    listen: Listen
    listen_place: Place
    hosts: tuple[VirtualHost, ...]
    backends: tuple[Backend, ...]
    named: Mapping[str, Mapping[str, Named]]
    when_down: WhenDown
    when_down_place: Place
