"""The policies' `weaker` halves, loaded by name, and what they say of two routes."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType, ModuleType

from controlplane.model.keys import route_keys
from controlplane.plan.plan import PlannedRoute
from policies import GUARDS
from policies.contract import RouteFacts, Settings
from policies.guards import (
    BackendStep,
    HeldStep,
    Judged,
    NamedStep,
    TogetherStep,
    Weaker,
    WeakerStep,
)


@cache
def weaker_steps() -> Mapping[str, WeakerStep]:
    """What compares two settings of a key."""
    return MappingProxyType({k: s for m in _halves() for k, s in getattr(m, "WEAKER", {}).items()})


@cache
def backend_steps() -> Mapping[str, BackendStep]:
    """What compares two settings of a key of backends."""
    return MappingProxyType(
        {k: s for m in _halves() for k, s in getattr(m, "BACKENDS", {}).items()}
    )


@cache
def held_steps() -> Mapping[str, HeldStep]:
    """What gives the settings of a key as they hold on a route."""
    return MappingProxyType({k: s for m in _halves() for k, s in getattr(m, "HELD", {}).items()})


@cache
def together_steps() -> Mapping[str, TogetherStep]:
    """What compares the settings of a key over all requests."""
    return MappingProxyType(
        {k: s for m in _halves() for k, s in getattr(m, "TOGETHER", {}).items()}
    )


@cache
def named_steps() -> Mapping[str, NamedStep]:
    """What compares named things of a kind."""
    return MappingProxyType({k: s for m in _halves() for k, s in getattr(m, "NAMED", {}).items()})


@cache
def _halves() -> tuple[ModuleType, ...]:
    return tuple(importlib.import_module(f"policies.{name}.weaker") for name in GUARDS)


def value(route: PlannedRoute, key: str) -> Settings | None:
    """The resolved settings of a key on a route; None where it has none."""
    return next((one.value for one in route.settings if one.key == key), None)


def held(route: PlannedRoute, key: str) -> Settings | None:
    """The settings of a key as they hold on a route: with what comes from the route."""
    found, step = value(route, key), held_steps().get(key)
    if found is None or step is None:
        return found
    return step(found, RouteFacts(path=route.route.path, methods=route.route.match.methods))


def judged(route: PlannedRoute, key: str) -> Judged:
    """What judges the requests of a route by a key."""
    return Judged(settings=value(route, key), rule=route.rule)


class Guards:
    """Compares routes; what many routes inherit is compared once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], tuple[Weaker, ...]] = {}
        self._held: dict[tuple[str, int, tuple[str, ...]], Settings | None] = {}
        self._alive: list[Settings | None] = []

    def weaker(self, before: PlannedRoute, after: PlannedRoute) -> Iterator[tuple[str, Weaker]]:
        """Each way in which the second lets more pass than the first, with its key."""
        for key in weaker_steps():
            if after.route.action in route_keys()[key].actions or key == before.route.action.value:
                for one in self.of(key, before, after):
                    yield key, one

    def of(
        self, key: str, before: PlannedRoute | None, after: PlannedRoute | None
    ) -> tuple[Weaker, ...]:
        """What a key says of two routes; None is one on which it does not stand."""
        old, new = self._holding(before, key), self._holding(after, key)
        mark = (key, id(old), id(new))
        if mark not in self._known:
            self._alive += old, new  # so that nothing else gets their ids
            self._known[mark] = tuple(weaker_steps()[key](old, new))
        return self._known[mark]

    def _holding(self, route: PlannedRoute | None, key: str) -> Settings | None:
        """The settings of a key as they hold on a route: the same ones are the same object."""
        found = None if route is None else value(route, key)
        if route is None or found is None or key not in held_steps():
            return found
        mark = (key, id(found), route.route.match.methods)
        if mark not in self._held:
            self._alive.append(found)
            self._held[mark] = held(route, key)
        return self._held[mark]
