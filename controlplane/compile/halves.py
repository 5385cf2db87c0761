"""The Envoy halves of the policies, loaded by name."""

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from types import MappingProxyType, ModuleType

from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from policies import POLICIES, SLOTS
from policies.contract import (
    ClusterStep,
    FilterStep,
    ForwardStep,
    RouteStep,
    ServiceStep,
    UnaskedStep,
    WhenDown,
)


@cache
def route_steps() -> Mapping[str, RouteStep]:
    """What puts a key's settings on a route."""
    return MappingProxyType({k: s for m in _halves() for k, s in getattr(m, "ROUTE", {}).items()})


@cache
def unasked_steps() -> Mapping[str, UnaskedStep]:
    """What a route carries that a key does not stand on."""
    return MappingProxyType({k: s for m in _halves() for k, s in getattr(m, "UNASKED", {}).items()})


@cache
def service_steps() -> Mapping[str, ServiceStep]:
    """What makes the resources of services of a key's settings."""
    return MappingProxyType(
        {k: s for m in _halves() for k, s in getattr(m, "SERVICES", {}).items()}
    )


@cache
def cluster_steps() -> Mapping[str, ClusterStep]:
    """What puts a key's settings on a cluster."""
    return MappingProxyType({k: s for m in _halves() for k, s in getattr(m, "CLUSTER", {}).items()})


def filters(when_down: WhenDown) -> tuple[hcm_pb2.HttpFilter, ...]:
    """The policies' HTTP filters in the order of SLOTS; one that no policy gives is our mistake."""
    made: dict[str, FilterStep] = {}
    for half in _halves():
        made.update(getattr(half, "FILTERS", {}))
    return tuple(made[slot](when_down) for slot in SLOTS)


@cache
def forward_steps() -> Mapping[str, ForwardStep]:
    """What puts a key of a backend on the routes that go there."""
    return MappingProxyType({k: s for m in _halves() for k, s in getattr(m, "FORWARD", {}).items()})


@cache
def _halves() -> tuple[ModuleType, ...]:
    names = [f"policies.{name}.envoy" for name in POLICIES]
    return tuple(importlib.import_module(n) for n in names if find_spec(n) is not None)
