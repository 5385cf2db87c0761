"""Listeners: one that is refused stays as it was, whole, or is left out while others live.

Where it let others pass than the new one would, it does not stay: it is not what routes rely on.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from envoy.config.listener.v3.listener_components_pb2 import FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from google.protobuf.message import DecodeError

from controlplane.snapshot import LISTENER, Resource, Snapshot


def standing(
    now: Snapshot, before: Snapshot | None, refused: Collection[str]
) -> Mapping[str, Resource] | None:
    """The listeners where some are refused; None where none would be left, or one cannot stay."""
    old = {} if before is None else before.of(LISTENER)
    made = {}
    for name, one in now.of(LISTENER).items():
        if name not in refused:
            made[name] = one
        elif name in old and old[name] != one:
            if not _judge_alike(old[name], one):
                return None
            made[name] = old[name]
    return None if refused and not made else made


def _judge_alike(one: Resource, other: Resource) -> bool:
    """Whether two listeners let the same pass; of one that nobody can read, nobody knows."""
    try:
        return _judging(one) == _judging(other)
    except DecodeError:
        return False


def _judging(one: Resource) -> Listener:
    """A listener without what has no say in who may pass: its names, times and bounds.

    All else is meant for the routes beside it: whose address counts, which headers a client may
    not bring, how paths are read, what is done when nobody answers. New routes rely on the new.
    """
    out = Listener.FromString(one.body)
    for field in _HARMLESS:
        out.ClearField(field)
    for found in (f for chain in _filter_chains(out) for f in chain.filters):
        if found.typed_config.Is(hcm_pb2.HttpConnectionManager.DESCRIPTOR):
            manager = hcm_pb2.HttpConnectionManager.FromString(found.typed_config.value)
            for name in _HARMLESS_HTTP:
                manager.ClearField(name)
            found.typed_config.Pack(manager, deterministic=True)
    return out


_HARMLESS: Final = ("per_connection_buffer_limit_bytes", "stat_prefix")
_HARMLESS_HTTP: Final = (
    "access_log",
    "http2_protocol_options",
    "local_reply_config",
    "max_request_headers_kb",
    "request_headers_timeout",
    "request_timeout",
    "server_header_transformation",
    "stat_prefix",
    "stream_idle_timeout",
    "tracing",
)


def chain(listeners: Iterable[Resource]) -> frozenset[str] | None:
    """The HTTP filters that every listener has; None where there is no listener to ask.

    Envoy takes a route's settings of a filter that is not there, and nobody enforces them.
    """
    chains = [names for one in listeners for names in _chains(Listener.FromString(one.body))]
    return frozenset.intersection(*chains) if chains else None


def enforced(routes: Iterable[pb.Route], names: frozenset[str] | None) -> bool:
    """Whether every filter that the routes have settings of is in the chain."""
    return names is None or all(names.issuperset(one.typed_per_filter_config) for one in routes)


def _filter_chains(listener: Listener) -> list[FilterChain]:
    chains = [*listener.filter_chains]
    if listener.HasField("default_filter_chain"):
        chains.append(listener.default_filter_chain)
    return chains


def _chains(listener: Listener) -> Iterable[frozenset[str]]:
    for one in (found for chain in _filter_chains(listener) for found in chain.filters):
        if one.typed_config.Is(hcm_pb2.HttpConnectionManager.DESCRIPTOR):
            manager = hcm_pb2.HttpConnectionManager()
            one.typed_config.Unpack(manager)
            yield frozenset(found.name for found in manager.http_filters)
