"""Which routes are streams, and which protocols they may be switched to: said once, here."""

from collections.abc import Set as AbstractSet
from functools import cache

from controlplane.model.keys import route_keys
from controlplane.plan.plan import PlannedRoute
from policies.contract import Action
from policies.upgrades.spec import upgrades_of


def streams(planned: PlannedRoute, streaming: AbstractSet[str]) -> bool:
    """Whether a route is a stream: no body is held back until it is whole, `timeout` is idle time.

    `streaming` are the backends that speak gRPC: a route whose targets all do is one as well.
    """
    match = planned.route.match
    if planned.held or planned.route.action is not Action.FORWARD:
        return False
    if match.grpc is not None or not _streaming().isdisjoint([s.key for s in planned.settings]):
        return True
    targets = [name for name, weight in (match.to or {}).items() if weight]
    return all(name in streaming for name in targets)


@cache
def _streaming() -> frozenset[str]:
    return frozenset(name for name, key in route_keys().items() if key.streams)


def upgrades(planned: PlannedRoute) -> tuple[str, ...]:
    """The protocols that requests of a route may be switched to, by their names in `Upgrade`."""
    if planned.held:
        return ()
    return upgrades_of({setting.key: setting.value for setting in planned.settings})
