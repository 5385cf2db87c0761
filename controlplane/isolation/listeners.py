"""Listeners: one that is refused stays as it was, whole, or is left out while others live."""

from collections.abc import Collection, Iterable, Mapping

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from controlplane.snapshot import LISTENER, Resource, Snapshot


def standing(
    now: Snapshot, before: Snapshot | None, refused: Collection[str]
) -> Mapping[str, Resource] | None:
    """The listeners where some are refused; None where none would be left."""
    old = {} if before is None else before.of(LISTENER)
    made = {}
    for name, one in now.of(LISTENER).items():
        if name not in refused:
            made[name] = one
        elif name in old and old[name] != one:
            made[name] = old[name]
    return None if refused and not made else made


def chain(listeners: Iterable[Resource]) -> frozenset[str] | None:
    """The HTTP filters that every listener has; None where there is no listener to ask.

    Envoy takes a route's settings of a filter that is not there, and nobody enforces them.
    """
    chains = [names for one in listeners for names in _chains(Listener.FromString(one.body))]
    return frozenset.intersection(*chains) if chains else None


def enforced(routes: Iterable[pb.Route], names: frozenset[str] | None) -> bool:
    """Whether every filter that the routes have settings of is in the chain."""
    return names is None or all(names.issuperset(one.typed_per_filter_config) for one in routes)


def _chains(listener: Listener) -> Iterable[frozenset[str]]:
    chains = [*listener.filter_chains]
    if listener.HasField("default_filter_chain"):
        chains.append(listener.default_filter_chain)
    for one in (found for every in chains for found in every.filters):
        if one.typed_config.Is(hcm_pb2.HttpConnectionManager.DESCRIPTOR):
            manager = hcm_pb2.HttpConnectionManager()
            one.typed_config.Unpack(manager)
            yield frozenset(found.name for found in manager.http_filters)
