"""The policies' `weaker` halves, loaded by name, and what they say of two routes."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType, ModuleType

from controlplane.model.keys import route_keys
from controlplane.plan.plan import PlannedRoute
from policies import GUARDS
from policies.contract import Settings
from policies.guards import Judged, NamedStep, TogetherStep, Weaker, WeakerStep


@cache
def weaker_steps() -> Mapping[str, WeakerStep]:
    """What compares two settings of a key."""
    return MappingProxyType({k: s for m in _halves() for k, s in m.WEAKER.items()})


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


def judged(route: PlannedRoute, key: str) -> Judged:
    """What judges the requests of a route by a key."""
    return Judged(settings=value(route, key), rule=route.rule)


class Guards:
    """Compares routes; what many routes inherit is compared once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], tuple[Weaker, ...]] = {}
        self._alive: list[Settings | None] = []

    def weaker(self, before: PlannedRoute, after: PlannedRoute) -> Iterator[tuple[str, Weaker]]:
        """Each way in which the second lets more pass than the first, with its key."""
        for key, step in weaker_steps().items():
            if after.route.action in route_keys()[key].actions or key == before.route.action.value:
                old, new = value(before, key), value(after, key)
                mark = (key, id(old), id(new))
                if mark not in self._known:
                    self._alive += old, new  # so that nothing else gets their ids
                    self._known[mark] = tuple(step(old, new))
                yield from ((key, one) for one in self._known[mark])
